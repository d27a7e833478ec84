//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use email_address::Options;
use serde::{Deserialize, Serialize};

/// An e-mail address in lower case, the form in which it is stored and compared. RFC 5321 allows case-sensitive local
/// parts, but no mail provider in use distinguishes them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address, such as jo@example.com")]
pub struct EmailAddressError;

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, EmailAddressError> {
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        // RFC 5321 allows quoted local parts; mail providers in use do not.
        if text.contains('"') {
            return Err(EmailAddressError);
        }
        let address = email_address::EmailAddress::parse_with_options(text.trim(), options);
        address.map(|address| Self(address.as_str().to_lowercase())).map_err(|_| EmailAddressError)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailAddressError;

    fn try_from(text: String) -> Result<Self, EmailAddressError> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stored_in_lower_case_without_surrounding_space() {
        assert_eq!(" Jo.Doe+Shop@Example.COM ".parse::<EmailAddress>().unwrap().as_str(), "jo.doe+shop@example.com");
    }

    #[test]
    fn undeliverable_addresses_are_refused() {
        for text in [
            "",
            "jo",
            "@example.com",
            "jo@",
            "jo@example",
            "a b@example.com",
            "Jo <jo@example.com>",
            "jo@[10.0.0.1]",
            "jo@example.com\r\nBcc: all@example.com",
            "jo@example.com\0",
            "jo@exa mple.com",
            "\"jo doe\"@example.com",
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(EmailAddressError), "{text:?}");
        }
        assert!(format!("{}@example.com", "x".repeat(65)).parse::<EmailAddress>().is_err());
    }
}
