//! Requests to hosts that users name: they reach public addresses only.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::is_public;

/// Resolves names and removes the addresses that are not allowed. The client connects to the remaining addresses without resolving
/// again, which prevents DNS rebinding. It must use no proxy and follow no redirects: both would bypass the check.
pub struct GuardedResolver {
    /// Also private addresses: for receivers inside the operator's network.
    pub allow_private_targets: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private_targets = self.allow_private_targets;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|found| allow_private_targets || is_public(found.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the host has no public address").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_rejected() {
        let guarded = GuardedResolver { allow_private_targets: false };
        assert!(guarded.resolve("localhost".parse().unwrap()).await.is_err());
        let open = GuardedResolver { allow_private_targets: true };
        assert!(open.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
