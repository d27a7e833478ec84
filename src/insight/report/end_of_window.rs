//! Offers and ranks as they were at the end of a window.

use super::reported::ReportedProduct;
use crate::domain::rule::is_comparable;
use crate::domain::steps::{Span, Window};
use crate::domain::{Rank, Series, SeriesKey};
use crate::insight::{Compared, Peer};

/// A product as it is compared at the end of a window.
pub(super) fn compared_at_end(reported: &ReportedProduct<'_>, window: Window) -> Compared {
    Compared {
        peer: peer_at_end(reported, window),
        ranks: ranks_at_end(reported, window),
        history: reported.history.clone(),
    }
}

/// The offer at the end: the current one, unless the window lies in the past.
fn peer_at_end(reported: &ReportedProduct<'_>, window: Window) -> Peer {
    let now = Peer::from(reported.product);
    if window.to >= reported.history.now() {
        return now;
    }
    let last = |series: Series| reported.numbers(&series.into(), window).last().copied();
    let Some(price) = last(Series::Price) else {
        return Peer { price_minor: None, shipping_minor: None, as_of: None, ..now };
    };
    // The last page that stated the price, if that was before the end: history only tells that nothing else was read.
    let as_of = now.as_of.map_or(price.to, |as_of| as_of.min(price.to));
    let shipping = last(Series::Shipping).filter(|shipping: &Span<i64>| shipping.to == price.to);
    Peer { price_minor: price.value, shipping_minor: shipping.and_then(|span| span.value), as_of: Some(as_of), ..now }
}

fn ranks_at_end(reported: &ReportedProduct<'_>, window: Window) -> Vec<Rank> {
    let rank = |key: SeriesKey| {
        let last = reported.numbers(&key, window).last().copied()?;
        let is_current = is_comparable(Some(last.to), reported.product.interval, window.to);
        let rank = u32::try_from(last.value.filter(|_| is_current)?).ok()?;
        Some(Rank { rank, category: key.category })
    };
    reported.history.rank_keys().into_iter().filter_map(rank).collect()
}
