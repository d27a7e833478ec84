//! Proof Key for Code Exchange (RFC 7636), method S256: whoever redeems a code is who asked for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The challenge of a client: the hash of a secret that it shows later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkceChallenge(String);

impl PkceChallenge {
    /// A challenge as a client sends it: the Base64 of 32 bytes, without padding.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hash = BASE64.decode(text).is_ok_and(|hash| hash.len() == 32);
        is_hash.then(|| Self(text.to_owned()))
    }

    /// The challenge that a verifier answers; `None`: the text is no verifier.
    pub fn of_verifier(verifier: &str) -> Option<Self> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_verifier = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved);
        is_verifier.then(|| Self(BASE64.encode(Sha256::digest(verifier))))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_answers_its_own_challenge() {
        // RFC 7636, appendix B.
        let challenge = PkceChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(PkceChallenge::of_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), Some(challenge.clone()));
        assert_ne!(PkceChallenge::of_verifier(&"x".repeat(43)), Some(challenge));
        for wrong in ["", "short", &"x".repeat(42), &"x".repeat(129), &"ä".repeat(43), &" ".repeat(43)] {
            assert_eq!(PkceChallenge::of_verifier(wrong), None, "{wrong}");
        }
        for wrong in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "E9Mel", &"+".repeat(43)] {
            assert_eq!(PkceChallenge::parse(wrong), None, "{wrong}");
        }
    }
}
