//! What a client asks a user for, and what the user grants it (OAuth 2.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::access::{Scope, Scopes};
use super::ids::{SessionId, TenantId, UserId};

/// Tells tickets from everything else that is signed with the same key.
const PURPOSE: &[u8] = b"consent\0";

const GRANTABLE: &[Scope] =
    &[Scope::ProductRead, Scope::ProductWrite, Scope::CrawlCreate, Scope::AlertWrite, Scope::ReportCreate];

/// The scopes that a client can be granted: those of tools. No tool deletes, or administers.
pub fn grantable() -> Scopes {
    GRANTABLE.iter().copied().collect()
}

/// A request that was checked: its client is known, and the user can be sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The id of the client.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// Where the user returns to.
    pub redirect_uri: String,
    /// The challenge of PKCE.
    pub challenge: String,
    /// What it asks for.
    pub scopes: Scopes,
    /// For which resource.
    pub resource: String,
    /// Returned to the client as it is.
    pub state: Option<String>,
}

/// A request that a user was asked about, after signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentTicket {
    /// The request.
    pub request: AuthorizationRequest,
    /// Who signed in.
    pub user_id: UserId,
    /// The user's tenant.
    pub tenant_id: TenantId,
    /// When the ticket ends, in seconds since 1970.
    pub expires_at: i64,
}

impl ConsentTicket {
    /// The ticket as a text, signed with a key of the installation.
    pub fn sign(&self, key: &[u8]) -> String {
        let body = serde_json::to_vec(self).expect("texts and numbers are JSON");
        let tag = mac(key, &body).finalize().into_bytes();
        format!("{}.{}", BASE64.encode(body), BASE64.encode(tag))
    }

    /// Reads a ticket; `None`: it was not signed with this key, or has ended.
    pub fn read(key: &[u8], text: &str, now: Timestamp) -> Option<Self> {
        let (body, tag) = text.split_once('.')?;
        let (body, tag) = (BASE64.decode(body).ok()?, BASE64.decode(tag).ok()?);
        mac(key, &body).verify_slice(&tag).ok()?;
        let ticket: Self = serde_json::from_slice(&body).ok()?;
        (now.as_second() < ticket.expires_at).then_some(ticket)
    }
}

fn mac(key: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(PURPOSE);
    mac.update(body);
    mac
}

/// What a user has granted to a client. It is a sign-in of the client, and ends like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGrant {
    /// Identifier.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The id of the client.
    pub client_id: String,
    /// Its name when it was granted.
    pub client_name: String,
    /// What it may do, within the user's role.
    pub scopes: Scopes,
    /// When it was granted.
    pub created_at: Timestamp,
    /// When its refresh token was last used.
    pub used_at: Timestamp,
    /// When it expires if it is not used again.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_what_was_signed_until_its_time() {
        let request = AuthorizationRequest {
            client_id: "https://app.example/client.json".to_owned(),
            client_name: "App".to_owned(),
            redirect_uri: "https://app.example/callback".to_owned(),
            challenge: "x".to_owned(),
            scopes: grantable(),
            resource: "https://tracker.example/mcp".to_owned(),
            state: Some("s".to_owned()),
        };
        let ticket = ConsentTicket { request, user_id: UserId::new(), tenant_id: TenantId::new(), expires_at: 1000 };
        let at = |second| Timestamp::from_second(second).unwrap();
        let text = ticket.sign(b"key");
        assert_eq!(ConsentTicket::read(b"key", &text, at(999)), Some(ticket));
        assert_eq!(ConsentTicket::read(b"key", &text, at(1000)), None);
        assert_eq!(ConsentTicket::read(b"other", &text, at(1)), None);
        for n in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ConsentTicket::read(b"key", &changed, at(1)), None, "{changed}");
        }
        for garbage in ["", ".", "a.b"] {
            assert_eq!(ConsentTicket::read(b"key", garbage, at(1)), None);
        }
    }

    #[test]
    fn no_client_can_be_granted_to_delete_or_to_administer() {
        for scope in [Scope::ProductDelete, Scope::AdminUsers, Scope::AdminTenant] {
            assert!(!grantable().contains(scope));
        }
    }
}
