//! Hands the counters of this process on to the store, where those of all replicas add up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prometheus::IntCounterVec;
use prometheus::core::Collector;

use crate::domain::Marketplace;
use crate::store::CrawlCount;
use crate::telemetry::Metrics;

/// Before the name of a field that observations lacked.
pub const WITHOUT: &str = "without:";

/// Before the name of the source of canaries, which are counted on their own too.
const CANARY: &str = "canary:";

/// Source, marketplace and kind.
type Key = (String, Marketplace, String);

/// What has been handed on.
#[derive(Default)]
pub(super) struct CountsHandedOn(Mutex<HashMap<Key, u64>>);

impl CountsHandedOn {
    /// What was counted since it was last handed on.
    pub fn pending(&self, metrics: &Metrics) -> Vec<CrawlCount> {
        let handed_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = |(key, total): (Key, u64)| {
            let count = total - handed_on.get(&key).copied().unwrap_or(0).min(total);
            let (source, marketplace, kind) = key;
            (count > 0).then_some(CrawlCount { source, marketplace, kind, count })
        };
        totals(metrics).into_iter().filter_map(pending).collect()
    }

    /// These counts are in the store.
    pub fn add(&self, counts: Vec<CrawlCount>) {
        let mut handed_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for CrawlCount { source, marketplace, kind, count } in counts {
            *handed_on.entry((source, marketplace, kind)).or_default() += count;
        }
    }
}

fn totals(metrics: &Metrics) -> Vec<(Key, u64)> {
    let all = with_prefix("", &metrics.crawls, &metrics.missing_fields);
    all.into_iter().chain(with_prefix(CANARY, &metrics.canary_crawls, &metrics.canary_missing_fields)).collect()
}

/// The counters with a prefix of the source.
fn with_prefix(prefix: &str, crawls: &IntCounterVec, missing: &IntCounterVec) -> Vec<(Key, u64)> {
    let source = |label: &dyn Fn(&str) -> String| format!("{prefix}{}", label("source"));
    let crawls = counters(crawls, |label| (source(label), label("marketplace"), label("outcome")));
    let missing =
        counters(missing, |label| (source(label), label("marketplace"), format!("{WITHOUT}{}", label("field"))));
    crawls.into_iter().chain(missing).collect()
}

fn counters(
    counters: &IntCounterVec,
    key: impl Fn(&dyn Fn(&str) -> String) -> (String, String, String),
) -> Vec<(Key, u64)> {
    let families = counters.collect();
    let read = |metric: &prometheus::proto::Metric| {
        let labels = metric.get_label();
        let label = |name: &str| {
            labels.iter().find(|label| label.name() == name).map_or_else(String::new, |label| label.value().to_owned())
        };
        let (source, marketplace, kind) = key(&label);
        // Counters hold integers.
        Some(((source, marketplace.parse().ok()?, kind), metric.get_counter().get_value() as u64))
    };
    families.iter().flat_map(|family| family.get_metric()).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(handed_on: &CountsHandedOn, metrics: &Metrics) -> Vec<(String, u64)> {
        let mut pending: Vec<_> =
            handed_on.pending(metrics).into_iter().map(|count| (count.kind, count.count)).collect();
        pending.sort();
        pending
    }

    #[test]
    fn what_was_handed_on_is_not_handed_on_again() {
        let (metrics, handed_on) = (Metrics::new(), CountsHandedOn::default());
        assert!(counted(&handed_on, &metrics).is_empty());
        metrics.crawls.with_label_values(&["direct", "de", "observed"]).inc_by(3);
        metrics.missing_fields.with_label_values(&["direct", "price", "de"]).inc();
        let expected = [("observed".to_owned(), 3), ("without:price".to_owned(), 1)];
        assert_eq!(counted(&handed_on, &metrics), expected);
        assert_eq!(counted(&handed_on, &metrics), expected, "not yet in the store");
        handed_on.add(handed_on.pending(&metrics));
        assert!(counted(&handed_on, &metrics).is_empty());
        metrics.crawls.with_label_values(&["direct", "de", "observed"]).inc();
        assert_eq!(counted(&handed_on, &metrics), [("observed".to_owned(), 1)]);
        metrics.canary_crawls.with_label_values(&["direct", "de", "not_found"]).inc();
        let canary = handed_on.pending(&metrics).into_iter().find(|count| count.source == "canary:direct").unwrap();
        assert_eq!((canary.kind.as_str(), canary.count), ("not_found", 1));
    }
}
