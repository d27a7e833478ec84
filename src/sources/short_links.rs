//! Short links (`a.co`, `amzn.to`, …): their target is the `Location` of the answer to a request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HOST, HeaderValue, LOCATION};
use reqwest::{Client, RequestBuilder, redirect};
use tokio::sync::Semaphore;
use url::Url;

use super::{ResolveLinks, ShortLinkError};
use crate::config::CrawlSettings;
use crate::domain::{Listing, ListingUrlError};
use crate::outbound::GuardedResolver;

/// A link leads to a page through another short link at most a few times.
const MAX_HOPS: usize = 5;
/// For all hops together.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Links that are resolved at the same time.
const CONCURRENCY: usize = 8;

/// Resolves short links over HTTPS. Only the hosts of short links are requested, never the page that a link leads to.
pub struct ShortLinks {
    client: Client,
    base_url: Option<Url>,
    slots: Semaphore,
}

impl ShortLinks {
    /// A resolver with the given settings; `None` if they turn it off.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: &CrawlSettings) -> reqwest::Result<Option<Self>> {
        if !settings.resolve_short_links {
            return Ok(None);
        }
        let client = Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // The base URL is the operator's own.
            .dns_resolver(Arc::new(GuardedResolver { allow_private_targets: settings.base_url.is_some() }))
            .build()?;
        Ok(Some(Self { client, base_url: settings.base_url.clone(), slots: Semaphore::new(CONCURRENCY) }))
    }

    async fn follow(&self, link: &Url) -> Result<Listing, ShortLinkError> {
        let _slot = self.slots.acquire().await;
        let mut link = link.clone();
        for _ in 0..MAX_HOPS {
            let target = self.target_of(&link).await?;
            match Listing::from_url(target.as_str()) {
                Err(ListingUrlError::ShortLink(next)) => link = next,
                found => return Ok(found?),
            }
        }
        Err(ShortLinkError::TooManyHops)
    }

    async fn target_of(&self, link: &Url) -> Result<Url, ShortLinkError> {
        let response =
            self.request(link).send().await.map_err(|error| ShortLinkError::Unreachable(error.without_url()))?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| link.join(location).ok());
        target.ok_or(ShortLinkError::NoTarget(response.status().as_u16()))
    }

    fn request(&self, link: &Url) -> RequestBuilder {
        let Some(base) = &self.base_url else { return self.client.get(secure(link)) };
        let request = self.client.get(format!("{}{}", base.as_str().trim_end_matches('/'), link.path()));
        match HeaderValue::from_str(link.host_str().unwrap_or_default()) {
            // The simulated marketplace selects the site by the `Host` header.
            Ok(host) => request.header(HOST, host),
            Err(_) => request,
        }
    }
}

/// All hosts of short links serve HTTPS, on its own port.
fn secure(link: &Url) -> Url {
    let mut link = link.clone();
    // Both can only fail for schemes without a host.
    let _ = link.set_scheme("https");
    let _ = link.set_port(None);
    link
}

#[async_trait]
impl ResolveLinks for ShortLinks {
    async fn resolve(&self, link: &Url) -> Result<Listing, ShortLinkError> {
        tokio::time::timeout(TIMEOUT, self.follow(link)).await.unwrap_or(Err(ShortLinkError::Timeout))
    }
}
