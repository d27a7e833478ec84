//! Credentials: passwords, access tokens, and opaque tokens that are stored as hashes. Knows no HTTP and no store.

mod claims;
mod key_set;
mod keyring;
mod keys;
mod opaque;
mod password;

pub use claims::{Claims, Grant};
pub use keyring::{Keyring, TokenError};
pub use keys::{KeyError, KeyPair};
pub use opaque::{OpaqueToken, TokenKind, hash_of};
pub use password::{HashError, PasswordRefused, Passwords};
