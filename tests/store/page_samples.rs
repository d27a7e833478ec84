//! Samples of pages that could not be used.

use amazon_tracker::domain::{Listing, Marketplace};
use amazon_tracker::store::{SampleContent, StoreError};

use crate::fixture::*;

on_both_engines! {
    the_newest_samples_of_each_marketplace_are_kept,
}

pub fn sample(marketplace: Marketplace, n: u32) -> SampleContent {
    SampleContent {
        source: "direct",
        listing: Listing::new(marketplace, asin(n)),
        outcome: "failed_unreadable",
        page_bytes: 1_000_000,
        content: format!("content {n}"),
    }
}

async fn the_newest_samples_of_each_marketplace_are_kept(fixture: &Fixture) {
    let store = &fixture.store;
    store.keep_page_sample(sample(Marketplace::Jp, 9), 2).await.unwrap();
    for n in 0..4 {
        fixture.clock.advance(SECOND);
        store.keep_page_sample(sample(Marketplace::De, n), 2).await.unwrap();
    }
    let samples = store.page_samples(10).await.unwrap();
    let listings: Vec<_> = samples.iter().map(|sample| (sample.listing.marketplace, sample.listing.asin)).collect();
    assert_eq!(listings, [(Marketplace::De, asin(3)), (Marketplace::De, asin(2)), (Marketplace::Jp, asin(9))]);
    assert_eq!(store.page_samples(1).await.unwrap(), samples[..1]);
    let (newest, content) = store.page_sample(samples[0].id).await.unwrap();
    assert_eq!((&newest, content.as_str()), (&samples[0], "content 3"));
    assert_eq!((newest.taken_at, newest.page_bytes), (fixture.now().await, 1_000_000));
    let missing = store.page_sample(uuid::Uuid::nil()).await;
    assert!(matches!(missing, Err(StoreError::NotFound("page sample"))));
}
