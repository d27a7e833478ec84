//! Pictures of listings: asked for, fetched once, and replaced when their URL changes.

use std::time::Duration;

use amazon_tracker::domain::{ImageType, ImageUrl, ListingId, ListingImage};

use crate::fixture::*;

on_both_engines! {
    a_picture_is_fetched_once_and_again_when_its_url_changes,
    a_picture_that_fails_is_tried_again_until_it_is_given_up,
    a_picture_that_is_claimed_is_not_claimed_again_until_its_lease_expires,
}

pub fn image_url(n: u32) -> ImageUrl {
    ImageUrl::parse(&format!("https://m.media-amazon.com/images/I/{n}.jpg")).unwrap()
}

fn image(n: u8) -> ListingImage {
    ListingImage { kind: ImageType::Png, content: vec![n; 3] }
}

/// A listing with a picture.
pub async fn with_image(fixture: &Fixture, listing_id: ListingId) {
    fixture.store.want_image(listing_id, &image_url(1)).await.unwrap();
    let wanted = fixture.store.claim_images(9, LEASE).await.unwrap().remove(0);
    fixture.store.store_image(&wanted, &image(1)).await.unwrap();
}

async fn a_picture_is_fetched_once_and_again_when_its_url_changes(fixture: &Fixture) {
    let (store, id) = (&fixture.store, fixture.watch(1).await.listing_id);
    assert_eq!(store.listing_image(id).await.unwrap(), None);
    store.want_image(id, &image_url(1)).await.unwrap();
    let wanted = store.claim_images(9, LEASE).await.unwrap();
    assert_eq!(wanted.len(), 1);
    assert_eq!((wanted[0].listing_id, wanted[0].url.as_str(), wanted[0].attempt), (id, image_url(1).as_str(), 1));
    store.store_image(&wanted[0], &image(1)).await.unwrap();
    let stored = store.listing_image(id).await.unwrap().unwrap();
    assert_eq!((stored.image, stored.is_current), (Some(image(1)), true));
    store.want_image(id, &image_url(1)).await.unwrap();
    assert!(store.claim_images(9, LEASE).await.unwrap().is_empty(), "it is there");
    store.want_image(id, &image_url(2)).await.unwrap();
    let stored = store.listing_image(id).await.unwrap().unwrap();
    assert_eq!((stored.image, stored.is_current), (Some(image(1)), false), "the one before, until then");
    store.store_image(&wanted[0], &image(9)).await.unwrap();
    assert_eq!(store.listing_image(id).await.unwrap().unwrap().image, Some(image(1)), "too late: of another URL");
    let wanted = store.claim_images(9, LEASE).await.unwrap().remove(0);
    store.store_image(&wanted, &image(2)).await.unwrap();
    let stored = store.listing_image(id).await.unwrap().unwrap();
    assert_eq!((stored.image, stored.is_current), (Some(image(2)), true));
}

async fn a_picture_that_fails_is_tried_again_until_it_is_given_up(fixture: &Fixture) {
    let (store, id) = (&fixture.store, fixture.watch(1).await.listing_id);
    store.want_image(id, &image_url(1)).await.unwrap();
    let wanted = store.claim_images(9, LEASE).await.unwrap().remove(0);
    store.retry_image(&wanted, Some(HOUR)).await.unwrap();
    fixture.clock.advance(HOUR - SECOND);
    assert!(store.claim_images(9, LEASE).await.unwrap().is_empty());
    fixture.clock.advance(SECOND);
    let wanted = store.claim_images(9, LEASE).await.unwrap().remove(0);
    assert_eq!(wanted.attempt, 2);
    store.retry_image(&wanted, None).await.unwrap();
    fixture.clock.advance(DAY);
    store.want_image(id, &image_url(1)).await.unwrap();
    assert!(store.claim_images(9, LEASE).await.unwrap().is_empty(), "it is given up");
    let stored = store.listing_image(id).await.unwrap().unwrap();
    assert_eq!((stored.image, stored.is_current), (None, false));
    store.want_image(id, &image_url(2)).await.unwrap();
    assert_eq!(store.claim_images(9, LEASE).await.unwrap()[0].attempt, 1, "another URL is another picture");
}

async fn a_picture_that_is_claimed_is_not_claimed_again_until_its_lease_expires(fixture: &Fixture) {
    let store = &fixture.store;
    for n in 1..=3 {
        let id = fixture.watch(n).await.listing_id;
        store.want_image(id, &image_url(n)).await.unwrap();
        fixture.clock.advance(SECOND);
    }
    let first = store.claim_images(2, LEASE).await.unwrap();
    let second = store.claim_images(2, LEASE).await.unwrap();
    assert_eq!((first.len(), second.len()), (2, 1));
    assert!(store.claim_images(2, LEASE).await.unwrap().is_empty());
    fixture.clock.advance(LEASE + Duration::from_millis(1));
    assert_eq!(store.claim_images(9, LEASE).await.unwrap().len(), 3);
}
