//! The URL of a webhook, checked as far as possible without resolving its host.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::is_public;

/// Maximum length of a URL, in bytes: as much as all browsers and most servers support.
const MAX_CHARS: usize = 2048;

/// A URL that may be requested on a user's behalf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a URL cannot be used as a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Longer than clients and servers support.
    #[error("must have at most {MAX_CHARS} characters")]
    TooLong,
    /// Not a URL.
    #[error("not a URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// A scheme other than `http` or `https`.
    #[error("the scheme must be http or https, not `{0}`")]
    Scheme(String),
    /// Contains a user name or a password, which would end up in logs.
    #[error("a webhook URL must not carry a user name or a password")]
    Credentials,
    /// The host is an IP address that is not public.
    #[error("{0} is not a public address")]
    PrivateAddress(IpAddr),
}

impl WebhookUrl {
    /// Parses and checks a URL. The addresses that a host name resolves to are checked when connecting.
    ///
    /// # Errors
    /// See [`WebhookUrlError`].
    pub fn parse(text: &str, allow_private_targets: bool) -> Result<Self, WebhookUrlError> {
        if text.len() > MAX_CHARS {
            return Err(WebhookUrlError::TooLong);
        }
        let url = Url::parse(text)?;
        // Percent-encoding makes it longer.
        if url.as_str().len() > MAX_CHARS {
            return Err(WebhookUrlError::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Credentials);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal.filter(|address| !allow_private_targets && !is_public(*address)) {
            Some(address) => Err(WebhookUrlError::PrivateAddress(address)),
            None => Ok(Self(url)),
        }
    }

    /// The URL.
    pub fn into_url(self) -> Url {
        self.0
    }

    /// The URL as text, normalised.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_address_is_refused_in_every_notation() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::1]:80/",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(matches!(WebhookUrl::parse(url, false), Err(WebhookUrlError::PrivateAddress(_))), "{url}");
            assert!(WebhookUrl::parse(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn other_schemes_and_credentials_are_refused() {
        assert!(matches!(WebhookUrl::parse("ftp://example.com/", false), Err(WebhookUrlError::Scheme(_))));
        assert!(matches!(WebhookUrl::parse("https://me:pw@example.com/", false), Err(WebhookUrlError::Credentials)));
        assert!(matches!(WebhookUrl::parse("example.com/hook", false), Err(WebhookUrlError::Syntax(_))));
    }
}
