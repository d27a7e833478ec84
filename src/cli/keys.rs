//! `keys`: the pair that signs access tokens.

use std::process::ExitCode;

use super::print_result;
use crate::auth::KeyPair;

/// Prints a new pair. To rotate: put the public key of the old one into `auth.token.verification_keys`, the new private key
/// into `auth.token.private_key`, and take the old one out again when its last token has expired.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let pair = KeyPair::new()?;
    print_result(&format!("# kid {}\n{}{}", pair.kid()?, pair.private_pem()?, pair.public_pem()))
}
