//! Versions of content, and the last offer list of a listing.

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::{
    Content, Currency, Fulfillment, Money, Offer, OfferCondition, OfferList, Product, Reading,
};
use amazon_tracker::store::{Commit, ContentVersion, ProductPatch, ReadOffers, StoreError, StoredContent};
use serde_json::json;

use crate::fixture::*;

on_both_engines! {
    a_version_has_all_fields_and_names_those_that_changed,
    versions_are_listed_page_by_page_the_newest_first,
    old_versions_are_deleted_except_the_last_one_of_each_listing,
    the_last_offer_list_replaces_the_one_before,
    a_stale_commit_leaves_content_and_offers_alone,
    offers_are_wanted_as_often_as_an_active_product_watches_them,
    a_listing_is_due_at_once_when_its_offers_are_watched,
}

fn titled(title: &str) -> Content {
    Content { title: Some(title.to_owned()), ..Content::default() }
}

/// A crawl that saw this content.
async fn see_content(fixture: &Fixture, seen_content: &Content) -> Commit {
    let claim = fixture.claim_one().await;
    let mut commit = seen(&claim, 900, fixture.now().await);
    let at = fixture.now().await;
    let state = commit.state.as_mut().unwrap();
    commit.content = state.take_content(seen_content, "direct", at).map(|change| ContentVersion { at, change });
    assert!(fixture.commit(commit.clone()).await);
    commit
}

async fn versions(fixture: &Fixture, product: &Product) -> Vec<StoredContent> {
    fixture.store.content_versions(product.listing_id, None, 100).await.unwrap().items
}

async fn a_version_has_all_fields_and_names_those_that_changed(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let whole = Content { bullets: Some(vec!["1.7 l".to_owned()]), has_video: Some(false), ..titled("Kettle") };
    see_content(fixture, &whole).await;
    let first_at = fixture.now().await;
    fixture.clock.advance(DAY);
    see_content(fixture, &whole).await;
    fixture.clock.advance(DAY);
    let commit = see_content(fixture, &titled("Kettle, red")).await;
    // The answer was lost, and it is written again.
    fixture.commit(commit).await;
    let found = versions(fixture, &product).await;
    let content = |title: &str| json!({ "title": title, "bullets": ["1.7 l"], "has_video": false });
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[1].at, json!(found[1].content)), (first_at, content("Kettle")));
    assert_eq!(found[1].changed, ["title", "bullets", "has_video"]);
    assert_eq!(
        (found[0].changed.as_slice(), json!(found[0].content)),
        (["title".to_owned()].as_slice(), content("Kettle, red"))
    );
}

async fn versions_are_listed_page_by_page_the_newest_first(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    for number in 0..5 {
        see_content(fixture, &titled(&format!("Kettle {number}"))).await;
        fixture.clock.advance(DAY);
    }
    let (mut cursor, mut titles) = (None, Vec::new());
    loop {
        let page = fixture.store.content_versions(product.listing_id, cursor.as_deref(), 2).await.unwrap();
        titles.extend(page.items.iter().map(|version| version.content["title"].as_str().unwrap().to_owned()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(titles, ["Kettle 4", "Kettle 3", "Kettle 2", "Kettle 1", "Kettle 0"]);
    let refused = fixture.store.content_versions(product.listing_id, Some("nonsense"), 2).await;
    assert!(matches!(refused, Err(StoreError::InvalidCursor)));
}

async fn old_versions_are_deleted_except_the_last_one_of_each_listing(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    for number in 0..3 {
        see_content(fixture, &titled(&format!("Kettle {number}"))).await;
        fixture.clock.advance(DAY);
    }
    fixture.clock.advance(10 * DAY);
    let days = RetentionSettings { history_days: 5, ..KEEP_ALL };
    fixture.store.prune(&days).await.unwrap();
    let left = versions(fixture, &product).await;
    assert_eq!(left.iter().map(|version| &version.content["title"]).collect::<Vec<_>>(), ["Kettle 2"]);
}

fn offers(prices: &[i64]) -> OfferList {
    let offer = |price: &i64| Offer {
        seller: Some("Alder & Finch".to_owned()),
        seller_id: "A2MPD1EA7SJGR6".parse().ok(),
        condition: OfferCondition::New,
        condition_text: None,
        price: Money::new(*price, Currency::Usd),
        shipping: Reading::Absent,
        fulfilled_by: Fulfillment::Merchant,
        is_prime: false,
        is_featured: false,
    };
    OfferList { offers: prices.iter().map(offer).collect(), is_complete: true }
}

/// The same commit with a new version of the content, and with offers.
pub fn with_content_and_offers(mut commit: Commit) -> Commit {
    let state = commit.state.as_mut().unwrap();
    let at = state.checked_at.unwrap();
    let whole = Content { bullets: Some(vec!["1,7 l „Stahl“".to_owned()]), ..titled("Kettle") };
    let change = state.take_content(&whole, "direct", at);
    let content = change.map(|change| ContentVersion { at, change });
    Commit { content, offers: Some(ReadOffers { at, list: offers(&[900]) }), ..commit }
}

async fn see_offers(fixture: &Fixture, prices: &[i64]) -> Commit {
    let claim = fixture.claim_one().await;
    let at = fixture.now().await;
    let read = Some(ReadOffers { at, list: offers(prices) });
    let commit = Commit { offers: read, ..seen(&claim, 900, at) };
    assert!(fixture.commit(commit.clone()).await);
    commit
}

async fn the_last_offer_list_replaces_the_one_before(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    assert_eq!(fixture.store.offers(product.listing_id).await.unwrap(), None);
    see_offers(fixture, &[900, 950]).await;
    fixture.clock.advance(DAY);
    let last = see_offers(fixture, &[870]).await;
    assert_eq!(fixture.store.offers(product.listing_id).await.unwrap(), last.offers);
}

async fn a_stale_commit_leaves_content_and_offers_alone(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let at = fixture.now().await;
    let mut stale = seen(&claim, 900, at);
    stale.token -= 1;
    let change = stale.state.as_mut().unwrap().take_content(&titled("Kettle"), "direct", at).unwrap();
    stale.content = Some(ContentVersion { at, change });
    stale.offers = Some(ReadOffers { at, list: offers(&[900]) });
    assert!(!fixture.commit(stale).await);
    assert!(versions(fixture, &product).await.is_empty());
    assert_eq!(fixture.store.offers(product.listing_id).await.unwrap(), None);
}

fn offers_every(frequency: Option<&str>) -> ProductPatch {
    ProductPatch {
        watch_offers: Some(frequency.is_some()),
        offers_interval: frequency.map(|text| text.parse().unwrap()),
        ..ProductPatch::default()
    }
}

async fn offers_are_wanted_as_often_as_an_active_product_watches_them(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    assert_eq!(product.settings.offers_interval, None);
    for (patch, expected) in [(Some("6h"), Some(21_600)), (Some("weekly"), Some(604_800)), (None, None)] {
        let patched = fixture.store.update_product(US, product.id, &offers_every(patch)).await.unwrap();
        assert_eq!(patched.settings.offers_interval.map(|frequency| frequency.as_secs()), expected);
        let claim = fixture.claim_one().await;
        assert_eq!(claim.offers_interval.map(|frequency| frequency.as_secs()), expected);
        fixture.commit(seen(&claim, 900, fixture.now().await)).await;
        fixture.clock.advance(2 * DAY);
    }
}

async fn a_listing_is_due_at_once_when_its_offers_are_watched(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    fixture.clock.advance(HOUR);
    let patched = fixture.store.update_product(US, product.id, &offers_every(Some("daily"))).await.unwrap();
    assert_eq!(patched.next_crawl_at, Some(fixture.now().await));
}
