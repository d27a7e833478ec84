//! Fetches the documents of OAuth clients from the URLs that are their ids (Client ID Metadata Document).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::sync::Cache;
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::Semaphore;

use crate::config::OAuthSettings;
use crate::domain::{ClientDocument, ClientDocumentError, ClientId};
use crate::outbound::GuardedResolver;

/// Maximum size of a document.
const MAX_BYTES: usize = 16 * 1024;
/// For connecting and reading together.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Documents that are fetched at the same time.
const CONCURRENCY: usize = 8;
/// How long a document is kept. A client that changes its addresses waits so long.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
const MAX_KEPT: u64 = 1000;

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientFetchError {
    /// The settings do not allow its host.
    #[error("this installation does not accept clients of that host")]
    Host,
    /// The host cannot be reached, is not public, or was too slow.
    #[error("its document cannot be fetched")]
    Unreachable,
    /// A redirect, or an error of the host.
    #[error("its document cannot be fetched: status {0}")]
    Status(u16),
    /// Larger than documents are.
    #[error("its document has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It cannot be used.
    #[error("its document cannot be used: {0}")]
    Document(#[from] ClientDocumentError),
}

/// Reads documents of clients.
#[async_trait]
pub trait ReadClientDocuments: Send + Sync {
    /// True if the settings allow clients of its host.
    fn accepts(&self, id: &ClientId) -> bool;

    /// The document at an id.
    ///
    /// # Errors
    /// See [`ClientFetchError`].
    async fn read(&self, id: &ClientId) -> Result<Arc<ClientDocument>, ClientFetchError>;
}

/// Fetches documents from public hosts alone, and keeps those that can be used for a few minutes. Failures are not kept.
pub struct ClientDocuments {
    client: Client,
    hosts: Vec<String>,
    kept: Cache<ClientId, Arc<ClientDocument>>,
    slots: Semaphore,
}

impl ClientDocuments {
    /// A reader with the given settings.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: &OAuthSettings) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("amazon-tracker/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            // A redirect could lead to a private address or to another client, and a proxy would bypass the address check.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver { allow_private_targets: settings.allow_private_clients }))
            .build()?;
        let kept = Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT_FOR).build();
        Ok(Self { client, hosts: settings.client_hosts.clone(), kept, slots: Semaphore::new(CONCURRENCY) })
    }

    async fn fetch(&self, id: &ClientId) -> Result<ClientDocument, ClientFetchError> {
        let _slot = self.slots.acquire().await;
        let request = self.client.get(id.as_str()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| unreachable(id, &error))?;
        if response.status() != StatusCode::OK {
            return Err(ClientFetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(id, &error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(ClientFetchError::TooLarge);
            }
        }
        Ok(ClientDocument::parse(id, &body)?)
    }
}

/// The cause is for the log: it tells about the network of the installation.
fn unreachable(id: &ClientId, error: &reqwest::Error) -> ClientFetchError {
    tracing::info!(client_id = id.as_str(), ?error, "the document of a client cannot be fetched");
    ClientFetchError::Unreachable
}

#[async_trait]
impl ReadClientDocuments for ClientDocuments {
    fn accepts(&self, id: &ClientId) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(id.host()))
    }

    async fn read(&self, id: &ClientId) -> Result<Arc<ClientDocument>, ClientFetchError> {
        if !self.accepts(id) {
            return Err(ClientFetchError::Host);
        }
        if let Some(kept) = self.kept.get(id) {
            return Ok(kept);
        }
        let document = Arc::new(self.fetch(id).await?);
        self.kept.insert(id.clone(), Arc::clone(&document));
        Ok(document)
    }
}
