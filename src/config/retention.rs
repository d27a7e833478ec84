//! `[retention]`: after how many days rows are deleted.

use serde::{Deserialize, Serialize};

/// `[retention]`: how many days each kind of row is stored; 0: never deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Points of history, except the last one of each series (on PostgreSQL whole months are deleted), and versions of content, except
    /// the last one of each listing.
    pub history_days: u32,
    /// Events of alert rules with their deliveries. An event with a pending delivery stays.
    pub events_days: u32,
    /// Deliveries that the receiver accepted.
    pub delivered_days: u32,
    /// Deliveries that were given up.
    pub dead_deliveries_days: u32,
    /// Entries of the audit log.
    pub audit_days: u32,
    /// Sign-ins and grants of clients, counted from their expiry. An address is known by the sign-ins of the last 90 days.
    pub sessions_days: u32,
    /// Refresh tokens, counted from their rotation. Reuse of a token that is deleted is not detected.
    pub refresh_tokens_days: u32,
    /// Links of e-mails and authorization codes of clients, counted from their expiry. Reuse of a code that is deleted is not detected.
    pub links_days: u32,
    /// Jobs with their items, and runs of schedules.
    pub jobs_days: u32,
    /// Runs of paid sources, and questions to models, with their costs.
    pub source_runs_days: u32,
    /// Outcomes of crawls, counted by hour, and drifts of pages.
    pub crawl_counts_days: u32,
    /// Samples of pages that could not be used.
    pub page_samples_days: u32,
    /// Pictures of listings. One that is wanted later is fetched again.
    pub listing_images_days: u32,
    /// Idempotency keys with their responses. A key is valid for one day.
    pub idempotency_keys_days: u32,
    /// API keys, counted from their revocation or expiry.
    pub api_keys_days: u32,
    /// Crawls requested per day.
    pub daily_usage_days: u32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            history_days: 0,
            events_days: 365,
            delivered_days: 30,
            dead_deliveries_days: 90,
            audit_days: 365,
            sessions_days: 90,
            refresh_tokens_days: 31,
            links_days: 7,
            jobs_days: 90,
            source_runs_days: 400,
            crawl_counts_days: 90,
            page_samples_days: 14,
            listing_images_days: 180,
            idempotency_keys_days: 2,
            api_keys_days: 90,
            daily_usage_days: 400,
        }
    }
}

impl RetentionSettings {
    /// Every setting with its value.
    pub(super) fn all(&self) -> [(&'static str, u32); 16] {
        [
            ("retention.history_days", self.history_days),
            ("retention.events_days", self.events_days),
            ("retention.delivered_days", self.delivered_days),
            ("retention.dead_deliveries_days", self.dead_deliveries_days),
            ("retention.audit_days", self.audit_days),
            ("retention.sessions_days", self.sessions_days),
            ("retention.refresh_tokens_days", self.refresh_tokens_days),
            ("retention.links_days", self.links_days),
            ("retention.jobs_days", self.jobs_days),
            ("retention.source_runs_days", self.source_runs_days),
            ("retention.crawl_counts_days", self.crawl_counts_days),
            ("retention.page_samples_days", self.page_samples_days),
            ("retention.listing_images_days", self.listing_images_days),
            ("retention.idempotency_keys_days", self.idempotency_keys_days),
            ("retention.api_keys_days", self.api_keys_days),
            ("retention.daily_usage_days", self.daily_usage_days),
        ]
    }
}
