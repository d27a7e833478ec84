//! Matrix. The id of the message is that of the transaction, so a retry has no second effect.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, MatrixTarget, MessageChart};

use super::brief::{Brief, fit, only_chart};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http, seconds};
use super::styled::{Layout, Styled};

const SERVICE: &str = "Matrix";
/// An event has at most 64 KiB, its envelope included.
const MAX_EVENT_BYTES: usize = 50_000;
const MAX_ITEMS: usize = 50;

/// Sends a message, and its chart after it.
pub(super) async fn send(http: &Http, target: &MatrixTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let text =
        fit(message, MAX_ITEMS, text).ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    put(http, target, &message.id.to_string(), &text).await?;
    let Some(chart) = only_chart(message) else { return Ok(Sent::default()) };
    // The message is delivered: a chart that is not must not make it look undelivered.
    let transaction = format!("{}-chart", message.id);
    let sent = send_chart(http, target, &transaction, chart).await;
    Ok(Sent { note: sent.err().map(|error| format!("delivered without its chart: {error}")), moved_to: None })
}

fn text(brief: &Brief) -> Option<Value> {
    let text = Styled::of(brief, Layout { with_title: true, with_links: true });
    let event = json!({
        "msgtype": "m.text",
        "body": text.plain_without_mentions(),
        "format": "org.matrix.custom.html",
        "formatted_body": text.html(),
        // Without it, clients look for mentions in the text.
        "m.mentions": {},
    });
    (event.to_string().len() <= MAX_EVENT_BYTES).then_some(event)
}

async fn put(http: &Http, target: &MatrixTarget, transaction: &str, event: &Value) -> Result<(), ChannelError> {
    let path = ["_matrix", "client", "v3", "rooms", target.room_id.trim(), "send", "m.room.message", transaction];
    let url = http.below(&target.homeserver, &path)?;
    let request = http.client.put(url).bearer_auth(target.access_token.trim()).json(event);
    result_of(&http.send(request).await?)
}

async fn send_chart(
    http: &Http,
    target: &MatrixTarget,
    transaction: &str,
    chart: &MessageChart,
) -> Result<(), ChannelError> {
    let mut url = http.below(&target.homeserver, &["_matrix", "media", "v3", "upload"])?;
    url.query_pairs_mut().append_pair("filename", "chart.png");
    let request = http.client.post(url).bearer_auth(target.access_token.trim()).header("content-type", "image/png");
    let answer = http.send(request.body(chart.png.clone())).await?;
    result_of(&answer)?;
    let uploaded = answer.json();
    let Some(uri) = uploaded["content_uri"].as_str() else { return Err(ChannelError::temporary("no content_uri")) };
    let info = json!({ "mimetype": "image/png", "size": chart.png.len() });
    let alt = if chart.alt.is_empty() { "chart.png" } else { &chart.alt };
    let alt = super::text::without_mentions(&super::text::cut(alt, 500, super::text::Unit::Chars));
    let event = json!({ "msgtype": "m.image", "body": alt, "url": uri, "info": info, "m.mentions": {} });
    put(http, target, transaction, &event).await
}

fn result_of(answer: &Answer) -> Result<(), ChannelError> {
    if answer.status.is_success() {
        return Ok(());
    }
    let body = answer.json();
    let code = body["errcode"].as_str().unwrap_or_default();
    let words = format!("{code} {}", body["error"].as_str().unwrap_or_default());
    let reason = answer.reason(SERVICE, Some(words.trim()));
    Err(match (answer.status.as_u16(), code) {
        (429, _) | (_, "M_LIMIT_EXCEEDED") => {
            // Older servers write milliseconds into the body.
            let older = seconds(&body["retry_after_ms"]).map(|milliseconds| milliseconds / 1000);
            ChannelError::limited(reason, answer.retry_after().or(older))
        }
        (
            _,
            "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" | "M_FORBIDDEN" | "M_USER_DEACTIVATED" | "M_GUEST_ACCESS_FORBIDDEN",
        ) => ChannelError::Broken(reason),
        (413, _) | (400, _) => ChannelError::Refused(reason),
        // Not from a homeserver: a proxy in front of it.
        (300..=499, _) => ChannelError::temporary(reason),
        _ => ChannelError::Temporary { reason, retry_after: answer.retry_after() },
    })
}
