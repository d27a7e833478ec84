//! What a message is composed from: plain data.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::domain::{Event, Language, MessageChart, MessageId, Money};

/// Where a message is read, and what it can link to.
#[derive(Debug, Clone)]
pub struct Place {
    /// The language of its texts.
    pub language: Language,
    /// The time zone of its times.
    pub zone: TimeZone,
    /// The address under which people reach this installation; `None`: there are no links to it.
    pub public_url: Option<Url>,
    /// Stops the messages of the channel at once; for e-mail.
    pub unsubscribe_url: Option<String>,
}

/// A message about events.
#[derive(Debug, Clone)]
pub struct ComposeRequest<'a> {
    /// The id of the message.
    pub id: MessageId,
    /// When it is made.
    pub at: Timestamp,
    /// Where it is read.
    pub place: &'a Place,
    /// What it is about, in any order: one entry for each rule and product. At least one.
    pub entries: &'a [Entry],
    /// Rules and products of the message beyond these.
    pub left_out: u32,
}

/// What a message says about one rule and product.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The latest event.
    pub event: Event,
    /// The condition ceased to hold then, so the event is told as past.
    pub ended_at: Option<Timestamp>,
    /// Crossings within the message: 1, unless earlier ones are told with this one.
    pub times: u32,
    /// How the price stands within its history; left out of what has ended.
    pub standing: Option<Standing>,
    /// A chart of the price.
    pub chart: Option<MessageChart>,
    /// The link that silences the rule for a while.
    pub snooze_url: Option<String>,
}

impl Entry {
    /// An entry for an event that still holds, without what makes a message richer.
    pub fn of(event: Event) -> Self {
        Self { event, ended_at: None, times: 1, standing: None, chart: None, snooze_url: None }
    }
}

/// How the price of an event stands within a part of its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Length of that part, in days.
    pub days: u32,
    /// The lowest price.
    pub minimum: Option<Money>,
    /// The average, weighted by time.
    pub average: Option<Money>,
    /// The price of the event is the lowest.
    pub is_lowest: bool,
    /// The history is shorter: it begins then.
    pub since: Option<Timestamp>,
}
