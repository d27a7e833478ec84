//! `keys`: key pairs that sign access tokens.

use std::process::ExitCode;

use super::print_result;
use crate::auth::KeyPair;

/// Prints a new key pair. To rotate: add the old public key to `auth.token.verification_keys`, set `auth.token.private_key` to the
/// new private key, and remove the old public key when its last token has expired. The gateway takes the base64 line of the
/// public key's PEM.
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
