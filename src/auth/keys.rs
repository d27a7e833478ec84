//! Key pairs that sign access tokens.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};

/// DER prefix of a 32-byte Ed25519 public key (RFC 8410, section 4).
const PUBLIC_KEY_HEADER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, or not an Ed25519 key.
    #[error("must be an Ed25519 key in PEM (PKCS #8); create one with `amazon-tracker keys`")]
    NotEd25519,
    /// The secret is too short.
    #[error("must have at least 32 bytes")]
    ShortSecret,
    /// The secret is an example, or a few characters repeated.
    #[error("must not be guessable; use the output of `openssl rand -base64 48`")]
    GuessableSecret,
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    NoRandomness,
}

/// An Ed25519 key pair.
pub struct KeyPair(Ed25519KeyPair);

impl KeyPair {
    /// Generates a key pair.
    ///
    /// # Errors
    /// When the system's random number generator fails.
    pub fn new() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| KeyError::NoRandomness)
    }

    /// Parses a private key in PEM (PKCS #8), as written by `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    /// [`KeyError::NotEd25519`]
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let file = pem::parse(text).map_err(|_| KeyError::NotEd25519)?;
        Ed25519KeyPair::from_pkcs8(file.contents()).map(Self).map_err(|_| KeyError::NotEd25519)
    }

    /// The private key in PEM (PKCS #8). Secret.
    ///
    /// # Errors
    /// Not expected for a valid key pair.
    pub fn private_pem(&self) -> Result<String, KeyError> {
        Ok(pem::encode(&pem::Pem::new("PRIVATE KEY", self.private_der()?)))
    }

    /// The public key in PEM, for services that verify tokens.
    pub fn public_pem(&self) -> String {
        let der = [&PUBLIC_KEY_HEADER, self.0.public_key().as_ref()].concat();
        pem::encode(&pem::Pem::new("PUBLIC KEY", der))
    }

    /// The key id in token headers: the thumbprint of the public key (RFC 7638).
    ///
    /// # Errors
    /// Not expected for a valid key pair.
    pub fn kid(&self) -> Result<String, KeyError> {
        Ok(public_jwk(&DecodingKey::from_ed_der(self.0.public_key().as_ref()))?.1)
    }

    pub(super) fn private_der(&self) -> Result<Vec<u8>, KeyError> {
        self.0.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(|_| KeyError::NotEd25519)
    }

    pub(super) fn decoding_key(&self) -> DecodingKey {
        DecodingKey::from_ed_der(self.0.public_key().as_ref())
    }
}

/// The JWK of a public key, and its key id.
pub(super) fn public_jwk(key: &DecodingKey) -> Result<(Jwk, String), KeyError> {
    let mut jwk = Jwk::from_decoding_key(key, Some(Algorithm::EdDSA)).map_err(|_| KeyError::NotEd25519)?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::NotEd25519)?;
    jwk.common.key_id = Some(kid.clone());
    Ok((jwk, kid))
}
