//! Products with an adaptive frequency: what claims and products say of their interval.

use amazon_tracker::domain::*;
use amazon_tracker::store::{ItemsEnd, NewProduct, Next, ProductPatch};

use crate::fixture::*;

on_both_engines! {
    an_adaptive_product_is_stored_and_changed_as_such,
    an_adaptive_product_is_crawled_at_its_average_interval_until_there_is_an_allocation,
    the_allocation_shortens_the_interval_of_a_volatile_listing_and_lengthens_that_of_a_quiet_one,
    of_several_tenants_the_shortest_interval_counts,
    the_budget_has_the_active_adaptive_products_of_the_tenant,
    a_product_that_becomes_fixed_is_due_within_its_interval,
    a_clock_that_was_set_back_leaves_the_longest_interval,
}

const BOUNDS: IntervalBounds = IntervalBounds { min: Interval::HOURLY, max: Interval::WEEKLY };

fn adaptive(tenant_id: TenantId, n: u32) -> NewProduct {
    let mut product = new_product(tenant_id, n);
    product.settings.frequency = "adaptive".parse().unwrap();
    product
}

/// The claims of all listings, crawled hourly for two days; of the given ones, the price changed each time.
async fn crawl_hourly(fixture: &Fixture, volatile: &[u32]) {
    for hour in 0..48 {
        for claim in fixture.claim(100).await {
            let is_volatile = volatile.iter().any(|n| claim.listing.asin == asin(*n));
            let mut commit = seen(&claim, if is_volatile { 1000 + hour } else { 1000 }, fixture.now().await);
            let state = commit.state.as_mut().unwrap();
            let now = fixture.now().await;
            let rate = claim
                .state
                .change_rate
                .map_or_else(|| ChangeRate::prior(now), |rate| rate.after_crawl(now, is_volatile));
            state.change_rate = Some(rate);
            commit.next = Next::Due(HOUR);
            assert!(fixture.commit(commit).await);
        }
        fixture.clock.advance(HOUR);
    }
}

async fn allocate(fixture: &Fixture, tenant_id: TenantId) -> CrawlAllocation {
    let allocation = fixture.store.crawl_budget(tenant_id, BOUNDS).await.unwrap().allocation().unwrap();
    fixture.store.set_crawl_allocation(tenant_id, Some(allocation)).await.unwrap();
    allocation
}

async fn an_adaptive_product_is_stored_and_changed_as_such(fixture: &Fixture) {
    let mut new = adaptive(US, 1);
    new.settings.frequency = "adaptive:6h".parse().unwrap();
    let product = fixture.store.add_product(new).await.unwrap();
    assert_eq!(product.settings.frequency.to_string(), "adaptive:6h");
    assert_eq!(product.interval, "6h".parse().unwrap());
    assert_eq!(
        fixture.number("SELECT CAST(interval_secs AS bigint) FROM product").await,
        21_600,
        "for earlier versions"
    );
    for frequency in ["6h", "adaptive", "adaptive:2d"] {
        let patch = ProductPatch { frequency: Some(frequency.parse().unwrap()), ..ProductPatch::default() };
        fixture.store.update_product(US, product.id, &patch).await.unwrap();
        let product = fixture.store.product(US, product.id).await.unwrap();
        assert_eq!(product.settings.frequency.to_string(), frequency);
    }
}

async fn an_adaptive_product_is_crawled_at_its_average_interval_until_there_is_an_allocation(fixture: &Fixture) {
    fixture.store.add_product(adaptive(US, 1)).await.unwrap();
    let claim = fixture.claim_one().await;
    assert_eq!(claim.interval(), Some(Interval::DAILY));
    assert_eq!(claim.demand.adaptive, [AdaptiveDemand { average: Interval::DAILY, allocation: None }]);
    assert_eq!(fixture.store.crawl_budget(US, BOUNDS).await.unwrap().allocation(), None, "no rate is known");
    fixture.store.set_crawl_allocation(US, None).await.unwrap();
    fixture.store.release(&[(claim.listing_id, claim.token)]).await.unwrap();
    assert_eq!(fixture.claim_one().await.interval(), Some(Interval::DAILY));
}

async fn the_allocation_shortens_the_interval_of_a_volatile_listing_and_lengthens_that_of_a_quiet_one(
    fixture: &Fixture,
) {
    let mut products = Vec::new();
    for n in 0..5 {
        products.push(fixture.store.add_product(adaptive(US, n)).await.unwrap().id);
    }
    crawl_hourly(fixture, &[0]).await;
    let allocation = allocate(fixture, US).await;
    let mut crawls_per_day = 0.0;
    for (n, id) in products.iter().enumerate() {
        let product = fixture.store.product(US, *id).await.unwrap();
        assert_eq!(product.interval, allocation.interval(product.state.change_rate.unwrap(), Interval::DAILY));
        assert_eq!(product.interval < Interval::DAILY, n == 0, "{n}: {}", product.interval);
        crawls_per_day += 86_400.0 / f64::from(product.interval.as_secs());
    }
    assert!((crawls_per_day - 5.0).abs() < 0.1, "{crawls_per_day}");
    for claim in fixture.claim(10).await {
        let product = fixture.store.product(US, products[(claim.listing.asin != asin(0)) as usize]).await.unwrap();
        assert_eq!(claim.interval(), Some(product.interval));
    }
}

async fn of_several_tenants_the_shortest_interval_counts(fixture: &Fixture) {
    fixture.add_tenant().await;
    for n in [1, 2] {
        fixture.store.add_product(adaptive(US, n)).await.unwrap();
    }
    let fixed = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    fixture.store.add_product(adaptive(THEM, 2)).await.unwrap();
    crawl_hourly(fixture, &[1]).await;
    let ours = allocate(fixture, US).await;
    // All of their budget is for the quiet listing.
    let theirs = allocate(fixture, THEM).await;
    let claims = fixture.claim(10).await;
    let claim = |n| claims.iter().find(|claim| claim.listing.asin == asin(n)).unwrap();
    let interval =
        |allocation: CrawlAllocation, n| allocation.interval(claim(n).state.change_rate.unwrap(), Interval::DAILY);
    assert!(interval(ours, 1) < Interval::DAILY && interval(ours, 2) > Interval::DAILY);
    assert_eq!(claim(1).interval(), Some(interval(ours, 1)));
    assert_eq!(claim(2).interval(), Some(interval(theirs, 2)));
    assert_eq!((claim(1).demand.fixed, claim(2).demand.fixed), (Some(Interval::DAILY), None));
    let hourly = ProductPatch { frequency: Some(Frequency::HOURLY), ..ProductPatch::default() };
    fixture.store.update_product(THEM, fixed.id, &hourly).await.unwrap();
    fixture.store.release(&[(claim(1).listing_id, claim(1).token)]).await.unwrap();
    assert_eq!(fixture.claim_one().await.interval(), Some(Interval::HOURLY));
}

async fn the_budget_has_the_active_adaptive_products_of_the_tenant(fixture: &Fixture) {
    fixture.add_tenant().await;
    let mut products = Vec::new();
    for n in 0..4 {
        products.push(fixture.store.add_product(adaptive(US, n)).await.unwrap().id);
    }
    fixture.store.add_product(new_product(THEM, 0)).await.unwrap();
    crawl_hourly(fixture, &[0]).await;
    let tenants = async || fixture.store.tenants_with_adaptive_products().await.unwrap();
    let tenant = fixture.store.tenant(US).await.unwrap();
    assert_eq!(tenants().await, [(US, tenant.plan)]);
    let all = allocate(fixture, US).await;
    // Without the volatile one, the others have all crawls.
    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    fixture.store.update_product(US, products[0], &pause).await.unwrap();
    let rest = allocate(fixture, US).await;
    let product = fixture.store.product(US, products[1]).await.unwrap();
    let interval =
        |allocation: CrawlAllocation| allocation.interval(product.state.change_rate.unwrap(), Interval::DAILY);
    assert!(interval(all) > interval(rest), "{} {}", interval(all), interval(rest));
    for id in products {
        fixture.store.remove_product(US, id, None).await.unwrap();
    }
    assert!(tenants().await.is_empty());
}

async fn a_product_that_becomes_fixed_is_due_within_its_interval(fixture: &Fixture) {
    let product = fixture.store.add_product(adaptive(US, 1)).await.unwrap();
    let claim = fixture.claim_one().await;
    let mut commit = seen(&claim, 1000, fixture.now().await);
    commit.next = Next::Due(5 * DAY);
    commit.job_items = ItemsEnd::Done;
    assert!(fixture.commit(commit).await);
    let daily = ProductPatch { frequency: Some(Frequency::DAILY), ..ProductPatch::default() };
    fixture.store.update_product(US, product.id, &daily).await.unwrap();
    fixture.clock.advance(DAY);
    fixture.claim_one().await;
}

async fn a_clock_that_was_set_back_leaves_the_longest_interval(fixture: &Fixture) {
    fixture.store.add_product(adaptive(US, 1)).await.unwrap();
    let claim = fixture.claim_one().await;
    let mut commit = seen(&claim, 1000, fixture.now().await);
    commit.next = Next::Due(6 * DAY);
    assert!(fixture.commit(commit).await);
    let allocation = CrawlAllocation { marginal_gain: 1.0, min_interval_secs: 3600, max_interval_secs: 604_800 };
    fixture.store.set_crawl_allocation(US, Some(allocation)).await.unwrap();
    assert_eq!(fixture.store.clamp_due_times().await.unwrap(), 0);
    fixture.execute("UPDATE lease SET ready_at = ready_at + 432000000").await;
    assert_eq!(fixture.store.clamp_due_times().await.unwrap(), 1, "eleven days ahead");
}
