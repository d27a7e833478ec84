//! Credentials: passwords, access tokens, and opaque tokens that are stored as hashes. Knows no HTTP and no store.

mod keys;
mod opaque;
mod password;
mod token;

pub use keys::{KeyError, KeyPair};
pub use opaque::{OpaqueToken, TokenKind, hash_of};
pub use password::{HashError, PasswordRefused, Passwords};
pub use token::{Claims, Grant, Keyring, TokenError};
