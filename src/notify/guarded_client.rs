//! The HTTP client for receivers that users name.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};

use crate::config::NotifySettings;
use crate::outbound::GuardedResolver;

/// A client that connects to private addresses only if the settings allow it.
///
/// # Errors
/// The TLS backend cannot be initialised.
pub(super) fn guarded_client(settings: &NotifySettings) -> reqwest::Result<Client> {
    let allow_private_targets = settings.allow_private_targets;
    Client::builder()
        .user_agent(concat!("amazon-tracker/", env!("CARGO_PKG_VERSION")))
        .timeout(Duration::from_secs(settings.timeout_secs))
        // A redirect could lead to a private address, and a proxy would bypass the address check.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(GuardedResolver { allow_private_targets }))
        .build()
}

/// The innermost cause, without the URL, which may contain a secret of the receiver.
pub(super) fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match error {
        error if error.is_timeout() => "timed out".to_owned(),
        error if error.is_connect() => format!("cannot connect: {cause}"),
        _ => format!("the request failed: {cause}"),
    }
}
