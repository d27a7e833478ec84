//! E-mail over SMTP: a text and an HTML alternative, with charts as inline pictures.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use crate::config::MailSettings;
use crate::domain::{AlertMessage, EmailTarget, MessageChart, MessageLink, Severity};

use super::brief::{Brief, Detail, fit};
use super::email_html;
use super::error::{ChannelError, ChannelSetupError, Sent, quote};
use super::styled::{Layout, Styled};
use super::text::{Unit, cut, one_line};

const NAME: &str = "amazon-tracker";
/// Gmail cuts off HTML beyond 102 KB. Its encoding makes it longer.
const MAX_HTML_BYTES: usize = 80_000;
const MAX_ITEMS: usize = 50;
const MAX_CHARTS: usize = 10;
const MAX_CHART_BYTES: usize = 1024 * 1024;
const MAX_SUBJECT: usize = 200;
/// A line of a message has at most 998 characters (RFC 5322), and a URL cannot be folded.
const MAX_HEADER_URL: usize = 900;

/// Sends e-mails.
pub(super) struct EmailChannel {
    /// `None` if no mail server is configured.
    server: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
    timeout: Duration,
    /// The parts of the server's URL that no error may contain.
    secrets: Vec<String>,
}

impl EmailChannel {
    /// A sender for the configured server. Connections are opened on demand.
    pub fn new(settings: &MailSettings) -> Result<Self, ChannelSetupError> {
        let timeout = Duration::from_secs(settings.timeout_secs);
        let (Some(url), Some(from)) = (&settings.smtp_url, &settings.from) else {
            return Ok(Self { server: None, timeout, secrets: Vec::new() });
        };
        let secrets = Url::parse(url.reveal()).ok().and_then(|url| url.password().map(str::to_owned));
        let secrets =
            secrets.into_iter().chain([url.reveal().to_owned()]).filter(|secret| !secret.is_empty()).collect();
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal());
        let transport = builder.map_err(|_| ChannelSetupError::SmtpUrl)?.timeout(Some(timeout)).build();
        let address = from.as_str().parse().map_err(|_| ChannelSetupError::From)?;
        Ok(Self { server: Some((transport, Mailbox::new(Some(NAME.to_owned()), address))), timeout, secrets })
    }

    /// Makes one attempt.
    pub async fn send(&self, target: &EmailTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
        // Not broken: the operator can repair it, the owner of the channel cannot.
        let none = || ChannelError::temporary("no mail server is configured");
        let (transport, from) = self.server.as_ref().ok_or_else(none)?;
        let mail = compose(from, target, message)?;
        // Each e-mail uses its own connection: one that timed out in the middle of a message must not be reused.
        match tokio::time::timeout(self.timeout, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(Sent::default()),
            Ok(Err(error)) => Err(error_of(&error).without(&self.secrets)),
            Err(_) => Err(ChannelError::temporary("the mail server did not answer in time")),
        }
    }
}

/// Builds the message. Its `Message-ID` is the same for every attempt, so that duplicates can be detected.
fn compose(from: &Mailbox, target: &EmailTarget, message: &AlertMessage) -> Result<Message, ChannelError> {
    let to = target.to.trim().parse().map_err(|_| ChannelError::Broken("the address is not valid".to_owned()))?;
    let subject = one_line(&cut(&message.title, MAX_SUBJECT, Unit::Chars));
    let id = format!("<{}@{}>", message.id, from.email.domain());
    let mut builder = Message::builder().from(from.clone()).to(Mailbox::new(None, to)).subject(subject);
    // So that no holiday notice is sent back (RFC 3834).
    builder = builder.message_id(Some(id)).raw_header(header("Auto-Submitted", "auto-generated"));
    if message.severity == Severity::Urgent {
        builder = builder.raw_header(header("Importance", "high"));
    }
    let unsubscribe = unsubscribe(message);
    if let Some(MessageLink { url, .. }) = &unsubscribe {
        builder = builder.raw_header(header("List-Unsubscribe", &format!("<{url}>")));
        builder = builder.raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let body = MultiPart::alternative().singlepart(plain_part(message)).multipart(html_part(message)?);
    builder.multipart(body).map_err(|error| ChannelError::Refused(format!("invalid e-mail: {error}")))
}

/// A header whose value is ASCII and fits in one line. The encoder would break a long URL into pieces that clients do
/// not join.
fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.to_owned(), value.to_owned())
}

/// The link, with a URL that can stand in a header.
fn unsubscribe(message: &AlertMessage) -> Option<MessageLink> {
    let link = message.unsubscribe.as_ref()?;
    Some(MessageLink { label: link.label.clone(), url: header_url(&link.url)? })
}

/// A URL as it can stand in a header: parsed, it has no spaces, line breaks and letters outside of ASCII.
fn header_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?.to_string();
    let is_safe =
        url.len() <= MAX_HEADER_URL && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte));
    is_safe.then_some(url)
}

fn plain_part(message: &AlertMessage) -> SinglePart {
    let detail = if message.items.len() > 1 { Detail::Short } else { Detail::Full };
    let brief = Brief::of(message, detail, MAX_ITEMS);
    let mut text = Styled::of(&brief, Layout { with_title: true, with_links: true }).plain();
    if let Some(MessageLink { label, url }) = unsubscribe(message) {
        text.push_str(&format!("\n\n{label}: {url}"));
    }
    SinglePart::plain(text)
}

fn html_part(message: &AlertMessage) -> Result<MultiPart, ChannelError> {
    let charts = charts(message);
    let unsubscribe = unsubscribe(message);
    let html = fit(message, MAX_ITEMS, |brief| {
        let page = email_html::page(brief, message.severity, &charts, unsubscribe.as_ref());
        (page.len() <= MAX_HTML_BYTES).then_some((page, brief.items.len()))
    });
    let (html, shown) = html.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    let mut related = MultiPart::related().singlepart(SinglePart::html(html));
    let shown = charts.iter().take(shown).enumerate().filter_map(|(n, chart)| Some((n, (*chart)?)));
    for (n, chart) in shown {
        let png = ContentType::parse("image/png").expect("the constant is a content type");
        let picture = Attachment::new_inline_with_name(email_html::content_id(n), format!("chart-{}.png", n + 1));
        related = related.singlepart(picture.body(Body::new(chart.png.clone()), png));
    }
    Ok(related)
}

/// The chart of each item that has one, within a size that mail servers accept.
fn charts(message: &AlertMessage) -> Vec<Option<&MessageChart>> {
    let (mut count, mut bytes) = (0, 0);
    let mut within = |chart: &&MessageChart| {
        let fits = !chart.png.is_empty() && count < MAX_CHARTS && bytes + chart.png.len() <= MAX_CHART_BYTES;
        if fits {
            (count, bytes) = (count + 1, bytes + chart.png.len());
        }
        fits
    };
    message.items.iter().map(|item| item.chart.as_ref().filter(&mut within)).collect()
}

/// What the server's answer means (RFC 5321, section 4.2.3, and the enhanced codes of RFC 3463). Permanent codes that
/// do not concern the recipient, such as a failed authentication, are retried: an operator can fix their cause.
fn error_of(error: &smtp::Error) -> ChannelError {
    let Some(code) = error.status().map(|code| code.to_string()) else {
        let reason = if error.is_timeout() { "the mail server did not answer in time".to_owned() } else { root(error) };
        return ChannelError::temporary(reason);
    };
    let words = root(error);
    let reason = quote(&format!("the mail server answered {code}: {words}"));
    // 5.7: a policy refuses the message; 4.7 and 4.2.1: too many of them.
    let is_policy = words.contains("5.7.");
    match code.as_str() {
        "550" | "551" | "553" if is_policy => ChannelError::Refused(reason),
        "550" | "551" | "553" => ChannelError::Broken(reason),
        "552" => ChannelError::Refused(reason),
        "421" => ChannelError::limited(reason, None),
        "450" | "451" | "452" if words.contains("4.7.") || words.contains("4.2.1") => {
            ChannelError::limited(reason, None)
        }
        _ => ChannelError::temporary(reason),
    }
}

/// The innermost cause, which is the text of the server if there is one.
fn root(error: &smtp::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    quote(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_line_break_injects_no_header() {
        assert_eq!(
            header_url("https://example.com/u\r\nBcc: x@example.com"),
            Some("https://example.com/uBcc:%20x@example.com".to_owned())
        );
        assert_eq!(header_url("javascript:alert(1)"), None);
        assert_eq!(header_url(&format!("https://example.com/{}", "x".repeat(1000))), None);
    }
}
