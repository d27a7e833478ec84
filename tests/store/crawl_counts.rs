//! Counts of crawls and costs of runs, of all replicas together.

use amazon_tracker::domain::{Listing, Marketplace, RunBudget, RunEnd};
use amazon_tracker::store::{CrawlCount, SourceCosts};

use crate::fixture::*;
use crate::source_runs::requests;

on_both_engines! {
    counts_add_up_by_hour_and_are_summed_from_a_time_on,
    costs_are_those_of_the_runs_that_were_started_since,
}

fn counted(marketplace: Marketplace, kind: &str, count: u64) -> CrawlCount {
    CrawlCount { source: "direct".to_owned(), marketplace, kind: kind.to_owned(), count }
}

async fn counts_add_up_by_hour_and_are_summed_from_a_time_on(fixture: &Fixture) {
    let (de, fr) = (Marketplace::De, Marketplace::Fr);
    let add = async |counts: &[CrawlCount]| fixture.store.add_crawl_counts(counts).await.unwrap();
    add(&[]).await;
    add(&[counted(de, "observed", 3), counted(fr, "observed", 1)]).await;
    add(&[counted(de, "observed", 2), counted(de, "blocked_captcha", 1)]).await;
    let begin = fixture.now().await;
    fixture.clock.advance(HOUR);
    add(&[counted(de, "observed", 10)]).await;
    let sums = fixture.store.crawl_counts(begin).await.unwrap();
    let expected = [counted(de, "blocked_captcha", 1), counted(de, "observed", 15), counted(fr, "observed", 1)];
    assert_eq!(sums, expected);
    assert_eq!(fixture.store.crawl_counts(fixture.now().await).await.unwrap(), [counted(de, "observed", 10)]);
}

async fn costs_are_those_of_the_runs_that_were_started_since(fixture: &Fixture) {
    let begin = fixture.now().await;
    for n in 0..4 {
        fixture.watch(n).await;
        let listing = Listing::new(Marketplace::De, asin(n));
        let run = fixture
            .store
            .open_runs("apify", &requests(&[listing]), HOUR, &RunBudget::default())
            .await
            .unwrap()
            .runs
            .remove(0);
        match n {
            // Under way, and never started.
            0 => {}
            1 => assert!(fixture.store.run_ended(run.id, RunEnd::Lost).await.unwrap()),
            n => {
                let end = RunEnd::Ended { cost_micros: Some(u64::from(n) * 1_000) };
                assert!(fixture.store.run_ended(run.id, end).await.unwrap());
            }
        }
        fixture.clock.advance(SECOND);
    }
    let costs = |runs, cost_micros| SourceCosts { source: "apify".to_owned(), runs, cost_micros };
    assert_eq!(fixture.store.source_costs(begin).await.unwrap(), [costs(3, 5_000)]);
    let later = begin.checked_add(SECOND * 3).unwrap();
    assert_eq!(fixture.store.source_costs(later).await.unwrap(), [costs(1, 3_000)]);
}
