//! Opaque tokens: random, shown once, and stored as a hash.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::domain::TokenHash;

/// The kind of a token. Its prefix identifies the token in logs and repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An API key.
    ApiKey,
    /// A refresh token.
    Refresh,
    /// The token of a single-use link in an e-mail.
    Link,
    /// An authorization code of a client.
    AuthorizationCode,
    /// A refresh token of a client.
    GrantRefresh,
    /// The token in the cookie of a browser.
    Browser,
    /// The token in the URL of a public link to a product.
    Share,
}

impl TokenKind {
    /// The prefix of tokens of this kind.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "at_",
            Self::Refresh => "rt_",
            Self::Link => "lt_",
            Self::AuthorizationCode => "ac_",
            Self::GrantRefresh => "gt_",
            Self::Browser => "st_",
            Self::Share => "sh_",
        }
    }
}

/// A new token, before it is returned. Only its hash is stored.
pub struct OpaqueToken(String);

impl OpaqueToken {
    /// Generates a token of 256 random bits.
    pub fn new(kind: TokenKind) -> Self {
        Self(format!("{}{}", kind.prefix(), BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
    }

    /// The hash to store.
    pub fn hash(&self) -> TokenHash {
        hash_of(&self.0)
    }

    /// The first characters, by which users recognise their keys.
    pub fn hint(&self) -> &str {
        &self.0[..TokenKind::ApiKey.prefix().len() + 6]
    }

    /// The token itself, for its recipient.
    pub fn reveal(self) -> String {
        self.0
    }
}

/// The hash of a received token. Unsalted, because 256 random bits cannot be guessed.
pub fn hash_of(token: impl AsRef<[u8]>) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_unique_and_identified_by_its_hash() {
        let (one, two) = (OpaqueToken::new(TokenKind::ApiKey), OpaqueToken::new(TokenKind::ApiKey));
        assert!(one.hash() != two.hash() && one.hint().starts_with("at_") && one.hint().len() == 9);
        let hash = one.hash();
        let sent = one.reveal();
        assert_eq!(hash_of(&sent), hash);
        assert_eq!(sent.len(), 3 + 43);
    }
}
