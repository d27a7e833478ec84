//! Facts that are being collected.

use jiff::Timestamp;

use super::fact::{Fact, FactValue, Facts};

/// The window of a fact that holds at the time of its observation.
const NOW: &str = "now";

/// Facts in the order in which they were added.
pub(super) struct FactList {
    facts: Vec<Fact>,
    window: String,
}

impl FactList {
    /// An empty list, for a window of so many days.
    pub(super) fn new(days: u32) -> Self {
        Self { facts: Vec::new(), window: format!("{days} days") }
    }

    /// The facts, under ids.
    pub(super) fn facts(self) -> Facts {
        Facts::new(self.facts)
    }

    /// Adds what holds at a time; nothing, if it is not known.
    pub(super) fn add_now(&mut self, name: impl Into<String>, value: Option<FactValue>, at: Option<Timestamp>) {
        self.add(name, value, NOW.to_owned(), at);
    }

    /// Adds what follows from the window; nothing, if it is not known.
    pub(super) fn add_window(&mut self, name: impl Into<String>, value: Option<FactValue>, at: Timestamp) {
        self.add(name, value, self.window.clone(), Some(at));
    }

    fn add(&mut self, name: impl Into<String>, value: Option<FactValue>, window: String, at: Option<Timestamp>) {
        if let Some((value, observed_at)) = value.zip(at) {
            self.facts.push(Fact { name: name.into(), value, window, observed_at });
        }
    }
}
