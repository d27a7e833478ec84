//! Pictures of listings, from Amazon's hosts for pictures.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, HOST, HeaderValue};
use reqwest::{Client, Proxy, RequestBuilder, StatusCode, redirect};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::config::CrawlSettings;
use crate::domain::{ImageType, ImageUrl, ListingImage, MAX_IMAGE_BYTES};
use crate::outbound::GuardedResolver;

/// Between two requests of this process: these hosts have no limit that is known, and nobody waits for a picture.
const PAUSE: Duration = Duration::from_millis(250);
/// For a whole picture.
const TIMEOUT: Duration = Duration::from_secs(20);
const ACCEPTED: HeaderValue = HeaderValue::from_static("image/webp,image/jpeg,image/png,image/gif;q=0.8");

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Another attempt would bring the same.
    #[error("{0}")]
    Never(&'static str),
    /// The host does not answer, or refuses for now.
    #[error("{0}")]
    Later(String),
}

/// Fetches pictures of listings.
#[async_trait]
pub trait FetchImages: Send + Sync {
    /// The small rendition of a picture.
    async fn fetch(&self, url: &ImageUrl) -> Result<ListingImage, ImageError>;
}

/// Fetches them over HTTPS, one after the other, as the settings of crawls say.
pub struct ImageClient {
    client: Client,
    base_url: Option<Url>,
    /// When the next request may be made.
    next: Mutex<Instant>,
}

impl ImageClient {
    /// A client with the given settings.
    ///
    /// # Errors
    /// The proxy's URL is invalid, or the TLS backend cannot be initialised.
    pub fn new(settings: &CrawlSettings) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(settings.connect_timeout_secs));
        let client = match settings.proxies.first() {
            // Pages are requested through it, too.
            Some(proxy) => client.proxy(Proxy::all(proxy.reveal())?),
            // The base URL is the operator's own.
            None => client
                .no_proxy()
                .dns_resolver(Arc::new(GuardedResolver { allow_private_targets: settings.base_url.is_some() })),
        };
        Ok(Self { client: client.build()?, base_url: settings.base_url.clone(), next: Mutex::new(Instant::now()) })
    }

    async fn wait_for_turn(&self) {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + PAUSE;
    }

    fn request(&self, url: &ImageUrl) -> RequestBuilder {
        let path = url.small_path();
        let Some(base) = &self.base_url else { return self.client.get(format!("https://{}{path}", url.host())) };
        let request = self.client.get(format!("{}{path}", base.as_str().trim_end_matches('/')));
        match HeaderValue::from_str(url.host()) {
            Ok(host) => request.header(HOST, host),
            Err(_) => request,
        }
    }
}

#[async_trait]
impl FetchImages for ImageClient {
    async fn fetch(&self, url: &ImageUrl) -> Result<ListingImage, ImageError> {
        let later = |error: reqwest::Error| ImageError::Later(error.without_url().to_string());
        self.wait_for_turn().await;
        let mut response = self.request(url).header(ACCEPT, ACCEPTED).send().await.map_err(later)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(ImageError::Never("there is no such picture")),
            other => return Err(ImageError::Later(format!("the host answered {other}"))),
        }
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(later)? {
            if content.len() + chunk.len() > MAX_IMAGE_BYTES {
                return Err(ImageError::Never("the picture is too large"));
            }
            content.extend_from_slice(&chunk);
        }
        let kind = ImageType::of(&content).ok_or(ImageError::Never("it is no picture"))?;
        Ok(ListingImage { kind, content })
    }
}
