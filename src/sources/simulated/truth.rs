//! The truth log: every change of a fact and every response. Tests verify clients against it.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Availability, Listing, Money};

use super::facts::{Change, FactValue, Field};
use super::faults::Fault;

/// One line of `GET /_truth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthLine {
    /// Sequence number, from 1, without gaps.
    pub seq: u64,
    /// Time of the event.
    pub at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub what: Truth,
}

/// The event of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Truth {
    /// A field of a listing that was requested before has changed.
    Change {
        /// The listing.
        #[serde(flatten)]
        listing: Listing,
        /// The step from which the new value holds.
        step: i64,
        /// The field.
        field: Field,
        /// The old value.
        from: FactValue,
        /// The new value.
        to: FactValue,
    },
    /// A response to a request for a product page.
    Served {
        /// The requested listing.
        #[serde(flatten)]
        listing: Listing,
        /// Number of the request, from 0.
        request: u64,
        /// The kind of response.
        answer: Answer,
        /// The step that the page shows.
        step: i64,
        /// The facts that the page shows; missing if no generated page was sent.
        #[serde(flatten)]
        shown: Option<Shown>,
    },
}

/// The most important facts of a served page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The price; `null` without an offer.
    pub price: Option<Money>,
    /// The availability.
    pub availability: Availability,
}

/// The kind of response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The complete product page.
    Page,
    /// A robot check.
    Captcha,
    /// The 503 page.
    Unavailable,
    /// The beginning of the product page.
    Truncated,
    /// The complete product page after a delay.
    Slow,
    /// The 404 page.
    NotFound,
}

impl Answer {
    /// True when the response has a product page or a part of one.
    pub fn has_page(self) -> bool {
        matches!(self, Self::Page | Self::Truncated | Self::Slow)
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Captcha => Self::Captcha,
            Fault::Unavailable => Self::Unavailable,
            Fault::Truncated => Self::Truncated,
            Fault::Slow => Self::Slow,
        }
    }
}

/// A ring buffer of the latest lines.
#[derive(Debug)]
pub(super) struct TruthLog {
    lines: VecDeque<TruthLine>,
    capacity: usize,
    last_seq: u64,
}

impl TruthLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { lines: VecDeque::new(), capacity: capacity.max(1), last_seq: 0 }
    }

    /// Appends a line and returns its sequence number.
    pub(super) fn write(&mut self, at: Timestamp, what: Truth) -> u64 {
        if self.lines.len() == self.capacity {
            self.lines.pop_front();
        }
        self.last_seq += 1;
        self.lines.push_back(TruthLine { seq: self.last_seq, at, what });
        self.last_seq
    }

    pub(super) fn write_changes(&mut self, at: Timestamp, listing: Listing, step: i64, changes: Vec<Change>) {
        for Change { field, from, to } in changes {
            self.write(at, Truth::Change { listing, step, field, from, to });
        }
    }

    /// Sequence number of the latest line; 0 if there is none.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Sequence number of the oldest stored line.
    pub(super) fn first_seq(&self) -> u64 {
        self.last_seq - self.lines.len() as u64 + 1
    }

    /// At most `limit` lines with sequence numbers above `seq`, in order.
    pub(super) fn after(&self, seq: u64, limit: usize) -> impl Iterator<Item = &TruthLine> {
        let skip = seq.saturating_add(1).saturating_sub(self.first_seq()).min(self.lines.len() as u64) as usize;
        self.lines.range(skip..).take(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Marketplace;

    fn log_of(lines: u64, capacity: usize) -> TruthLog {
        let mut log = TruthLog::new(capacity);
        let listing = Listing::new(Marketplace::Us, "B000000001".parse().unwrap());
        for request in 0..lines {
            let what = Truth::Served { listing, request, answer: Answer::Captcha, step: 0, shown: None };
            log.write(Timestamp::UNIX_EPOCH, what);
        }
        log
    }

    fn seqs(log: &TruthLog, after: u64, limit: usize) -> Vec<u64> {
        log.after(after, limit).map(|line| line.seq).collect()
    }

    #[test]
    fn lines_are_read_in_pages_from_any_sequence_number() {
        let log = log_of(5, 100);
        assert_eq!(seqs(&log, 0, 2), [1, 2]);
        assert_eq!(seqs(&log, 2, 9), [3, 4, 5]);
        assert!(seqs(&log, 5, 9).is_empty());
        assert!(seqs(&log, u64::MAX, 9).is_empty());
        assert!(seqs(&log_of(0, 1), 0, 9).is_empty());
    }

    #[test]
    fn a_full_log_drops_its_oldest_lines() {
        let log = log_of(10, 3);
        assert_eq!(log.first_seq(), 8);
        assert_eq!(seqs(&log, 0, 9), [8, 9, 10]);
        assert_eq!(seqs(&log, 8, 9), [9, 10]);
    }

    #[test]
    fn a_line_is_flat_json() {
        let log = log_of(1, 1);
        assert_eq!(
            serde_json::to_string(log.after(0, 1).next().unwrap()).unwrap(),
            r#"{"seq":1,"at":"1970-01-01T00:00:00Z","what":"served","marketplace":"com","asin":"B000000001","request":0,"answer":"captcha","step":0}"#
        );
    }
}
