//! The direct source on the simulated marketplace: the observations match the facts on every marketplace.

use std::sync::Arc;

use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::{
    Availability, Block, Failure, Fulfillment, Listing, Marketplace, Money, OfferCondition, Outcome, Reading,
};
use amazon_tracker::sources::Wanted;
use amazon_tracker::sources::direct::DirectSource;
use amazon_tracker::sources::simulated::{Fault, Simulated, SimulatedSettings};
use amazon_tracker::telemetry::Metrics;

async fn marketplace() -> (Simulated, DirectSource) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let simulated = Simulated::start(SimulatedSettings::default(), socket).await.unwrap();
    let base_url = Some(format!("http://{}", simulated.addr()).parse().unwrap());
    let settings = CrawlSettings { base_url, ..CrawlSettings::default() };
    let source = DirectSource::new(settings, Arc::new(Metrics::new())).unwrap();
    (simulated, source)
}

fn first_listing(simulated: &Simulated, marketplace: Marketplace) -> Listing {
    Listing::new(marketplace, simulated.catalogue().products(1).next().unwrap().asin)
}

#[tokio::test(flavor = "multi_thread")]
async fn observations_match_the_facts_on_every_marketplace() {
    let (simulated, source) = marketplace().await;
    let mut wrong = Vec::new();
    for &marketplace in Marketplace::ALL {
        for product in simulated.catalogue().products(12) {
            let listing = Listing::new(marketplace, product.asin);
            let facts = simulated.facts(listing);
            let outcome = source.fetch(Wanted::facts_of(listing)).await;
            let Outcome::Observed(observation) = outcome else {
                wrong.push(format!("{listing}: {}", outcome.as_str()));
                continue;
            };
            let price = facts.price.map_or(Reading::Absent, Reading::Is);
            if observation.price != price {
                wrong.push(format!("{listing}: price {:?}, not {price:?}", observation.price));
            }
            if observation.availability.is_out() != facts.availability.is_out() {
                wrong.push(format!("{listing}: {:?}, not {:?}", observation.availability, facts.availability));
            }
            if observation.rating.value() != Some(&facts.rating)
                || observation.review_count.value() != Some(&facts.review_count)
            {
                wrong.push(format!("{listing}: {:?} stars by {:?}", observation.rating, observation.review_count));
            }
        }
    }
    simulated.stop().await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_an_outcome_and_never_data() {
    let (simulated, source) = marketplace().await;
    let listing = first_listing(&simulated, Marketplace::De);
    simulated.fail_next(1, Fault::Captcha);
    assert_eq!(source.fetch(Wanted::facts_of(listing)).await, Outcome::Blocked(Block::Captcha));
    simulated.fail_next(1, Fault::Unavailable);
    assert!(matches!(source.fetch(Wanted::facts_of(listing)).await, Outcome::Blocked(Block::Throttled { .. })));
    simulated.fail_next(1, Fault::Truncated);
    // If all facts come before the end of the truncated body, the page settles; then they must be correct.
    match source.fetch(Wanted::facts_of(listing)).await {
        Outcome::Observed(observation) => {
            assert_eq!(observation.price.value().copied(), simulated.facts(listing).price)
        }
        outcome => assert_eq!(outcome, Outcome::Failed(Failure::Truncated)),
    }
    simulated.set_missing(listing, true);
    assert_eq!(source.fetch(Wanted::facts_of(listing)).await, Outcome::NotFound);
    simulated.set_missing(listing, false);
    simulated.set_availability(listing, Availability::Unavailable);
    let Outcome::Observed(observation) = source.fetch(Wanted::facts_of(listing)).await else { panic!("not a page") };
    assert_eq!((observation.price, observation.availability), (Reading::Absent, Availability::Unavailable));
    simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_or_slow_marketplace_is_a_failure_with_its_cause() {
    let (simulated, source) = marketplace().await;
    let listing = first_listing(&simulated, Marketplace::Us);
    let base_url = Some(format!("http://{}", simulated.addr()).parse().unwrap());
    let hasty = CrawlSettings { base_url, total_timeout_secs: 1, ..CrawlSettings::default() };
    let hasty = DirectSource::new(hasty, Arc::new(Metrics::new())).unwrap();
    simulated.fail_next(1, Fault::Slow);
    assert_eq!(hasty.fetch(Wanted::facts_of(listing)).await, Outcome::Failed(Failure::Timeout));
    let tiny = CrawlSettings {
        base_url: Some(format!("http://{}", simulated.addr()).parse().unwrap()),
        max_body_bytes: 1000,
        ..CrawlSettings::default()
    };
    let tiny = DirectSource::new(tiny, Arc::new(Metrics::new())).unwrap();
    assert_eq!(tiny.fetch(Wanted::facts_of(listing)).await, Outcome::Failed(Failure::TooLarge));
    simulated.stop().await;
    assert_eq!(source.fetch(Wanted::facts_of(listing)).await, Outcome::Failed(Failure::Connect));
}

#[tokio::test(flavor = "multi_thread")]
async fn offer_lists_are_read_with_every_seller_on_every_marketplace() {
    let (simulated, source) = marketplace().await;
    simulated.advance(3);
    let mut sellers = 0;
    for &marketplace in Marketplace::ALL {
        for product in simulated.catalogue().products(4) {
            let listing = Listing::new(marketplace, product.asin);
            let expected = simulated.offers(listing);
            let outcome = source.fetch(Wanted { listing, offers: true, ..Wanted::facts_of(listing) }).await;
            let Outcome::Observed(observation) = outcome else { panic!("{listing}: {}", outcome.as_str()) };
            let list = observation.offers.expect("they were asked for");
            assert!(list.is_complete, "{listing}");
            assert_eq!(list.offers.len(), expected.len(), "{listing}: {:?}", list.offers);
            for (n, (offer, shown)) in list.offers.iter().zip(&expected).enumerate() {
                let condition = if shown.is_used { OfferCondition::Used } else { OfferCondition::New };
                let shipping = match shown.shipping_minor {
                    0 => Reading::Absent,
                    minor => Reading::Is(Money::new(minor, shown.price.currency)),
                };
                let by = if shown.by_amazon { Fulfillment::Amazon } else { Fulfillment::Merchant };
                assert_eq!((offer.price, offer.condition), (shown.price, condition), "{listing} {n}");
                assert_eq!((&offer.shipping, offer.fulfilled_by), (&shipping, by), "{listing} {n}");
                assert_eq!(offer.seller, Some(shown.seller.name(marketplace)), "{listing} {n}");
                let id = Some(shown.seller.id(marketplace)).filter(|id| !id.is_empty());
                assert_eq!(offer.seller_id.as_ref().map(ToString::to_string), id, "{listing} {n}");
                assert_eq!(offer.is_featured, n == 0);
                sellers += 1;
            }
            // The page names the same seller of the featured offer.
            let featured = list.offers.first().and_then(|offer| offer.seller_id.as_ref());
            assert_eq!(observation.seller_id.value(), featured, "{listing}");
        }
    }
    assert!(sellers > 300, "{sellers}");
    simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_are_refused_leave_the_product_page_as_it_is() {
    let (simulated, source) = marketplace().await;
    let listing = first_listing(&simulated, Marketplace::De);
    for fault in [Fault::Captcha, Fault::Unavailable, Fault::Truncated] {
        simulated.fail_offers(1, fault);
        let Outcome::Observed(seen) = source.fetch(Wanted { listing, offers: true, ..Wanted::facts_of(listing) }).await
        else {
            panic!("the page was there: {fault:?}")
        };
        assert_eq!((seen.offers, seen.price.value().copied()), (None, simulated.facts(listing).price), "{fault:?}");
    }
    simulated.stop().await;
}
