//! The role `notifier`: a Notifier for each kind of delivery, and what it sends with.

use std::sync::Arc;
use std::time::Duration;

use super::context::AppContext;
use super::error::AppError;
use crate::actors::kernel::Inbox;
use crate::actors::notifier::{Notifier, NotifierTools};
use crate::domain::ChannelConfig;
use crate::limits::ServicePace;
use crate::notify::channel::{ChannelSenders, ServiceUrls};
use crate::notify::{AlertSender, LinkKeyReader, Sender, SmtpSender, WebhookSender};
use crate::service::LINK_KEY;
use crate::store::{DeliveryChannel, MessageQueue, Outbox};

/// What composing a message takes at most, with its charts.
const COMPOSING_SECS: u64 = 5;

/// What the role `notifier` is made of: a Notifier for each channel.
pub(super) struct NotifierRole(Vec<(Inbox<Notifier>, Arc<NotifierTools>)>);

impl NotifierRole {
    pub fn inboxes(&self) -> Vec<Inbox<Notifier>> {
        self.0.iter().map(|(inbox, _)| inbox.clone()).collect()
    }

    /// Claims nothing more.
    pub fn stop(&self) {
        self.0.iter().for_each(|(_, tools)| tools.stop());
    }

    /// Waits until no attempt is under way. False: some still were, in the end.
    pub async fn drained(&self, within: Duration) -> bool {
        let ended = self.0.iter().map(|(_, tools)| tools.drained(within));
        futures_util::future::join_all(ended).await.into_iter().all(|ended| ended)
    }
}

impl AppContext<'_> {
    pub fn notifying(&self) -> Result<NotifierRole, AppError> {
        let Self { settings, store, metrics, .. } = self;
        let webhook: Arc<dyn Sender> = Arc::new(WebhookSender::new(&settings.notify)?);
        let email: Arc<dyn Sender> = Arc::new(SmtpSender::new(&settings.mail)?);
        let alerts: Arc<dyn Sender> = self.alert_sender()?;
        let deliveries: Arc<dyn Outbox> = Arc::clone(store) as Arc<_>;
        let plans = settings.plans.clone();
        let quota = Arc::new(move |plan: &str| plans.of(plan).messages_per_day);
        let messages: Arc<dyn Outbox> = Arc::new(MessageQueue { store: Arc::clone(store), quota });
        let (notify, mail) = (&settings.notify, &settings.mail);
        let of_alerts = notify.timeout_secs.max(mail.timeout_secs) + COMPOSING_SECS;
        let channels = [
            (Arc::clone(&deliveries), (DeliveryChannel::Webhook, webhook, notify.concurrency), notify.timeout_secs),
            (deliveries, (DeliveryChannel::Email, email, mail.concurrency), mail.timeout_secs),
            (messages, (DeliveryChannel::Alert, alerts, notify.concurrency), of_alerts),
        ];
        let start = |(store, channel, timeout_secs)| {
            let metrics = Arc::clone(metrics);
            let longest_attempt = Duration::from_secs(timeout_secs);
            let tools = NotifierTools::new(
                store,
                channel,
                self.owner.clone(),
                settings.notify.clone(),
                longest_attempt,
                metrics,
            );
            let tools = Arc::new(tools);
            let of_actor = Arc::clone(&tools);
            (self.spawner.spawn(move || Notifier::new(Arc::clone(&of_actor))), tools)
        };
        Ok(NotifierRole(channels.into_iter().map(start).collect()))
    }

    /// Sends messages about alerts, and tests channels.
    pub fn alert_sender(&self) -> Result<Arc<AlertSender>, AppError> {
        let settings = self.settings;
        let public = ServiceUrls::default();
        let urls = ServiceUrls {
            telegram: settings.notify.telegram_url.clone().unwrap_or(public.telegram),
            pushover: settings.notify.pushover_url.clone().unwrap_or(public.pushover),
        };
        let senders = ChannelSenders::new(&settings.notify, urls, &settings.mail)?;
        let store = Arc::clone(self.store);
        let read_key: LinkKeyReader = Arc::new(move || {
            let store = Arc::clone(&store);
            Box::pin(async move { store.installation_key(LINK_KEY).await.ok() })
        });
        let pace = ServicePace::default();
        let admit = Box::new(move |config: &ChannelConfig| pace.admit(config));
        Ok(Arc::new(AlertSender::new(senders, self.public_url.clone(), read_key, admit)))
    }
}
