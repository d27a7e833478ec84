//! The log of what truly changed and of what was served: the judge of every client.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Availability, Listing, Money};

use super::facts::{Change, FactValue, Field};
use super::faults::Fault;

/// One line of `GET /_truth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthLine {
    /// Rises by one from line to line, from 1.
    pub seq: u64,
    /// When it became true.
    pub at: Timestamp,
    /// What became true.
    #[serde(flatten)]
    pub what: Truth,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Truth {
    /// A field of a listing that somebody has asked for is no longer what it was.
    Change {
        /// Whose.
        #[serde(flatten)]
        listing: Listing,
        /// The world's step from which it holds.
        step: i64,
        /// Which field.
        field: Field,
        /// What it was.
        from: FactValue,
        /// What it is.
        to: FactValue,
    },
    /// A request for a product page was answered.
    Served {
        /// What was asked for.
        #[serde(flatten)]
        listing: Listing,
        /// Number of the request, from 0.
        request: u64,
        /// With what.
        answer: Answer,
        /// The world's step that the page shows.
        step: i64,
        /// What the page shows; missing when no generated page was sent.
        #[serde(flatten)]
        shown: Option<Shown>,
    },
}

/// The facts of a served page that matter most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The price, `null` for none.
    pub price: Option<Money>,
    /// The availability.
    pub availability: Availability,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The product page, whole and at once.
    Page,
    /// A robot check.
    Captcha,
    /// The 503 page.
    Unavailable,
    /// Half a product page.
    Truncated,
    /// The product page, late.
    Slow,
    /// The 404 page.
    NotFound,
}

impl Answer {
    /// True when the answer carries (some of) a product page.
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

/// A ring of the latest lines.
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

    /// Writes a line and returns its number.
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

    /// Number of the last line ever written; 0 before the first.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Number of the oldest line that is still kept.
    pub(super) fn first_seq(&self) -> u64 {
        self.last_seq - self.lines.len() as u64 + 1
    }

    /// At most `limit` lines with numbers above `seq`, in order.
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
    fn lines_are_read_from_any_place_in_pages() {
        let log = log_of(5, 100);
        assert_eq!(seqs(&log, 0, 2), [1, 2]);
        assert_eq!(seqs(&log, 2, 9), [3, 4, 5]);
        assert!(seqs(&log, 5, 9).is_empty());
        assert!(seqs(&log, u64::MAX, 9).is_empty());
        assert!(seqs(&log_of(0, 1), 0, 9).is_empty());
    }

    #[test]
    fn the_oldest_lines_make_room_for_the_newest() {
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
