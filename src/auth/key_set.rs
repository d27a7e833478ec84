//! The keys of the settings: one that signs access tokens, and those that verify them.

use std::collections::{HashMap, HashSet};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sha2::{Digest, Sha256};

use super::keys::{KeyError, KeyPair, public_jwk};
use crate::config::TokenSettings;

const MIN_SECRET_BYTES: usize = 32;
/// Distinct characters of a secret. 32 random hexadecimal digits have fewer once in a million times.
const MIN_SECRET_CHARS: usize = 8;
/// Parts of the secrets in examples, in lower case.
const EXAMPLES: &[&str] =
    &["change-me", "changeme", "change_me", "secret-key", "secret_key", "your-", "your_", "example", "password"];

/// True for secrets that stand in examples, or repeat a few characters.
fn is_guessable(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let distinct: HashSet<char> = lower.chars().collect();
    distinct.len() < MIN_SECRET_CHARS || EXAMPLES.iter().any(|example| lower.contains(example))
}

/// What signs tokens.
pub(super) struct Signer {
    pub(super) header: Header,
    pub(super) key: EncodingKey,
}

/// What verifies the tokens of one key. The algorithm is a property of the key. The algorithm in a token's header is never trusted.
pub(super) struct Verifier {
    pub(super) key: DecodingKey,
    pub(super) validation: Validation,
}

/// The keys of the settings.
pub(super) struct KeySet {
    pub(super) signer: Signer,
    /// By the identifiers of their keys.
    pub(super) verifiers: HashMap<String, Verifier>,
    /// The public keys (RFC 7517).
    pub(super) published: JwkSet,
}

impl KeySet {
    /// The private key signs if there is one, otherwise the secret; all configured keys verify. Without either, a key is generated that
    /// lives as long as the process.
    ///
    /// # Errors
    /// [`KeyError`] with the name of the setting.
    pub(super) fn of(settings: &TokenSettings) -> Result<Self, (&'static str, KeyError)> {
        let mut builder = Builder { settings, verifiers: HashMap::new(), published: JwkSet { keys: Vec::new() } };
        let mut signer = None;
        for public in &settings.verification_keys {
            let key = DecodingKey::from_ed_pem(public.as_bytes()).map_err(|_| KeyError::NotEd25519);
            key.and_then(|key| builder.add_public(key)).map_err(|error| ("auth.token.verification_keys", error))?;
        }
        if let Some(secret) = &settings.secret_key {
            signer = Some(builder.add_secret(secret.reveal()).map_err(|error| ("auth.token.secret_key", error))?);
        }
        let named = |error| ("auth.token.private_key", error);
        let pair = match (&settings.private_key, &signer) {
            (Some(pem), _) => Some(KeyPair::from_pem(pem.reveal()).map_err(named)?),
            (None, None) => Some(KeyPair::new().map_err(named)?),
            (None, Some(_)) => None,
        };
        if let Some(pair) = pair {
            signer = Some(builder.add_pair(&pair).map_err(named)?);
        }
        let Builder { verifiers, published, .. } = builder;
        let signer = signer.ok_or(named(KeyError::NoRandomness))?;
        Ok(Self { signer, verifiers, published })
    }
}

/// Keys as they are added.
struct Builder<'s> {
    settings: &'s TokenSettings,
    verifiers: HashMap<String, Verifier>,
    published: JwkSet,
}

impl Builder<'_> {
    fn add_pair(&mut self, pair: &KeyPair) -> Result<Signer, KeyError> {
        let kid = self.add_public(pair.decoding_key())?;
        Ok(Signer { header: header(Algorithm::EdDSA, kid), key: EncodingKey::from_ed_der(&pair.private_der()?) })
    }

    fn add_public(&mut self, key: DecodingKey) -> Result<String, KeyError> {
        let (jwk, kid) = public_jwk(&key)?;
        self.published.keys.push(jwk);
        self.add(kid.clone(), key, Algorithm::EdDSA);
        Ok(kid)
    }

    fn add_secret(&mut self, secret: &str) -> Result<Signer, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::ShortSecret);
        }
        if is_guessable(secret) {
            return Err(KeyError::GuessableSecret);
        }
        let name = Sha256::digest(format!("amazon-tracker kid {secret}"));
        let kid: String = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.add(kid.clone(), DecodingKey::from_secret(secret.as_bytes()), Algorithm::HS256);
        Ok(Signer { header: header(Algorithm::HS256, kid), key: EncodingKey::from_secret(secret.as_bytes()) })
    }

    fn add(&mut self, kid: String, key: DecodingKey, algorithm: Algorithm) {
        let mut validation = Validation::new(algorithm);
        // Expiry is checked in `verify`, against a clock that may differ from the system clock.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        self.verifiers.insert(kid, Verifier { key, validation });
    }
}

fn header(algorithm: Algorithm, kid: String) -> Header {
    Header { kid: Some(kid), ..Header::new(algorithm) }
}
