//! Tokens that say nothing by themselves: random, shown once, and kept as a hash.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::domain::TokenHash;

/// What a token is for. Its prefix tells a token in a log or a repository for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A machine's credential.
    ApiKey,
    /// Buys the next access token.
    Refresh,
    /// Goes out by e-mail and works once.
    Link,
}

impl TokenKind {
    /// How a token of this kind begins.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "at_",
            Self::Refresh => "rt_",
            Self::Link => "lt_",
        }
    }
}

/// A new token, before it is shown. It is not kept.
pub struct OpaqueToken(String);

impl OpaqueToken {
    /// A token of 256 random bits.
    pub fn new(kind: TokenKind) -> Self {
        Self(format!("{}{}", kind.prefix(), BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        hash_of(&self.0)
    }

    /// The beginning, by which people tell their keys apart.
    pub fn hint(&self) -> &str {
        &self.0[..TokenKind::ApiKey.prefix().len() + 6]
    }

    /// The token, for whom it is meant.
    pub fn reveal(self) -> String {
        self.0
    }
}

/// What is kept of a token that somebody sent. Unsalted: 256 random bits are not guessed.
pub fn hash_of(token: impl AsRef<[u8]>) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_new_and_known_by_its_hash() {
        let (one, two) = (OpaqueToken::new(TokenKind::ApiKey), OpaqueToken::new(TokenKind::ApiKey));
        assert!(one.hash() != two.hash() && one.hint().starts_with("at_") && one.hint().len() == 9);
        let hash = one.hash();
        let sent = one.reveal();
        assert_eq!(hash_of(&sent), hash);
        assert_eq!(sent.len(), 3 + 43);
    }
}
