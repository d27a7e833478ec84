//! Requests to services, and what their answers have in common.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::config::NotifySettings;
use crate::domain::{WebhookUrl, parse_retry_after};
use crate::notify::guarded_client::{describe, guarded_client};

use super::error::{ChannelError, ChannelSetupError, quote};

/// How much of an answer is read. None of the services needs more to say what it has to say.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The client of all services.
pub(super) struct Http {
    pub client: Client,
    allow_private_targets: bool,
}

/// What a service answered.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Its body, or the start of it.
    pub text: String,
}

impl Http {
    /// A client that connects to private addresses only if the settings allow it.
    pub fn new(settings: &NotifySettings) -> Result<Self, ChannelSetupError> {
        let allow_private_targets = settings.allow_private_targets;
        Ok(Self { client: guarded_client(settings)?, allow_private_targets })
    }

    /// The URL that a user has named.
    pub fn url(&self, text: &str) -> Result<Url, ChannelError> {
        let url = WebhookUrl::parse(text.trim(), self.allow_private_targets);
        url.map(WebhookUrl::into_url).map_err(|error| ChannelError::Broken(format!("invalid URL: {error}")))
    }

    /// A path below the root of a server, which may have a path itself. Each segment is percent-encoded.
    pub fn below(&self, root: &str, segments: &[&str]) -> Result<Url, ChannelError> {
        below(&self.url(root)?, segments)
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, ChannelError> {
        let response = request.send().await.map_err(|error| ChannelError::temporary(quote(&describe(&error))))?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, text: read(response).await })
    }
}

/// See [`Http::below`].
pub(super) fn below(root: &Url, segments: &[&str]) -> Result<Url, ChannelError> {
    let mut url = root.clone();
    url.set_query(None);
    url.set_fragment(None);
    let mut path =
        url.path_segments_mut().map_err(|()| ChannelError::Broken("invalid URL: it has no path".to_owned()))?;
    path.pop_if_empty().extend(segments);
    drop(path);
    Ok(url)
}

/// The start of the body. A connection that breaks here is no failure: the status says whether the message was taken,
/// and a retry would deliver it twice.
async fn read(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MAX_ANSWER_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The pause of `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        parse_retry_after(self.header(RETRY_AFTER.as_str())?, Timestamp::now())
    }

    /// What the service answered, with its own words if there are any.
    pub fn reason(&self, service: &str, words: Option<&str>) -> String {
        let words = quote(words.unwrap_or_default());
        let status = self.status;
        if words.is_empty() {
            format!("{service} answered {status}")
        } else {
            format!("{service} answered {status}: {words}")
        }
    }

    /// The error of servers that people host themselves. A 404 is no proof that the channel is gone: reverse proxies
    /// answer it while the server behind them restarts.
    pub fn error_of_own_server(&self, service: &str, words: Option<&str>) -> ChannelError {
        let reason = self.reason(service, words);
        match self.status.as_u16() {
            401 | 403 => ChannelError::Broken(reason),
            429 => ChannelError::limited(reason, self.retry_after()),
            300..=399 => ChannelError::temporary(format!("{reason}; redirects are not followed")),
            404 | 408 | 425 => ChannelError::temporary(reason),
            400..=499 => ChannelError::Refused(reason),
            _ => ChannelError::Temporary { reason, retry_after: self.retry_after() },
        }
    }
}

/// A number of seconds that a service has written, whole or not, as number or as text.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_is_joined_to_a_root_with_or_without_a_path_and_encoded() {
        let joined = |root: &str| below(&root.parse().unwrap(), &["rooms", "!a/b:c"]).unwrap().to_string();
        assert_eq!(joined("https://example.com"), "https://example.com/rooms/!a%2Fb:c");
        assert_eq!(joined("https://example.com/base/?x=1#y"), "https://example.com/base/rooms/!a%2Fb:c");
    }

    #[test]
    fn seconds_are_numbers_or_texts_and_never_negative() {
        assert_eq!(seconds(&json!(1.5)), Some(Duration::from_millis(1500)));
        assert_eq!(seconds(&json!("2")), Some(Duration::from_secs(2)));
        for none in [json!(-1), json!("soon"), json!(null), json!(1e300)] {
            assert_eq!(seconds(&none), None, "{none}");
        }
    }
}
