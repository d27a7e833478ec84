//! The token in the URL of a feed: which channel it is, and a secret that its owner can replace.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ids::{ChannelId, TenantId};

/// The secret of a feed. `Debug` hides it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeedSecret(Uuid);

impl FeedSecret {
    /// A new one, of 122 random bits.
    #[expect(clippy::new_without_default, reason = "each call returns a different value")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }
}

impl PartialEq for FeedSecret {
    /// By their hashes, so that the time that it takes tells nothing.
    fn eq(&self, other: &Self) -> bool {
        Sha256::digest(self.0.as_bytes()) == Sha256::digest(other.0.as_bytes())
    }
}

impl Eq for FeedSecret {}

impl fmt::Debug for FeedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedSecret")
    }
}

/// What a token says. It is written in 64 characters that can stand in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedToken {
    /// Whose feed it is.
    pub tenant_id: TenantId,
    /// The channel.
    pub channel_id: ChannelId,
    /// Only its owner knows it.
    pub secret: FeedSecret,
}

/// The text is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the token of a feed")]
pub struct FeedTokenError;

impl fmt::Display for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.tenant_id.0, self.channel_id.0, self.secret.0].map(|part| *part.as_bytes());
        f.write_str(&BASE64.encode(parts.concat()))
    }
}

impl FromStr for FeedToken {
    type Err = FeedTokenError;

    fn from_str(text: &str) -> Result<Self, FeedTokenError> {
        let bytes = BASE64.decode(text).map_err(|_| FeedTokenError)?;
        let bytes: [u8; 48] = bytes.try_into().map_err(|_| FeedTokenError)?;
        let part = |at: usize| Uuid::from_bytes(std::array::from_fn(|n| bytes[at + n]));
        Ok(Self { tenant_id: TenantId(part(0)), channel_id: ChannelId(part(16)), secret: FeedSecret(part(32)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let (tenant_id, channel_id, secret) = (TenantId::new(), ChannelId::new(), FeedSecret::new());
        let token = FeedToken { tenant_id, channel_id, secret };
        let text = token.to_string();
        assert_eq!((text.len(), text.parse()), (64, Ok(token)));
        for other in ["", "a", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "~")] {
            assert_eq!(other.parse::<FeedToken>(), Err(FeedTokenError), "{other}");
        }
        assert_ne!(token, FeedToken { secret: FeedSecret::new(), ..token });
        assert!(!format!("{token:?}").contains(&secret.0.to_string()));
    }
}
