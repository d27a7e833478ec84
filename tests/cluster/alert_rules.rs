//! A tenant with rules of several kinds and channels. Which prices make them fire is known beforehand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fixture::{Fixture, expect};
use crate::message_receiver::MessageReceiver;
use crate::told::Crossing;
use crate::{SOON, eventually};

pub const LISTINGS: usize = 16;
/// Each is a fall below the threshold and a rise above it.
const CYCLES: i64 = 25;
pub const TURNS: i64 = 2 * CYCLES;
const THRESHOLD_MINOR: i64 = 9_200;

/// No price is set twice, and each turn crosses the threshold.
pub fn price_after(turn: i64, listing: usize) -> i64 {
    let step = turn * LISTINGS as i64 + listing as i64;
    if turn % 2 == 0 { 10_000 + step } else { 8_999 - step }
}

/// A channel of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Webhook,
    /// Tells what happened within two seconds together.
    Digest,
    /// Its messages have no id.
    Gotify,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Digest, Self::Gotify];

    /// Where it is received.
    pub fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/webhook",
            Self::Digest => "/digest",
            Self::Gotify => "/gotify/message",
        }
    }

    /// Adds it, and returns its id.
    pub async fn add(self, fixture: &Fixture, receiver: &MessageReceiver) -> Value {
        let coalesce_secs = if self == Self::Digest { 2 } else { 0 };
        let (kind, config) = match self {
            Self::Webhook | Self::Digest => ("webhook", json!({ "url": receiver.url(self.path()) })),
            Self::Gotify => ("gotify", json!({ "server": receiver.url("/gotify"), "token": "secret" })),
        };
        let policy = json!({ "coalesce_secs": coalesce_secs });
        let channel = json!({ "kind": kind, "name": self.path(), "config": config, "policy": policy });
        expect(201, fixture.post("/api/v1/channels", &channel)).await["id"].take()
    }
}

/// When a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fires {
    AtEachFall,
    AtEachRise,
    /// And for the price that holds when it is added.
    WhileHigh,
}

impl Fires {
    /// The turn of each crossing.
    fn turns(self) -> impl Iterator<Item = i64> {
        let first = match self {
            Self::WhileHigh => 0,
            Self::AtEachFall => 1,
            Self::AtEachRise => 2,
        };
        (first..=TURNS).step_by(2)
    }
}

/// A kind of rule, of which each product has one.
struct RuleKind {
    when: Value,
    fires: Fires,
    channels: &'static [Channel],
}

/// Fires at each fall.
pub fn at_or_below_threshold() -> Value {
    let value = json!({ "amount_minor": THRESHOLD_MINOR, "currency": "USD" });
    json!({ "kind": "level", "field": "price", "op": "lte", "value": value })
}

/// A message to a program lists at most 50 rules and products: no channel tells more at once.
fn rule_kinds() -> [RuleKind; 5] {
    let moved = |dir: &str, vs: &str| json!({ "kind": "moved", "field": "price", "dir": dir, "by": { "percent": 5 }, "vs": vs });
    let in_stock = json!({ "kind": "state", "of": "availability", "is": "in_stock" });
    let fall_in_stock = json!({ "kind": "all", "of": [moved("down", "extreme"), in_stock] });
    let kind = |when, fires, channels| RuleKind { when, fires, channels };
    [
        kind(at_or_below_threshold(), Fires::AtEachFall, &[Channel::Webhook, Channel::Digest]),
        kind(fall_in_stock, Fires::AtEachFall, &[Channel::Webhook, Channel::Gotify]),
        kind(moved("down", "previous"), Fires::AtEachFall, &[Channel::Digest]),
        kind(moved("up", "previous"), Fires::AtEachRise, &[Channel::Digest]),
        // Added last: when it has fired, every rule of the product has been evaluated.
        kind(json!({ "kind": "not", "of": at_or_below_threshold() }), Fires::WhileHigh, &[Channel::Webhook]),
    ]
}

/// A rule of one product.
pub struct Rule {
    pub id: String,
    pub listing: usize,
    fires: Fires,
    pub channels: &'static [Channel],
}

impl Rule {
    /// Its crossings, with their prices.
    pub fn crossings(&self) -> impl Iterator<Item = (Crossing, i64)> {
        let crossing = |(number, turn)| ((self.id.clone(), number), price_after(turn, self.listing));
        (1..).zip(self.fires.turns()).map(crossing)
    }
}

/// The crossings of the rules that name a channel.
pub fn crossings_told_by(channel: Channel, rules: &[Rule]) -> Vec<Crossing> {
    let of_channel = rules.iter().filter(|rule| rule.channels.contains(&channel));
    let mut crossings: Vec<_> = of_channel.flat_map(Rule::crossings).map(|(crossing, _)| crossing).collect();
    crossings.sort();
    crossings
}

/// Adds a rule, and returns its id.
pub async fn add_rule(fixture: &Fixture, product: &Value, when: &Value, channels: &[&Value]) -> String {
    let rule = json!({ "product_id": product, "when": when, "channels": channels });
    expect(201, fixture.post("/api/v1/alerts", &rule)).await["id"].as_str().unwrap().to_owned()
}

/// Adds the products with their rules, and waits until all rules have been evaluated.
pub async fn add_rules(fixture: &Fixture, receiver: &MessageReceiver) -> Vec<Rule> {
    let mut ids = BTreeMap::new();
    for channel in Channel::ALL {
        ids.insert(channel, channel.add(fixture, receiver).await);
    }
    let mut rules = Vec::new();
    for (listing, asin) in fixture.market.asins.iter().enumerate() {
        fixture.market.set_price(asin, price_after(0, listing)).await;
        let product = fixture.add(asin).await["id"].take();
        for RuleKind { when, fires, channels } in rule_kinds() {
            let to: Vec<_> = channels.iter().map(|channel| &ids[channel]).collect();
            let id = add_rule(fixture, &product, &when, &to).await;
            rules.push(Rule { id, listing, fires, channels });
        }
    }
    eventually("every rule was evaluated", SOON, async || {
        fixture.query_number("SELECT count(*) FROM event").await == LISTINGS as i64
    })
    .await;
    rules
}
