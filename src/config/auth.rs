//! `[auth]`: sign-in, access tokens and passwords.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;
use crate::domain::EmailAddress;

/// `[auth]`: sign-in and credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Allows anyone to register a tenant. Otherwise users join by invitation.
    pub registration: bool,
    /// Public base URL of the daemon, used for links in e-mails; its path stands in front of those in `Location` and `Link`. Default:
    /// the listen address.
    pub public_url: Option<Url>,
    /// With `admin_password`: creates the first user of an empty installation.
    pub admin_email: Option<EmailAddress>,
    /// See `admin_email`.
    pub admin_password: Option<Secret>,
    /// Attempts per minute from one address on endpoints without authentication: sign-in, registration, requests for
    /// links.
    pub attempts_per_minute: u32,
    /// `[auth.token]`
    pub token: TokenSettings,
    /// `[auth.password]`
    pub password: PasswordSettings,
    /// No setting: the `demo` command signs its browsers in by it.
    #[serde(skip)]
    pub demo_link: Option<DemoLink>,
}

/// A link that signs browsers on this machine in, as often as it is opened, while the process runs.
#[derive(Debug, Clone)]
pub struct DemoLink {
    /// Its token.
    pub token: Secret,
    /// Who signs in.
    pub email: EmailAddress,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            registration: true,
            public_url: None,
            admin_email: None,
            admin_password: None,
            attempts_per_minute: 20,
            token: TokenSettings::default(),
            password: PasswordSettings::default(),
            demo_link: None,
        }
    }
}

/// `[auth.token]`: access and refresh tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// Ed25519 private key (PEM) that signs tokens, as printed by `amazon-tracker keys`. Takes precedence over the
    /// secret key. Without either, a key is generated at each start.
    pub private_key: Option<Secret>,
    /// Secret for HS256 signatures: at least 32 bytes.
    pub secret_key: Option<Secret>,
    /// Public keys (PEM) that were rotated out but whose tokens have not expired yet.
    pub verification_keys: Vec<String>,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// The claim `key`, by which APISIX identifies its consumer.
    pub gateway_key: String,
    /// Lifetime of an access token.
    pub access_secs: u64,
    /// Lifetime of a sign-in that is not used.
    pub refresh_days: u32,
    /// Grace period in which a second use of a refresh token is refused without revoking the sign-in: two concurrent
    /// requests of one client are legitimate.
    pub refresh_grace_secs: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        let name = || "amazon-tracker".to_owned();
        Self {
            private_key: None,
            secret_key: None,
            verification_keys: Vec::new(),
            issuer: name(),
            audience: name(),
            gateway_key: name(),
            access_secs: 900,
            refresh_days: 30,
            refresh_grace_secs: 10,
        }
    }
}

/// `[auth.password]`: argon2id parameters. The defaults are the minimum of the OWASP Password Storage Cheat Sheet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// Memory per hash.
    pub memory_kib: u32,
    /// Number of passes over the memory.
    pub iterations: u32,
    /// Number of lanes.
    pub parallelism: u32,
    /// Concurrent hashes; further ones wait.
    pub concurrency: usize,
    /// Minimum length of a password, in characters.
    pub min_chars: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1, concurrency: 2, min_chars: 10 }
    }
}
