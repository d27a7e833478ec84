//! Messages about alerts: composed for their channel, with charts and links, and sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;
use url::Url;

use super::channel::{ChannelError, ChannelSenders, FeedEntry, Sent, TemplateError, atom, render};
use super::compose::{ComposeRequest, Composer, Entry, Place, Standing};
use super::{SendError, Sender, unsupported};
use crate::chart::{self, PriceChart};
use crate::domain::stats;
use crate::domain::steps::Gap;
use crate::domain::{
    AlertMessage, Channel, ChannelConfig, ChannelKind, Condition, DeliveryId, Language, LinkAction, LinkTarget,
    MessageChart, MessageEvent, MessageId, Money, OutboundMessage, OutboxMessage, Point, Series, sign_link,
};

/// The window of charts and of what messages say about the past.
const DAYS: u32 = 90;
/// Charts of one message.
const MAX_CHARTS: usize = 3;
/// How long the links of a message are valid.
const LINKS_LAST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Reads the key that signs links; `None`: it cannot be read now.
pub type LinkKeyReader = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Admits a message to a channel now, or tells after how long.
pub type Pace = Box<dyn Fn(&ChannelConfig) -> Result<(), Duration> + Send + Sync>;

/// Sends messages about alerts to channels of every kind.
pub struct AlertSender {
    senders: ChannelSenders,
    composer: Arc<Composer>,
    /// Where people reach this installation.
    public_url: Url,
    read_key: LinkKeyReader,
    key: OnceCell<String>,
    pace: Pace,
}

impl AlertSender {
    /// A sender whose messages link to `public_url`, and come no faster than `pace` admits them.
    pub fn new(senders: ChannelSenders, public_url: Url, read_key: LinkKeyReader, pace: Pace) -> Self {
        Self { senders, composer: Arc::new(Composer::new()), public_url, read_key, key: OnceCell::new(), pace }
    }

    /// Sends a sample message, as a test of a channel.
    ///
    /// # Errors
    /// [`ChannelError`]: what the receiver said, without credentials.
    pub async fn send_test(&self, channel: &Channel) -> Result<Sent, ChannelError> {
        let place = self.place(channel).await;
        let message = self.composer.test_message(MessageId::new(), &place, Timestamp::now());
        self.senders.send(&channel.config, &message).await
    }

    /// The body that a template of a webhook makes of the sample message.
    ///
    /// # Errors
    /// [`TemplateError`]: the template is wrong, or does not fit the message.
    pub fn preview(&self, template: &str, language: Language, zone: TimeZone) -> Result<String, TemplateError> {
        let place = Place { language, zone, public_url: Some(self.public_url.clone()), unsubscribe_url: None };
        render(template, &self.composer.test_message(MessageId::new(), &place, Timestamp::now()))
    }

    /// The Atom feed of a channel, whose own address is `url`. An entry depends on its event and the prices before it alone, so it
    /// stays as it is.
    pub fn feed(&self, channel: &Channel, url: &Url, events: &[MessageEvent]) -> String {
        let (language, zone) = (channel.language, channel.policy.zone());
        let place = Place { language, zone, public_url: Some(self.public_url.clone()), unsubscribe_url: None };
        let feed_entry = |event: &MessageEvent| {
            let (id, at) = (event.event.id, event.event.at);
            // Without a link that snoozes: it would expire.
            let entries = [entry(event, None, None)];
            let request = ComposeRequest { id: MessageId(id.0), at, place: &place, entries: &entries, left_out: 0 };
            FeedEntry { id, at, message: self.composer.compose(&request) }
        };
        atom(channel, url, &events.iter().map(feed_entry).collect::<Vec<_>>())
    }

    async fn compose(&self, outbound: &OutboundMessage) -> AlertMessage {
        let place = self.place(&outbound.channel).await;
        if let Some(notice) = &outbound.notice {
            return self.composer.notice(outbound.id, notice, &place, outbound.created_at);
        }
        let snooze_urls = self.snooze_urls(outbound).await;
        let (composer, outbound) = (Arc::clone(&self.composer), outbound.clone());
        // Drawing takes a few milliseconds.
        let composed = tokio::task::spawn_blocking(move || {
            let entries: Vec<Entry> = (0..)
                .zip(&outbound.events)
                .zip(snooze_urls)
                .map(|((place_in, event), snooze_url)| {
                    let has_chart = place_in < MAX_CHARTS && shows_charts(outbound.channel.config.kind());
                    let chart = has_chart.then(|| chart_of(event, &place.zone)).flatten();
                    entry(event, chart, snooze_url)
                })
                .collect();
            let request = ComposeRequest {
                id: outbound.id,
                at: outbound.created_at,
                place: &place,
                entries: &entries,
                left_out: outbound.left_out,
            };
            let mut message = composer.compose(&request);
            message.kind = outbound.kind;
            message
        });
        composed.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn place(&self, channel: &Channel) -> Place {
        let target = LinkTarget { action: LinkAction::StopChannel, tenant_id: channel.tenant_id, id: channel.id.0 };
        let unsubscribe_url = match channel.config.kind() {
            ChannelKind::Email => self.link(target).await,
            _ => None,
        };
        let public_url = Some(self.public_url.clone());
        Place { language: channel.language, zone: channel.policy.zone(), public_url, unsubscribe_url }
    }

    async fn snooze_urls(&self, outbound: &OutboundMessage) -> Vec<Option<String>> {
        let mut urls = Vec::with_capacity(outbound.events.len());
        for event in &outbound.events {
            let (tenant_id, id) = (event.event.tenant_id, event.event.rule_id.0);
            urls.push(self.link(LinkTarget { action: LinkAction::SnoozeRule, tenant_id, id }).await);
        }
        urls
    }

    /// A link that acts without a sign-in.
    async fn link(&self, target: LinkTarget) -> Option<String> {
        let read = || async { (self.read_key)().await.ok_or(()) };
        let key = self.key.get_or_try_init(read).await.ok()?;
        let expires_at = Timestamp::now().checked_add(LINKS_LAST).ok()?;
        let token = sign_link(key.as_bytes(), target, expires_at);
        self.public_url.join(&format!("auth/links/{token}")).ok().map(|url| url.to_string())
    }
}

#[async_trait]
impl Sender for AlertSender {
    fn channel(&self) -> &'static str {
        "alert"
    }

    async fn send(&self, _: DeliveryId, message: &OutboxMessage) -> Result<Sent, SendError> {
        let OutboxMessage::Alert(outbound) = message else { return Err(unsupported(self.channel())) };
        if let Err(retry_after) = (self.pace)(&outbound.channel.config) {
            let reason = format!("waits: {} takes no more messages at once", outbound.channel.config.kind().as_str());
            return Err(SendError::Limited { reason, retry_after });
        }
        let composed = self.compose(outbound).await;
        self.senders.send(&outbound.channel.config, &composed).await.map_err(|error| match error {
            ChannelError::Broken(reason) => SendError::Broken(reason),
            ChannelError::Refused(reason) => SendError::Permanent(reason),
            ChannelError::Limited { reason, retry_after } => SendError::Limited { reason, retry_after },
            ChannelError::Temporary { reason, retry_after } => SendError::Temporary { reason, retry_after },
        })
    }
}

/// The services that take a picture within a message.
fn shows_charts(kind: ChannelKind) -> bool {
    use ChannelKind::{Apprise, Discord, Email, Matrix, Pushover, Telegram};
    matches!(kind, Email | Telegram | Discord | Pushover | Matrix | Apprise)
}

fn entry(event: &MessageEvent, chart: Option<MessageChart>, snooze_url: Option<String>) -> Entry {
    Entry {
        event: event.event.clone(),
        ended_at: event.ended_at,
        times: event.times,
        standing: standing(event),
        chart,
        snooze_url,
    }
}

/// The prices of an event's listing, and the times without a crawl.
fn prices(event: &MessageEvent) -> (Vec<Point>, Vec<Gap>) {
    let (marks, prices): (Vec<Point>, Vec<Point>) =
        event.points.iter().cloned().partition(|point| point.key.series == Series::Unobserved);
    (prices, marks.iter().filter_map(Gap::of).collect())
}

fn standing(event: &MessageEvent) -> Option<Standing> {
    let (prices, gaps) = prices(event);
    let (first, at) = (prices.first()?.at, event.event.at);
    let stats = stats::price_stats(&prices, &[], &gaps, Some(DAYS), at);
    let currency = event.event.facts.listing.marketplace.currency();
    let begins_at = at.checked_sub(SignedDuration::from_hours(24 * i64::from(DAYS))).ok()?;
    Some(Standing {
        days: DAYS,
        minimum: stats.minimum.map(|minimum| Money::new(minimum.amount_minor, currency)),
        average: stats.average_minor.map(|minor| Money::new(minor, currency)),
        is_lowest: stats.is_lowest,
        since: (first > begins_at).then_some(first),
    })
}

fn chart_of(event: &MessageEvent, zone: &TimeZone) -> Option<MessageChart> {
    let (points, gaps) = prices(event);
    let (facts, to) = (&event.event.facts, event.event.at);
    let asin = facts.listing.asin.to_string();
    let title = facts.title.as_deref().filter(|title| chart::is_drawable(title)).unwrap_or(&asin);
    let target = match &facts.condition {
        Condition::PriceAtOrBelow { target } => Some(*target),
        _ => None,
    };
    let chart = PriceChart {
        points: &points,
        gaps: &gaps,
        beside: &[],
        ranks: &[],
        from_zero: false,
        language: chart::ChartLanguage::default(),
        target,
        currency: facts.listing.marketplace.currency(),
        from: to.checked_sub(SignedDuration::from_hours(24 * i64::from(DAYS))).ok()?,
        to,
        zone: zone.clone(),
        title,
        theme: chart::Theme::default(),
        size: chart::Size::default(),
    };
    match chart.png(1.0) {
        Ok(png) => Some(MessageChart { png, alt: title.to_owned() }),
        Err(error) => {
            tracing::warn!(%error, "a chart could not be drawn; its message is sent without it");
            None
        }
    }
}
