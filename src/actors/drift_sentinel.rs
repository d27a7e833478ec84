//! Notices fields that product pages lack more often than usual, by the counts of all replicas.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::crawl_counts::WITHOUT;
use crate::domain::{FieldCount, FieldDrift, MIN_RECENT_PAGES, Marketplace, drift_begins};
use crate::store::{CrawlCount, SharedStore, StoreResult};

/// Hours that count as recent: the first that have enough pages. The present hour is one of them.
const RECENT_HOURS: [i64; 3] = [2, 6, 24];
/// Days before them that the usual level is taken from.
const USUAL_DAYS: i64 = 7;
/// The outcome of a crawl that brought a product page.
const OBSERVED: &str = "observed";

/// A source and a marketplace.
type Site = (String, Marketplace);

/// Product pages of a site, and how many of them lacked each field.
#[derive(Debug, Default)]
struct Pages {
    all: u64,
    missing: BTreeMap<String, u64>,
}

impl Pages {
    fn of(&self, field: &str) -> FieldCount {
        FieldCount { pages: self.all, missing: self.missing.get(field).copied().unwrap_or_default() }
    }
}

/// Compares what crawls brought lately with the days before, records what has changed, and logs it once.
pub(super) async fn check(store: &SharedStore) -> StoreResult<()> {
    let now = store.now().await?;
    let since = |hours: i64| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
    let all = sites(store.crawl_counts(since(RECENT_HOURS[2] + 24 * USUAL_DAYS)).await?);
    let mut recent = Vec::new();
    for hours in RECENT_HOURS {
        recent.push(sites(store.crawl_counts(since(hours - 1)).await?));
    }
    let open = store.field_drifts(Timestamp::MAX).await?;
    for drift in changed(open, &recent, &all, now) {
        store.record_field_drift(&drift).await?;
        log(&drift, now);
    }
    Ok(())
}

fn sites(counts: Vec<CrawlCount>) -> BTreeMap<Site, Pages> {
    let mut sites: BTreeMap<Site, Pages> = BTreeMap::new();
    for CrawlCount { source, marketplace, kind, count } in counts {
        let pages = sites.entry((source, marketplace)).or_default();
        match kind.strip_prefix(WITHOUT) {
            Some(field) => *pages.missing.entry(field.to_owned()).or_default() += count,
            None if kind == OBSERVED => pages.all += count,
            None => {}
        }
    }
    sites
}

/// The drifts that begin, go on with new counts, or end. `recent`: the pages of ever longer times; `all`: those of the longest, and of the
/// days before.
fn changed(
    open: Vec<FieldDrift>,
    recent: &[BTreeMap<Site, Pages>],
    all: &BTreeMap<Site, Pages>,
    now: Timestamp,
) -> Vec<FieldDrift> {
    let enough = |site: &Site| recent.iter().filter_map(|sites| sites.get(site)).find(|p| p.all >= MIN_RECENT_PAGES);
    let mut known: BTreeSet<(Site, String)> = BTreeSet::new();
    let mut changes = Vec::new();
    for drift in open {
        let site = (drift.source.clone(), drift.marketplace);
        let recent = enough(&site).map(|pages| pages.of(&drift.field));
        known.insert((site, drift.field.clone()));
        let ended_at = drift.is_over(recent, now).then_some(now);
        let next = FieldDrift { recent: recent.unwrap_or(drift.recent), ended_at, ..drift.clone() };
        if next != drift {
            changes.push(next);
        }
    }
    for (site, all) in all {
        let Some(pages) = enough(site) else { continue };
        for field in pages.missing.keys() {
            let (recent, total) = (pages.of(field), all.of(field));
            let usual = FieldCount {
                pages: total.pages.saturating_sub(recent.pages),
                missing: total.missing.saturating_sub(recent.missing),
            };
            if drift_begins(recent, usual) && !known.contains(&(site.clone(), field.clone())) {
                let (source, marketplace) = site.clone();
                let field = field.clone();
                changes.push(FieldDrift { source, marketplace, field, started_at: now, ended_at: None, usual, recent });
            }
        }
    }
    changes
}

/// Once at the start and once at the end; counts that move are not logged.
fn log(drift: &FieldDrift, now: Timestamp) {
    let FieldDrift { source, marketplace, field, recent, usual, .. } = drift;
    let percent = |count: &FieldCount| 100.0 * count.share();
    if drift.ended_at.is_some() {
        tracing::info!(
            source, %marketplace, field,
            "pages of {marketplace} lack {field} no more often than usual any more ({:.1} %)", percent(recent)
        );
    } else if drift.started_at == now {
        tracing::warn!(
            source, %marketplace, field, pages = recent.pages,
            "pages of {marketplace} lack {field} more often than usual: {:.1} % instead of {:.1} %; they may have changed",
            percent(recent), percent(usual)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(all: u64, missing: &[(&str, u64)]) -> BTreeMap<Site, Pages> {
        let missing = missing.iter().map(|(field, count)| ((*field).to_owned(), *count)).collect();
        BTreeMap::from([(("direct".to_owned(), Marketplace::De), Pages { all, missing })])
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_drift_begins_once_and_ends_when_the_field_is_back() {
        let all = pages(5_000, &[("rating", 500), ("price", 60)]);
        let gone = [pages(100, &[("rating", 10), ("price", 50)])];
        let begun = changed(Vec::new(), &gone, &all, NOW);
        assert_eq!(begun.len(), 1);
        assert_eq!((begun[0].field.as_str(), begun[0].ended_at), ("price", None));
        assert_eq!(begun[0].usual, FieldCount { pages: 4_900, missing: 10 });
        assert!(changed(begun.clone(), &gone, &all, NOW).is_empty(), "it is known");
        let back = [pages(100, &[("rating", 10)])];
        let ended = changed(begun, &back, &all, NOW);
        assert_eq!((ended.len(), ended[0].ended_at), (1, Some(NOW)));
    }

    #[test]
    fn a_site_with_little_traffic_is_judged_by_a_longer_time() {
        let all = pages(1_000, &[("price", 30)]);
        let recent = [pages(10, &[("price", 10)]), pages(31, &[("price", 30)])];
        assert_eq!(changed(Vec::new(), &recent[..1], &all, NOW), []);
        assert_eq!(changed(Vec::new(), &recent, &all, NOW)[0].recent, FieldCount { pages: 31, missing: 30 });
    }
}
