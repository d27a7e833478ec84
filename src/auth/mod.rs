//! Credentials: passwords, access tokens, and the opaque tokens that are kept as hashes. Knows no HTTP and no store.

mod keys;
mod opaque;
mod password;
mod token;

pub use keys::{KeyError, KeyPair};
pub use opaque::{OpaqueToken, TokenKind, hash_of};
pub use password::{HashError, PasswordRefused, Passwords};
pub use token::{Claims, Grant, Keyring, TokenError};
