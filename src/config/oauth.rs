//! `[oauth]`: clients that act for users.

use serde::{Deserialize, Serialize};

/// `[oauth]`: users let hosted assistants use `/mcp` for them (OAuth 2.1), without an API key. Off by default: with it, anybody can make
/// the daemon fetch a document from a public host and show a page that asks for a password.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthSettings {
    /// Whether clients can ask users. Requires an `auth.public_url` with `https`, or one on the loopback.
    pub enabled: bool,
    /// Hosts of the documents of clients: `claude.ai`. Empty: any public host.
    pub client_hosts: Vec<String>,
    /// Allows documents on private addresses, and on the loopback without TLS. For development and tests.
    pub allow_private_clients: bool,
}
