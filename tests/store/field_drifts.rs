//! The record of fields that pages lack more often than usual.

use amazon_tracker::domain::{FieldCount, FieldDrift, Marketplace};
use jiff::Timestamp;

use crate::fixture::*;

on_both_engines! {
    a_drift_is_recorded_followed_and_ended,
}

pub fn drift(field: &str, started_at: Timestamp) -> FieldDrift {
    FieldDrift {
        source: "direct".to_owned(),
        marketplace: Marketplace::De,
        field: field.to_owned(),
        started_at,
        ended_at: None,
        usual: FieldCount { pages: 1000, missing: 10 },
        recent: FieldCount { pages: 40, missing: 30 },
    }
}

async fn a_drift_is_recorded_followed_and_ended(fixture: &Fixture) {
    let store = &fixture.store;
    let begin = fixture.now().await;
    let (price, rating) = (drift("price", begin), drift("rating", begin));
    store.record_field_drift(&price).await.unwrap();
    store.record_field_drift(&rating).await.unwrap();
    fixture.clock.advance(HOUR);
    let later = fixture.now().await;
    let followed = FieldDrift { recent: FieldCount { pages: 80, missing: 70 }, ..price };
    let ended = FieldDrift { ended_at: Some(later), ..rating };
    store.record_field_drift(&followed).await.unwrap();
    store.record_field_drift(&ended).await.unwrap();
    assert_eq!(store.field_drifts(later).await.unwrap(), [followed.clone(), ended]);
    assert_eq!(store.field_drifts(Timestamp::MAX).await.unwrap(), std::slice::from_ref(&followed));
    // A second time.
    let again = drift("rating", later);
    store.record_field_drift(&again).await.unwrap();
    assert_eq!(store.field_drifts(Timestamp::MAX).await.unwrap(), [again, followed]);
}
