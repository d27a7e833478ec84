//! A message about alerts, before it is written for a channel: plain text without any markup, in the language of its recipient.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::channel::Channel;
use super::event::Event;
use super::ids::MessageId;
use super::marketplace::Marketplace;
use super::rule::Severity;
use super::series::Point;

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MessageKind {
    /// One event.
    Single,
    /// Several events.
    Digest,
    /// About the installation itself: a channel that does not work, a marketplace that cannot be crawled.
    Notice,
    /// Its owner tests the channel.
    Test,
}

/// What a message says. No text is bounded: each channel cuts it to its limits, and escapes it after that.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertMessage {
    /// The same for every attempt, so that receivers can detect duplicates.
    pub id: MessageId,
    /// Why it is sent.
    pub kind: MessageKind,
    /// The most urgent of its items.
    pub severity: Severity,
    /// What happened, in one line: the subject of an e-mail, the title of a push message.
    pub title: String,
    /// One for each product and rule, the most recent first. Never empty, but of a notice or a test.
    pub items: Vec<MessageItem>,
    /// Of a notice and a test, its text.
    pub note: Option<String>,
    /// "and 12 more", for a channel without room for all items: at index `n`, what it says when it leaves out `n` of them. Beyond its
    /// items, a digest may have left out some itself.
    pub more: Vec<Option<String>>,
    /// A sentence under all items, for channels with room: who sends it and why.
    pub footer: String,
    /// Stops the messages of this channel at once (RFC 8058); for e-mail.
    pub unsubscribe: Option<MessageLink>,
    /// When it was made.
    pub at: Timestamp,
    /// The events, for receivers that are programs.
    pub events: Vec<Event>,
}

/// One item of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageItem {
    /// The product's title, as the marketplace shows it.
    pub title: String,
    /// What happened, in one sentence.
    pub summary: String,
    /// Now and before, how it stands, when it was seen; a label and a value. A fact that is not known is left out, so no value is
    /// empty.
    pub facts: Vec<MessageFact>,
    /// Where to go: the product at Amazon first, then our page, then the snooze link.
    pub links: Vec<MessageLink>,
    /// A public image of the product.
    pub image_url: Option<String>,
    /// A chart of its price, as PNG.
    pub chart: Option<MessageChart>,
}

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFact {
    /// `Price`.
    pub label: String,
    /// `$89.99 (before: $119.99)`.
    pub value: String,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLink {
    /// `View at Amazon`.
    pub label: String,
    /// An absolute http or https URL.
    pub url: String,
}

/// A picture that is part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageChart {
    /// The picture.
    pub png: Vec<u8>,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

/// An event within a message, with what its text needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageEvent {
    /// The latest event of a rule about a product.
    pub event: Event,
    /// How many there are within the message.
    pub times: u32,
    /// The condition ceased to hold then.
    pub ended_at: Option<Timestamp>,
    /// The price of the last 90 days, with the gaps.
    pub points: Vec<Point>,
}

/// A notice about the installation itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum NoticeFacts {
    /// Another channel does not work.
    ChannelBroken {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// No source can crawl a marketplace: it stands for the alerts about all its listings.
    MarketplaceFailing {
        /// The marketplace.
        marketplace: Marketplace,
        /// Since when.
        since: Timestamp,
    },
    /// It can be crawled again.
    MarketplaceRecovered {
        /// The marketplace.
        marketplace: Marketplace,
        /// Since when it could not.
        since: Timestamp,
        /// Until when.
        until: Timestamp,
    },
}

/// A message that is to be sent: its members never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMessage {
    /// The same for every attempt.
    pub id: MessageId,
    /// Why it is sent.
    pub kind: MessageKind,
    /// To whom.
    pub channel: Channel,
    /// What it tells; the most recent first.
    pub events: Vec<MessageEvent>,
    /// Events of other rules and products that are left out.
    pub left_out: u32,
    /// Of a notice.
    pub notice: Option<NoticeFacts>,
    /// When it was made.
    pub created_at: Timestamp,
}
