//! `keys`: the pair that signs access tokens.

use std::process::ExitCode;

use super::print_result;
use crate::auth::KeyPair;

/// Prints a new pair. To rotate: put the public key of the old one into `auth.token.verification_keys`, the new private key
/// into `auth.token.private_key`, and take the old one out again when its last token has expired. The gateway wants of the public
/// key the one line that PEM has between its first and its last.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let pair = KeyPair::new()?;
    let public = pair.public_pem();
    let line: String = public.lines().filter(|line| !line.starts_with("-----")).collect();
    print_result(&format!(
        "# kid {}\n# for the gateway: JWT_PUBLIC_KEY={line}\n{}{public}",
        pair.kid()?,
        pair.private_pem()?
    ))
}
