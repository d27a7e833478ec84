//! Runs: started once, whatever is lost on the way, and read to the last item.

use std::time::Duration;

use amazon_tracker::config::ActorProfile;
use amazon_tracker::domain::{Block, Failure, Outcome, SourcePrice, SpendingLimits, TenantId};
use amazon_tracker::sources::apify::{ApifyClient, ApifyError};
use amazon_tracker::sources::simulated::{ApifyFault, ApifyRequest, ApifyRunEnd, Fault};
use amazon_tracker::sources::{SettleRuns, Source, Wanted};
use amazon_tracker::store::StoreClock;
use jiff::Timestamp;
use tokio::sync::mpsc::unbounded_channel;

use crate::market::{Account, RUN_TIME, crawl};

#[tokio::test(flavor = "multi_thread")]
async fn one_run_answers_many_listings() {
    for profile in [ActorProfile::AxessoProductDetails, ActorProfile::JungleeAmazonCrawler] {
        let account = Account::with_profile(profile).await;
        let outcomes = account.crawl(6).await;
        assert_eq!(outcomes.len(), 6);
        for (listing, outcome) in outcomes {
            let Outcome::Observed(seen) = outcome else { panic!("{listing}: {outcome:?}") };
            let facts = account.simulated.facts(listing);
            assert_eq!(seen.price.value().copied(), facts.price, "{listing}");
            assert_eq!(seen.list_price.value().copied(), facts.list_price, "{listing}");
            assert_eq!(seen.availability.is_out(), facts.availability.is_out(), "{listing}");
            assert_eq!(seen.rating.value(), Some(&facts.rating), "{listing}");
            assert_eq!(seen.review_count.value(), Some(&facts.review_count), "{listing}");
            let seller = facts.seller.map(|seller| seller.name(listing.marketplace));
            assert_eq!(seen.seller.value(), seller.as_ref(), "{listing}");
            let product = account.simulated.catalogue().product(listing.asin);
            assert_eq!(seen.brand.as_deref(), Some(product.brand), "{listing}");
            assert!(seen.title.is_some() && seen.image_url.is_some(), "{listing}");
            let ranks: Vec<u32> = seen.ranks.value().unwrap().iter().map(|rank| rank.rank).collect();
            assert_eq!(ranks, [facts.rank, facts.subcategory_rank], "{listing}");
        }
        assert_eq!(account.simulated.apify().inputs().len(), 1);
        assert_eq!(account.metrics.source_cost_micros.with_label_values(&["apify"]).get(), 12_000);
        account.simulated.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_start_was_not_answered_is_found_and_not_started_again() {
    let account = Account::open().await;
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::LostAnswer);
    let outcomes = account.crawl(3).await;
    assert!(outcomes.values().all(|outcome| matches!(outcome, Outcome::Observed(_))), "{outcomes:?}");
    assert_eq!(account.runs(), [account.urls(3)]);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_the_process_that_started_it() {
    let account = Account::open().await;
    account.simulated.apify().set_run_time(Duration::from_secs(2));
    let (source, listings) = (account.source(), account.listings.clone());
    let dying = tokio::spawn(async move {
        {
            let wanted: Vec<Wanted> = listings[..4].iter().copied().map(Wanted::facts_of).collect();
            source.crawl(&wanted, &unbounded_channel().0).await;
        }
    });
    while account.runs().is_empty() {
        tokio::task::yield_now().await;
    }
    dying.abort();
    // Its leases have expired: others crawl some of its listings, and one more.
    let outcomes = crawl(&account.source(), &account.listings[2..5]).await;
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.values().all(|outcome| matches!(outcome, Outcome::Observed(_))), "{outcomes:?}");
    let others = account.listings[4..5].iter().map(|listing| listing.url()).collect::<Vec<_>>();
    assert_eq!(account.runs(), [account.urls(4), others]);
    // The rest of the first run is read although it has ended: nobody has recorded what it found.
    let outcomes = crawl(&account.source(), &account.listings[..2]).await;
    assert!(outcomes.values().all(|outcome| matches!(outcome, Outcome::Observed(_))), "{outcomes:?}");
    assert_eq!(account.runs().len(), 2);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_badly_is_read_as_far_as_it_goes() {
    for end in [ApifyRunEnd::Failed, ApifyRunEnd::TimedOut, ApifyRunEnd::Aborted] {
        let account = Account::open().await;
        account.simulated.apify().end_next_run(end);
        let outcomes = account.crawl(6).await;
        let observed = outcomes.values().filter(|outcome| matches!(outcome, Outcome::Observed(_))).count();
        let missing = outcomes.values().filter(|outcome| **outcome == Outcome::Failed(Failure::NotDelivered)).count();
        assert_eq!((observed, missing), (3, 3), "{end:?}");
        account.simulated.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_fail_for_a_while_cost_nothing_but_time() {
    let account = Account::open().await;
    let apify = account.simulated.apify();
    for fault in [
        ApifyFault::Error(502, "bad-gateway"),
        ApifyFault::RateLimited(0),
        ApifyFault::Error(408, "run-timeout-exceeded"),
    ] {
        apify.fail_next(ApifyRequest::Look, fault);
    }
    apify.fail_next(ApifyRequest::Items, ApifyFault::LostAnswer);
    let outcomes = account.crawl(6).await;
    assert!(outcomes.values().all(|outcome| matches!(outcome, Outcome::Observed(_))), "{outcomes:?}");
    assert_eq!(account.runs().len(), 1);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_may_have_failed_on_the_way_is_looked_for_before_anything_else() {
    let account = Account::open().await;
    // The server failed before the run existed: nothing is found until the search is over.
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::Error(503, "unavailable"));
    let searching = tokio::time::timeout(RUN_TIME * 5, account.crawl(2)).await;
    assert!(searching.is_err(), "it is still looking");
    assert!(account.runs().is_empty(), "and has not started another");
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_let_the_source_rest_and_start_nothing() {
    for (fault, pause_secs) in [
        (ApifyFault::Error(402, "not-enough-usage-to-run-paid-actor"), 900),
        (ApifyFault::Error(403, "insufficient-permissions"), 900),
        (ApifyFault::Error(404, "actor-not-found"), 900),
        (ApifyFault::Error(400, "invalid-input"), 900),
        (ApifyFault::Error(402, "actor-memory-limit-exceeded"), 60),
        (ApifyFault::RateLimited(7), 7),
    ] {
        let account = Account::open().await;
        account.simulated.apify().fail_next(ApifyRequest::Start, fault.clone());
        let expected = Outcome::Blocked(Block::Refused { retry_after: Some(Duration::from_secs(pause_secs)) });
        let outcomes = account.crawl(2).await;
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes.values().all(|outcome| *outcome == expected), "{fault:?}: {outcomes:?}");
        assert!(account.runs().is_empty());
        // The run that was not started answers nothing: the next one is new.
        assert!(account.crawl(2).await.values().all(|outcome| matches!(outcome, Outcome::Observed(_))), "{fault:?}");
        account.simulated.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_is_stopped() {
    let mut account = Account::open().await;
    account.settings.run_timeout_secs = 0;
    account.simulated.apify().set_run_time(Duration::from_secs(3600));
    // The time that a machine may need is waited for.
    let waiting = tokio::time::timeout(RUN_TIME, account.crawl(2)).await;
    assert!(waiting.is_err());
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_inputs_are_failures_of_their_listings_alone() {
    let account = Account::open().await;
    account.simulated.fail_next(1, Fault::Captcha);
    account.simulated.set_missing(account.listings[1], true);
    let outcomes = account.crawl(3).await;
    assert_eq!(outcomes[&account.listings[0]], Outcome::Failed(Failure::NotDelivered));
    assert_eq!(outcomes[&account.listings[1]], Outcome::NotFound);
    assert!(matches!(outcomes[&account.listings[2]], Outcome::Observed(_)));
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_crawled() {
    let mut account = Account::open().await;
    account.settings.token = None;
    let outcomes = account.crawl(1).await;
    assert!(matches!(outcomes[&account.listings[0]], Outcome::Blocked(Block::Refused { .. })), "{outcomes:?}");
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_valid_is_noticed_without_starting_a_run() {
    let account = Account::open().await;
    let client = ApifyClient::new(account.settings.clone()).unwrap();
    client.check().await.unwrap();
    let refusal = ApifyFault::Error(401, "user-or-token-not-found");
    account.simulated.apify().fail_next(ApifyRequest::Look, refusal);
    assert!(matches!(client.check().await, Err(ApifyError::Refused { status: 401, .. })));
    assert!(account.runs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_follows_is_stopped_and_its_cost_settled() {
    let clock = StoreClock::manual(Timestamp::now());
    let account = Account::with(ActorProfile::AxessoProductDetails, clock.clone()).await;
    account.simulated.apify().set_run_time(Duration::from_secs(3600));
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::LostAnswer);
    let source = account.source();
    let listing = account.listings[0];
    let dying = tokio::spawn(async move {
        source.crawl(&[Wanted::facts_of(listing)], &unbounded_channel().0).await;
    });
    while account.runs().is_empty() {
        tokio::task::yield_now().await;
    }
    dying.abort();
    let source = account.source();
    assert_eq!(source.settle_unfollowed().await, 0, "somebody may follow it");
    clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(source.settle_unfollowed().await, 0, "it is found by its input, and stopped");
    assert_eq!(source.settle_unfollowed().await, 1);
    assert_eq!(source.settle_unfollowed().await, 0, "once");
    assert!(account.metrics.source_cost_micros.with_label_values(&["apify"]).get() > 0);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_never_started_is_settled_as_lost() {
    let clock = StoreClock::manual(Timestamp::now());
    let mut account = Account::with(ActorProfile::AxessoProductDetails, clock.clone()).await;
    account.budget.price = SourcePrice::from_usd(0.5, 0.0);
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::Error(503, "unavailable"));
    assert!(tokio::time::timeout(RUN_TIME, account.crawl(1)).await.is_err(), "it is looked for");
    clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(account.source().settle_unfollowed().await, 1);
    let spending = account.store.spending(TenantId::BUILT_IN).await.unwrap();
    assert_eq!((spending.spent.day_micros, account.runs().len()), (0, 0));
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_money_for_is_not_crawled_and_the_end_of_a_run_settles_its_cost() {
    let mut account = Account::open().await;
    account.budget.price = SourcePrice::from_usd(0.5, 0.0);
    account.budget.other_plans = SpendingLimits::from_usd(Some(2.6), None);
    account.budget.requested_percent = 20;
    let outcomes = account.crawl(6).await;
    let observed = outcomes.values().filter(|outcome| matches!(outcome, Outcome::Observed(_))).count();
    let refused = outcomes.values().filter(|outcome| **outcome == Outcome::Failed(Failure::OverBudget)).count();
    assert_eq!((observed, refused), (4, 2), "a fifth of 2.60 is kept for requested crawls");
    assert_eq!(account.runs().len(), 1);
    let refusals = account.metrics.budget_refusals.with_label_values(&["apify", "tenant"]).get();
    assert_eq!(refusals, 2);
    let spending = account.store.spending(TenantId::BUILT_IN).await.unwrap();
    let of_apify = &spending.sources[0];
    let paid = account.metrics.source_cost_micros.with_label_values(&["apify"]).get();
    assert_eq!((of_apify.settled_micros, of_apify.reserved_micros, of_apify.listings), (paid, 0, 4));
    assert!(paid > 0 && paid < 2_000_000, "the account of the run counts, not what was reserved: {paid}");
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_without_money_starts_no_run_and_the_source_rests() {
    let mut account = Account::open().await;
    account.budget.price = SourcePrice::from_usd(0.5, 0.0);
    account.budget.installation = SpendingLimits::from_usd(Some(0.1), None);
    let outcomes = account.crawl(2).await;
    let rests = |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Refused { retry_after: Some(_) }));
    assert!(outcomes.len() == 2 && outcomes.values().all(rests), "{outcomes:?}");
    assert!(account.runs().is_empty());
    account.simulated.stop().await;
}
