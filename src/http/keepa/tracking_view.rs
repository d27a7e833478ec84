//! Trackings and their notifications as Keepa writes them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Money;
use crate::keepa::{NONE, SLOTS, Slot, Watch, domain_of, keepa_minute};
use crate::service::{EventRow, RuleRow, Tracking};

/// The ways to be told: e-mail, Twitter, Facebook, browser, Messenger, API, app, and one that is none.
const CHANNELS: usize = 8;
const API: usize = 5;
/// Keepa's names of what happened: the desired value, sold out, back in stock.
const DESIRED: u8 = 1;
const SOLD_OUT: u8 = 4;
const BACK: u8 = 5;
/// Longest interval that Keepa knows, in hours.
const MAX_UPDATE_HOURS: u32 = 25;

/// The trackings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeepaTrackings)]
pub(in crate::http) struct Trackings {
    pub(super) trackings: Vec<WireTracking>,
}

/// A tracking.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaTracking)]
pub(super) struct WireTracking {
    asin: String,
    main_domain_id: i64,
    /// In minutes since 2011, as all times.
    create_date: i64,
    /// Hours from then on; 0: it does not end.
    ttl: i64,
    expire_notify: bool,
    /// Hours between crawls, 1 to 25.
    update_interval: u32,
    meta_data: Option<String>,
    threshold_values: Vec<WireThreshold>,
    notify_if: Vec<WireNotifyIf>,
    notification_type: Vec<bool>,
    /// Minutes; -1: none.
    individual_notification_interval: i64,
    is_active: bool,
}

/// A value that is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaThreshold)]
struct WireThreshold {
    /// When it was set, and the value.
    #[serde(rename = "thresholdValueCSV")]
    threshold_value_csv: [i64; 2],
    domain: i64,
    csv_type: usize,
    is_drop: bool,
}

/// A state that is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaNotifyIf)]
struct WireNotifyIf {
    domain: i64,
    csv_type: usize,
    /// 0: sold out; 1: back.
    notify_if_type: u8,
}

impl From<Tracking> for WireTracking {
    fn from(tracking: Tracking) -> Self {
        let Tracking { product, rules } = tracking;
        let domain = domain_of(product.listing.marketplace).unwrap_or_default();
        let created_at = rules.iter().map(|(_, rule)| rule.created_at).min().unwrap_or(product.created_at);
        let (mut threshold_values, mut notify_if) = (Vec::new(), Vec::new());
        // Oldest first, as they were set.
        for (watch, rule) in rules.iter().rev() {
            let csv_type = watch.slot().index();
            match *watch {
                Watch::Threshold { value, is_drop, .. } => {
                    let threshold_value_csv = [keepa_minute(rule.updated_at), value];
                    threshold_values.push(WireThreshold { threshold_value_csv, domain, csv_type, is_drop });
                }
                Watch::Stock { is_back } => {
                    notify_if.push(WireNotifyIf { domain, csv_type, notify_if_type: u8::from(is_back) });
                }
            }
        }
        let cooldown = rules.iter().map(|(_, rule)| rule.settings.cooldown_secs).max().filter(|secs| *secs > 0);
        Self {
            asin: product.listing.asin.to_string(),
            main_domain_id: domain,
            create_date: keepa_minute(created_at),
            ttl: ttl_of(&rules, created_at),
            expire_notify: false,
            update_interval: product.interval.as_secs().div_ceil(3600).clamp(1, MAX_UPDATE_HOURS),
            meta_data: rules.iter().find_map(|(_, rule)| rule.settings.name.clone()),
            threshold_values,
            notify_if,
            notification_type: told_by_api(),
            individual_notification_interval: cooldown.map_or(NONE, |secs| i64::from(secs.div_ceil(60))),
            is_active: rules.iter().any(|(_, rule)| rule.settings.is_active(Timestamp::now())),
        }
    }
}

/// Hours from the creation of a tracking until the last of its rules ends.
fn ttl_of(rules: &[(Watch, RuleRow)], created_at: Timestamp) -> i64 {
    let ends: Option<Vec<Timestamp>> = rules.iter().map(|(_, rule)| rule.settings.expires_at).collect();
    let last = ends.and_then(|ends| ends.into_iter().max());
    // Rounded: the end was set a moment before the rule was created.
    last.map_or(0, |last| (last.duration_since(created_at).as_secs() + 1800).div_euclid(3600).max(1))
}

/// By this answer; channels of the alert are told, too.
fn told_by_api() -> Vec<bool> {
    (0..CHANNELS).map(|channel| channel == API).collect()
}

/// The notifications.
#[derive(Debug, Serialize)]
pub(super) struct Notifications {
    pub notifications: Vec<WireNotification>,
}

/// A notification: an event of an alert.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireNotification {
    asin: String,
    title: Option<String>,
    image: Option<String>,
    create_date: i64,
    domain_id: i64,
    notification_domain_id: i64,
    csv_type: usize,
    tracking_notification_cause: u8,
    /// By series; -1: not known, or none.
    current_prices: Vec<i64>,
    sent_notification_via: Vec<bool>,
    meta_data: Option<String>,
}

pub(super) fn notification((watch, row): &(Watch, EventRow)) -> WireNotification {
    let facts = &row.event.facts;
    let domain = domain_of(facts.listing.marketplace).unwrap_or_default();
    let mut current_prices = vec![NONE; SLOTS];
    if let Some(Money { amount_minor, .. }) = facts.price {
        current_prices[Slot::BuyBoxShipping.index()] = amount_minor;
    }
    WireNotification {
        asin: facts.listing.asin.to_string(),
        title: facts.title.clone(),
        image: facts.image_url.clone(),
        create_date: keepa_minute(row.event.at),
        domain_id: domain,
        notification_domain_id: domain,
        csv_type: watch.slot().index(),
        tracking_notification_cause: match watch {
            Watch::Threshold { .. } => DESIRED,
            Watch::Stock { is_back: false } => SOLD_OUT,
            Watch::Stock { is_back: true } => BACK,
        },
        current_prices,
        sent_notification_via: told_by_api(),
        meta_data: facts.rule_name.clone(),
    }
}
