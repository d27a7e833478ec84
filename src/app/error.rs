//! Why the daemon does not start.

use std::net::SocketAddr;

use crate::auth::{HashError, KeyError};
use crate::notify::SmtpError;
use crate::notify::channel::ChannelSetupError;
use crate::replicas::RedisError;
use crate::service::ServiceError;
use crate::sources::direct::DirectError;
use crate::store::StoreError;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address to listen on.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Redis, as it is set.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The direct source.
    #[error(transparent)]
    Source(#[from] DirectError),
    /// The HTTP client of the webhook sender or of the resolver of short links.
    #[error("an HTTP client cannot start: {0}")]
    Client(#[from] reqwest::Error),
    /// The senders of channels.
    #[error(transparent)]
    Channels(#[from] ChannelSetupError),
    /// The mail sender.
    #[error(transparent)]
    Mail(#[from] SmtpError),
    /// A key that signs or verifies access tokens.
    #[error("{setting}: {error}")]
    Key {
        /// The setting.
        setting: &'static str,
        /// Why.
        error: KeyError,
    },
    /// The costs of hashing passwords.
    #[error("auth.password: {0}")]
    Passwords(#[from] HashError),
    /// The first user.
    #[error("cannot create the first user (auth.admin_email, auth.admin_password): {0}")]
    FirstUser(#[from] ServiceError),
    /// Threads.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] std::io::Error),
}
