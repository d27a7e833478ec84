//! Issues and verifies access tokens: signed, short-lived, verified without a query.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use uuid::Uuid;

use super::claims::{Claims, Grant};
use super::hash_of;
use super::key_set::{KeySet, Signer, Verifier};
use super::keys::KeyError;
use crate::config::TokenSettings;
use crate::domain::{Scopes, TokenHash};

/// Tolerated clock skew.
const LEEWAY_SECS: u64 = 30;
/// How long a verified signature is cached. Verification is expensive, and clients send the same token with every
/// request.
const VERIFIED_TTL: Duration = Duration::from_secs(60);
const MAX_VERIFIED: u64 = 20_000;
/// Why a token is refused. Not to be sent to the client.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Signed by an unknown key, or unsigned.
    #[error("the token is not signed by a known key")]
    UnknownKey,
    /// Its header demands an extension (RFC 7515, section 4.1.11); none is understood.
    #[error("the token's header demands an extension")]
    Critical,
    /// Signed by us, but expired or not yet valid.
    #[error("the token is expired or not yet valid")]
    OutOfTime,
    /// A token of a client for something else than tools, or one of a user for tools alone.
    #[error("the token is for another audience")]
    Audience,
    /// For another audience, or malformed.
    #[error("the token is not valid: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
}

/// Signs with one key, verifies with several.
pub struct Keyring {
    settings: TokenSettings,
    signer: Signer,
    verifiers: HashMap<String, Verifier>,
    /// Claims of tokens whose signature was verified recently.
    verified: Cache<TokenHash, Claims>,
    published: JwkSet,
    /// The audience of tokens of clients; `None`: there are none.
    resource: Option<String>,
    /// A reference time and the instant at which it was set.
    reference_time: Mutex<Option<(Timestamp, Instant)>>,
}

impl Keyring {
    /// A keyring from the settings. The private key signs if there is one, otherwise the secret; all configured keys
    /// verify. Without either, a key is generated that lives as long as the process.
    ///
    /// # Errors
    /// [`KeyError`] with the name of the setting.
    pub fn new(settings: &TokenSettings) -> Result<Self, (&'static str, KeyError)> {
        let KeySet { signer, verifiers, published } = KeySet::of(settings)?;
        let verified = Cache::builder().max_capacity(MAX_VERIFIED).time_to_live(VERIFIED_TTL).build();
        Ok(Self {
            settings: settings.clone(),
            signer,
            verifiers,
            verified,
            published,
            resource: None,
            reference_time: Mutex::default(),
        })
    }

    /// The same keyring, which also issues and verifies tokens of clients for a resource.
    pub fn with_resource(mut self, resource: String) -> Self {
        for verifier in self.verifiers.values_mut() {
            verifier.validation.set_audience(&[&self.settings.audience, &resource]);
        }
        self.resource = Some(resource);
        self
    }

    /// Issues a token.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(&self, grant: Grant, now: Timestamp) -> Result<String, TokenError> {
        self.issue_with(grant, grant.role.scopes(), self.settings.audience.clone(), None, now)
    }

    /// Issues a token of a client, for tools alone and never for more than the user may.
    ///
    /// # Errors
    /// [`TokenError::Audience`] when there are no clients; when signing fails.
    pub fn issue_to_client(
        &self,
        grant: Grant,
        client_id: String,
        scopes: Scopes,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        let resource = self.resource.clone().ok_or(TokenError::Audience)?;
        self.issue_with(grant, scopes.and(grant.role.scopes()), resource, Some(client_id), now)
    }

    fn issue_with(
        &self,
        grant: Grant,
        scope: Scopes,
        aud: String,
        client_id: Option<String>,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        let settings = &self.settings;
        let now_secs = now.as_second();
        let claims = Claims {
            sub: grant.user_id,
            tid: grant.tenant_id,
            sid: grant.session_id,
            roles: vec![grant.role],
            scope,
            iat: now_secs,
            nbf: now_secs,
            exp: now_secs.saturating_add_unsigned(settings.access_secs),
            jti: Uuid::now_v7(),
            iss: settings.issuer.clone(),
            aud,
            client_id,
            key: settings.gateway_key.clone(),
        };
        Ok(jsonwebtoken::encode(&self.signer.header, &claims, &self.signer.key)?)
    }

    /// The claims of a token, if it has a valid signature, is meant for us and is within its period of validity.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let hash = hash_of(token);
        // A cached signature stays valid; the period of validity is checked every time.
        let claims = match self.verified.get(&hash) {
            Some(claims) => claims,
            None => {
                let claims = self.verify_signature(token)?;
                self.verified.insert(hash, claims.clone());
                claims
            }
        };
        let (now, leeway) = (self.now().as_second(), LEEWAY_SECS.cast_signed());
        let in_force = claims.nbf <= now + leeway && now < claims.exp + leeway;
        in_force.then_some(claims).ok_or(TokenError::OutOfTime)
    }

    /// Sets the current time, which a monotonic clock advances from then on. Until then, the system clock applies.
    pub fn set_time(&self, now: Timestamp) {
        *self.reference_time.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
    }

    /// How long ago the time was set; `None`: never.
    pub fn time_set_since(&self) -> Option<Duration> {
        self.reference_time.lock().unwrap_or_else(PoisonError::into_inner).map(|(_, then)| then.elapsed())
    }

    fn now(&self) -> Timestamp {
        let reference = *self.reference_time.lock().unwrap_or_else(PoisonError::into_inner);
        let advanced =
            reference.and_then(|(now, then)| now.checked_add(SignedDuration::try_from(then.elapsed()).ok()?).ok());
        advanced.unwrap_or_else(Timestamp::now)
    }

    fn verify_signature(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        let verifier = self.verifiers.get(&kid).ok_or(TokenError::UnknownKey)?;
        let claims: Claims = jsonwebtoken::decode(token, &verifier.key, &verifier.validation)?.claims;
        let audience = if claims.client_id.is_some() { self.resource.as_ref() } else { Some(&self.settings.audience) };
        if audience == Some(&claims.aud) { Ok(claims) } else { Err(TokenError::Audience) }
    }

    /// The public keys (RFC 7517).
    pub fn published(&self) -> &JwkSet {
        &self.published
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::KeyPair;
    use crate::config::Secret;
    use crate::domain::{Role, SessionId, TenantId, UserId};

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn with_secret() -> TokenSettings {
        TokenSettings { secret_key: Some(Secret::from(SECRET)), ..TokenSettings::default() }
    }

    fn with_pair(pair: &KeyPair) -> TokenSettings {
        TokenSettings { private_key: Some(Secret::from(pair.private_pem().unwrap())), ..TokenSettings::default() }
    }

    fn ring(settings: &TokenSettings) -> Keyring {
        Keyring::new(settings).unwrap()
    }

    fn grant() -> Grant {
        let (user_id, session_id) = (UserId::new(), SessionId::new());
        Grant { user_id, tenant_id: TenantId::new(), session_id, role: Role::User }
    }

    fn issued(ring: &Keyring) -> String {
        ring.issue(grant(), Timestamp::now()).unwrap()
    }

    fn part(token: &str, number: usize) -> Value {
        let part = token.split('.').nth(number).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    fn text_of(part: &Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
    }

    #[test]
    fn a_token_carries_subject_expiry_and_audience() {
        let ring = ring(&with_secret());
        let grant = grant();
        let token = ring.issue(grant, Timestamp::now()).unwrap();
        let claims = ring.verify(&token).unwrap();
        assert_eq!((claims.sub, claims.tid, claims.sid), (grant.user_id, grant.tenant_id, grant.session_id));
        assert_eq!((claims.roles, claims.scope), (vec![Role::User], Role::User.scopes()));
        let payload = part(&token, 1);
        assert_eq!(
            (payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(), &payload["key"]),
            (900, &json!("amazon-tracker"))
        );
        assert_eq!(payload["scope"], Role::User.scopes().to_string());
    }

    #[test]
    fn a_token_that_demands_an_extension_is_refused() {
        let ring = ring(&with_secret());
        let token = issued(&ring);
        let claims = part(&token, 1);
        let mut header = jsonwebtoken::decode_header(&token).unwrap();
        header.crit = Some(vec!["b64".to_owned()]);
        let critical = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
        assert!(matches!(ring.verify(&critical), Err(TokenError::Critical)));
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        for secret in [
            "a".repeat(64),
            "0101".repeat(20),
            "change-me-change-me-0123456789abcdef".to_owned(),
            "My-Secret-Key-for-tokens-0123456789".to_owned(),
        ] {
            let settings = TokenSettings { secret_key: Some(Secret::from(secret.clone())), ..TokenSettings::default() };
            let refused = Keyring::new(&settings).err().map(|(_, error)| error);
            assert!(matches!(refused, Some(KeyError::GuessableSecret)), "{secret}");
        }
    }

    #[test]
    fn each_kind_of_key_signs_including_a_generated_one() {
        let pair = KeyPair::new().unwrap();
        for (settings, algorithm, published) in [
            (with_secret(), "HS256", 0),
            (with_pair(&pair), "EdDSA", 1),
            (TokenSettings { secret_key: Some(Secret::from(SECRET)), ..with_pair(&pair) }, "EdDSA", 1),
            (TokenSettings::default(), "EdDSA", 1),
        ] {
            let ring = ring(&settings);
            let token = issued(&ring);
            assert_eq!(part(&token, 0)["alg"], algorithm);
            assert!(ring.verify(&token).is_ok());
            assert_eq!(ring.published().keys.len(), published, "a secret is never published");
        }
    }

    #[test]
    fn a_rotated_key_verifies_as_long_as_it_is_listed() {
        let (old, new) = (KeyPair::new().unwrap(), KeyPair::new().unwrap());
        let token = issued(&ring(&with_pair(&old)));
        let rotated = TokenSettings { verification_keys: vec![old.public_pem()], ..with_pair(&new) };
        assert!(ring(&rotated).verify(&token).is_ok());
        assert!(matches!(ring(&with_pair(&new)).verify(&token), Err(TokenError::UnknownKey)));
        assert_eq!(part(&token, 0)["kid"], old.kid().unwrap());
    }

    #[test]
    fn the_algorithm_in_the_header_is_not_trusted() {
        let pair = KeyPair::new().unwrap();
        let ring = ring(&TokenSettings { secret_key: Some(Secret::from(SECRET)), ..with_pair(&pair) });
        let token = issued(&ring);
        let (header, claims) = (part(&token, 0), part(&token, 1));
        let none = json!({ "alg": "none", "kid": header["kid"], "typ": "JWT" });
        assert!(ring.verify(&format!("{}.{}.", text_of(&none), text_of(&claims))).is_err(), "no signature at all");
        // The public key, which is not secret, used as an HMAC secret.
        let confused = Header { kid: Some(pair.kid().unwrap()), ..Header::new(Algorithm::HS256) };
        for known in [pair.public_pem().into_bytes(), pem::parse(pair.public_pem()).unwrap().contents().to_vec()] {
            let forged = jsonwebtoken::encode(&confused, &claims, &EncodingKey::from_secret(&known)).unwrap();
            assert!(ring.verify(&forged).is_err());
        }
        let stranger = KeyPair::new().unwrap();
        let foreign = issued(&Keyring::new(&with_pair(&stranger)).unwrap());
        assert!(matches!(ring.verify(&foreign), Err(TokenError::UnknownKey)), "a foreign kid");
        let key = EncodingKey::from_ed_der(&stranger.private_der().unwrap());
        let borrowed = jsonwebtoken::encode(
            &Header { kid: Some(pair.kid().unwrap()), ..Header::new(Algorithm::EdDSA) },
            &claims,
            &key,
        )
        .unwrap();
        assert!(ring.verify(&borrowed).is_err(), "our kid over a foreign signature");
        assert!(ring.verify(&token[..token.len() - 4]).is_err());
        for garbage in ["", "x", "a.b.c", "at_x"] {
            assert!(ring.verify(garbage).is_err());
        }
    }

    #[test]
    fn a_token_is_valid_within_its_period_plus_the_tolerated_skew() {
        let ring = ring(&with_secret());
        let is_valid_if_issued = |secs: i64| {
            let at = Timestamp::now() + SignedDuration::from_secs(secs);
            ring.verify(&ring.issue(grant(), at).unwrap()).is_ok()
        };
        assert!(is_valid_if_issued(20) && is_valid_if_issued(-900 - 20));
        assert!(!is_valid_if_issued(40) && !is_valid_if_issued(-900 - 40));
    }

    #[test]
    fn the_time_that_was_set_takes_precedence_over_the_system_clock() {
        let ring = ring(&with_secret());
        let true_time = Timestamp::now() + SignedDuration::from_mins(7);
        let token = ring.issue(grant(), true_time).unwrap();
        assert!(matches!(ring.verify(&token), Err(TokenError::OutOfTime)));
        ring.set_time(true_time);
        assert!(ring.verify(&token).is_ok());
        ring.set_time(true_time + SignedDuration::from_mins(16));
        assert!(matches!(ring.verify(&token), Err(TokenError::OutOfTime)));
    }

    #[test]
    fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
        for foreign in [
            TokenSettings { issuer: "else".into(), ..with_secret() },
            TokenSettings { audience: "else".into(), ..with_secret() },
        ] {
            assert!(ring(&with_secret()).verify(&issued(&ring(&foreign))).is_err());
        }
    }

    #[test]
    fn a_token_of_a_client_is_for_its_resource_alone_and_for_no_more_than_the_role() {
        const RESOURCE: &str = "https://tracker.example/mcp";
        let with = |resource: &str| ring(&with_secret()).with_resource(resource.to_owned());
        let (tools, viewer) = (with(RESOURCE), Grant { role: Role::Viewer, ..grant() });
        let token = tools.issue_to_client(viewer, "client".to_owned(), Scopes::ALL, Timestamp::now()).unwrap();
        let claims = tools.verify(&token).unwrap();
        assert_eq!((claims.aud.as_str(), claims.client_id.as_deref()), (RESOURCE, Some("client")));
        assert_eq!(claims.scope, Role::Viewer.scopes());
        assert!(ring(&with_secret()).verify(&token).is_err(), "there are no clients");
        assert!(with("https://other.example/mcp").verify(&token).is_err());
        assert!(tools.verify(&issued(&tools)).unwrap().client_id.is_none(), "users have tokens of their own");
        // Signed by us, but for the other audience.
        for (field, value) in [("client_id", Value::Null), ("aud", json!("amazon-tracker"))] {
            let mut claims = part(&token, 1);
            claims[field] = value;
            let header = jsonwebtoken::decode_header(&token).unwrap();
            let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
            assert!(matches!(tools.verify(&forged), Err(TokenError::Audience)), "{field}");
        }
    }

    #[test]
    fn an_invalid_key_is_refused_with_the_name_of_its_setting() {
        let short = TokenSettings { secret_key: Some(Secret::from("short")), ..TokenSettings::default() };
        assert_eq!(Keyring::new(&short).err().unwrap().0, "auth.token.secret_key");
        let none = TokenSettings { private_key: Some(Secret::from("x")), ..TokenSettings::default() };
        assert_eq!(Keyring::new(&none).err().unwrap().0, "auth.token.private_key");
        let none = TokenSettings { verification_keys: vec!["x".into()], ..TokenSettings::default() };
        assert_eq!(Keyring::new(&none).err().unwrap().0, "auth.token.verification_keys");
    }
}
