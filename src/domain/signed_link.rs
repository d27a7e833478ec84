//! Links in messages that act without a sign-in: signed, for one thing, until a time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use uuid::Uuid;

use super::ids::{ChannelId, TenantId};

/// The name of the installation's key that signs them.
pub const LINK_KEY: &str = "links";
const TAG_BYTES: usize = 16;
const BODY_BYTES: usize = 1 + 16 + 16 + 8;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAction {
    /// Snoozes a rule.
    SnoozeRule,
    /// Proves the address of a channel.
    VerifyChannel,
    /// Pauses a channel.
    StopChannel,
    /// Reads a report.
    ReadReport,
}

impl LinkAction {
    fn byte(self) -> u8 {
        match self {
            Self::SnoozeRule => 1,
            Self::VerifyChannel => 2,
            Self::StopChannel => 3,
            Self::ReadReport => 4,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        let all = [Self::SnoozeRule, Self::VerifyChannel, Self::StopChannel, Self::ReadReport];
        all.into_iter().find(|action| action.byte() == byte)
    }
}

/// What a link is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTarget {
    /// What it does.
    pub action: LinkAction,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The rule, the channel or the report.
    pub id: Uuid,
}

/// The token of a link, signed with a key of the installation.
pub fn sign_link(key: &[u8], target: LinkTarget, expires_at: Timestamp) -> String {
    let mut token = vec![target.action.byte()];
    token.extend(target.tenant_id.0.as_bytes());
    token.extend(target.id.as_bytes());
    token.extend(expires_at.as_second().to_be_bytes());
    let tag = tag_of(key, &token);
    token.extend(tag);
    BASE64.encode(token)
}

/// What a token allows; `None`: it was not signed with this key, or has expired.
pub fn read_link(key: &[u8], token: &str, now: Timestamp) -> Option<LinkTarget> {
    let bytes = BASE64.decode(token).ok().filter(|bytes| bytes.len() == BODY_BYTES + TAG_BYTES)?;
    let (body, tag) = bytes.split_at(BODY_BYTES);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(body);
    mac.verify_truncated_left(tag).ok()?;
    let uuid = |from: usize| Uuid::from_slice(&body[from..from + 16]).ok();
    let expires_at = i64::from_be_bytes(body[33..].try_into().ok()?);
    let target = LinkTarget { action: LinkAction::of(body[0])?, tenant_id: TenantId(uuid(1)?), id: uuid(17)? };
    (now.as_second() < expires_at).then_some(target)
}

/// Binds the link that proves an address to the address.
pub fn address_proof(key: &[u8], channel: ChannelId, address: &str) -> String {
    let body = [channel.0.as_bytes().as_slice(), address.to_lowercase().as_bytes()].concat();
    BASE64.encode(tag_of(key, &body))
}

fn tag_of(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes()[..TAG_BYTES].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_what_it_was_signed_for_until_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let target = LinkTarget { action: LinkAction::SnoozeRule, tenant_id: TenantId::new(), id: Uuid::now_v7() };
        let token = sign_link(b"key", target, at(1000));
        assert_eq!(read_link(b"key", &token, at(999)), Some(target));
        assert_eq!(read_link(b"key", &token, at(1000)), None);
        assert_eq!(read_link(b"other", &token, at(1)), None);
        for n in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(read_link(b"key", &changed, at(1)).is_none(), "{changed}");
        }
        assert_eq!(read_link(b"key", "", at(1)), None);
    }
}
