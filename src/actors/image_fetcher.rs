//! The ImageFetcher fetches the pictures of listings that somebody wants to see, each once. Every replica with the role `crawler` has
//! one, if the settings allow it. Pictures are claimed, so each is fetched by one of them; a request never waits for one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::kernel::{Actor, Cx};
use super::poll_loop::PollLoop;
use crate::domain::{Backoff, ImageUrl};
use crate::sources::images::{FetchImages, ImageError};
use crate::store::{SharedStore, StoreResult, WantedImage};
use crate::telemetry::Metrics;

/// Pictures that are claimed at a time.
const MAX_CLAIMED: u32 = 8;
/// Longer than they take. When a replica dies, another one fetches them after this time.
const LEASE: Duration = Duration::from_secs(300);
/// Until claims are tried again while nothing is due.
const IDLE_SLEEP: Duration = Duration::from_secs(2);
/// The longest sleep.
const MAX_SLEEP: Duration = Duration::from_secs(60);
/// After so many attempts a picture is given up, until its URL changes.
const MAX_ATTEMPTS: u32 = 6;
const RETRY: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(6 * 3600));

/// What the ImageFetcher understands.
pub enum ImageFetcherMessage {
    /// The time of a plan has come.
    Step(u64),
    /// A step is over; how long to sleep.
    Stepped(StoreResult<((), Duration)>),
    /// A step panicked. What it claimed is due again later.
    Panicked,
}

/// What the ImageFetcher works with.
pub struct ImageFetcherTools {
    store: SharedStore,
    images: Arc<dyn FetchImages>,
    metrics: Arc<Metrics>,
    stopped: CancellationToken,
    /// One permit, held by the step that is under way.
    step: Semaphore,
}

impl ImageFetcherTools {
    /// For a fetcher of pictures from there.
    pub fn new(store: SharedStore, images: Arc<dyn FetchImages>, metrics: Arc<Metrics>) -> Self {
        Self { store, images, metrics, stopped: CancellationToken::new(), step: Semaphore::new(1) }
    }

    /// Fetches nothing more, and waits for the picture that is under way.
    pub async fn drain(&self, within: Duration) {
        self.stopped.cancel();
        if tokio::time::timeout(within, self.step.acquire()).await.is_err() {
            tracing::warn!("some pictures were not fetched in time; they are fetched again");
        }
    }

    /// Fetches what is wanted. Returns how long to sleep.
    ///
    /// # Errors
    /// Those of the store. Pictures that were claimed are claimed again when their lease has expired.
    pub async fn take_step(&self) -> StoreResult<Duration> {
        let _step = self.step.acquire().await;
        if self.stopped.is_cancelled() {
            return Ok(MAX_SLEEP);
        }
        let wanted = self.store.claim_images(MAX_CLAIMED, LEASE).await?;
        if wanted.is_empty() {
            return Ok(IDLE_SLEEP);
        }
        for wanted in wanted {
            if self.stopped.is_cancelled() {
                self.store.retry_image(&wanted, Some(Duration::ZERO)).await?;
            } else {
                self.fetch(&wanted).await?;
            }
        }
        Ok(Duration::ZERO)
    }

    async fn fetch(&self, wanted: &WantedImage) -> StoreResult<()> {
        let fetched = match ImageUrl::parse(&wanted.url) {
            Some(url) => self.images.fetch(&url).await,
            None => Err(ImageError::Never("its host is not one of Amazon's for pictures")),
        };
        let result = match fetched {
            Ok(image) => {
                self.store.store_image(wanted, &image).await?;
                "fetched"
            }
            Err(error) => {
                tracing::debug!(listing_id = wanted.listing_id.0, %error, "a picture could not be fetched");
                let is_over = matches!(error, ImageError::Never(_)) || wanted.attempt >= MAX_ATTEMPTS;
                let after = RETRY.after(wanted.attempt.saturating_sub(1));
                self.store.retry_image(wanted, (!is_over).then_some(after)).await?;
                if is_over { "given_up" } else { "retry" }
            }
        };
        self.metrics.listing_images.with_label_values(&[result]).inc();
        Ok(())
    }
}

/// See the module.
pub struct ImageFetcher {
    tools: Arc<ImageFetcherTools>,
    poll_loop: PollLoop,
}

impl ImageFetcher {
    /// A fetcher that begins as soon as it is started.
    pub fn new(tools: Arc<ImageFetcherTools>) -> Self {
        Self { tools, poll_loop: PollLoop::default() }
    }

    fn step(&mut self, plan: u64, cx: &mut Cx<'_, Self>) {
        if !self.tools.stopped.is_cancelled() && self.poll_loop.begin(plan) {
            let tools = Arc::clone(&self.tools);
            let step = async move { ImageFetcherMessage::Stepped(tools.take_step().await.map(|sleep| ((), sleep))) };
            cx.work("step", step, || ImageFetcherMessage::Panicked);
        }
    }
}

impl Actor for ImageFetcher {
    type Message = ImageFetcherMessage;
    const KIND: &'static str = "image_fetcher";
    /// It sends its messages to itself.
    const CAPACITY: usize = 4;
    const MESSAGES: &'static [&'static str] = &["step", "stepped", "panicked"];

    fn name_of(message: &ImageFetcherMessage) -> &'static str {
        match message {
            ImageFetcherMessage::Step(_) => "step",
            ImageFetcherMessage::Stepped(_) => "stepped",
            ImageFetcherMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.step(self.poll_loop.first(), cx);
    }

    fn handle(&mut self, message: ImageFetcherMessage, cx: &mut Cx<'_, Self>) {
        match message {
            ImageFetcherMessage::Step(plan) => self.step(plan, cx),
            ImageFetcherMessage::Stepped(result) => {
                let (_, sleep) = self.poll_loop.finish(result, "listing_image", &self.tools.metrics);
                self.poll_loop.plan_next(sleep, cx, ImageFetcherMessage::Step);
            }
            ImageFetcherMessage::Panicked => {
                self.poll_loop.plan_next(MAX_SLEEP, cx, ImageFetcherMessage::Step);
            }
        }
    }
}
