//! Runs of paid sources: no listing is in two at a time.

use amazon_tracker::domain::{
    Block, BudgetOwner, Failure, JobSpec, JobStep, Listing, Marketplace, OpenedListRun, OpenedRuns, Outcome,
    OverBudget, RunBudget, RunEnd, RunRequest, SourcePrice, SourceRun, SpendingLimits, TenantId,
};
use amazon_tracker::store::{Commit, FeedItem, NewJob, Next, StoreError};

use jiff::Timestamp;
use uuid::Uuid;

use crate::fixture::*;

on_both_engines! {
    a_run_is_recorded_once_and_found_until_its_listings_are_answered,
    a_run_that_is_lost_or_too_old_answers_nothing,
    a_run_whose_source_does_not_answer_is_followed_again,
    only_the_first_end_of_a_run_counts,
    listings_that_are_not_known_are_left_out,
    what_a_run_costs_is_reserved_and_settled_to_the_last_millionth,
    tenants_share_the_cost_of_a_listing_and_stop_at_their_limits,
    a_run_for_a_job_is_one_and_paid_by_its_tenant,
    runs_whose_end_was_not_recorded_are_found_once_they_are_old,
    the_installation_keeps_a_part_of_its_budget_for_requested_crawls,
    a_run_that_is_lost_costs_nothing_and_one_of_unknown_cost_what_was_reserved,
    two_reservations_at_the_same_time_see_one_another,
}

fn ended(cost_micros: u64) -> RunEnd {
    RunEnd::Ended { cost_micros: Some(cost_micros) }
}

fn listing(n: u32) -> Listing {
    Listing::new(Marketplace::De, asin(n))
}

/// Scheduled crawls of these listings.
pub fn requests(listings: &[Listing]) -> Vec<RunRequest> {
    listings.iter().map(|listing| RunRequest { listing: *listing, is_requested: false }).collect()
}

async fn open(fixture: &Fixture, listings: std::ops::Range<u32>) -> Vec<SourceRun> {
    let listings: Vec<_> = listings.map(listing).collect();
    fixture.store.open_runs("apify", &requests(&listings), HOUR, &RunBudget::default()).await.unwrap().runs
}

async fn watch(fixture: &Fixture, count: u32) {
    for n in 0..count {
        fixture.watch(n).await;
    }
}

fn sorted(mut listings: Vec<Listing>) -> Vec<Listing> {
    listings.sort();
    listings
}

async fn a_run_is_recorded_once_and_found_until_its_listings_are_answered(fixture: &Fixture) {
    watch(fixture, 4).await;
    let first = open(fixture, 0..3).await.remove(0);
    assert!(first.is_new && first.external_id.is_none());
    assert_eq!(sorted(first.wanted), [listing(0), listing(1), listing(2)]);
    fixture.store.run_started(first.id, "run 1").await.unwrap();
    // Another replica, with some of its listings and one more.
    let mut runs = open(fixture, 1..4).await;
    runs.sort_by_key(|run| run.is_new);
    assert_eq!((runs[0].id, runs[0].is_new, runs[0].external_id.as_deref()), (first.id, false, Some("run 1")));
    assert_eq!(runs[0].opened_at, first.opened_at);
    assert_eq!(sorted(runs[0].listings.clone()), [listing(0), listing(1), listing(2)]);
    assert_eq!(sorted(runs[0].wanted.clone()), [listing(1), listing(2)]);
    assert_eq!((runs[1].is_new, &runs[1].wanted), (true, &vec![listing(3)]));
    // It goes on answering after its end, until the crawl of the listing is recorded.
    fixture.store.run_ended(first.id, ended(1_500)).await.unwrap();
    fixture.clock.advance(SECOND);
    let claims = fixture.claim(4).await;
    let claim = claims.iter().find(|claim| claim.listing == listing(0)).unwrap();
    assert!(fixture.commit(seen(claim, 500, fixture.now().await)).await);
    let mut runs = open(fixture, 0..2).await;
    runs.sort_by_key(|run| run.is_new);
    assert_eq!((runs[0].id, &runs[0].wanted), (first.id, &vec![listing(1)]));
    assert_eq!((runs[1].is_new, &runs[1].wanted), (true, &vec![listing(0)]));
    let other = {
        let budget = RunBudget::default();
        fixture.store.open_runs("another source", &requests(&[listing(1)]), HOUR, &budget).await.unwrap().runs
    };
    assert!(other[0].is_new);
}

async fn a_run_that_is_lost_or_too_old_answers_nothing(fixture: &Fixture) {
    watch(fixture, 2).await;
    let lost = open(fixture, 0..1).await.remove(0);
    fixture.store.run_ended(lost.id, RunEnd::Lost).await.unwrap();
    let next = open(fixture, 0..1).await.remove(0);
    assert!(next.is_new && next.id != lost.id);
    fixture.clock.advance(HOUR);
    assert!(open(fixture, 0..1).await[0].is_new);
}

async fn a_run_whose_source_does_not_answer_is_followed_again(fixture: &Fixture) {
    watch(fixture, 1).await;
    let run = open(fixture, 0..1).await.remove(0);
    for silence in [Outcome::Failed(Failure::Connect), Outcome::Blocked(Block::Refused { retry_after: None })] {
        fixture.clock.advance(SECOND);
        let claim = fixture.claim_one().await;
        let (outcome, next) = (Some(silence.as_str()), Next::Postponed(SECOND));
        let silent = Commit { outcome, next, points: Vec::new(), ..seen(&claim, 1, fixture.now().await) };
        assert!(fixture.commit(silent).await);
        assert_eq!(open(fixture, 0..1).await[0].id, run.id, "{silence:?}");
    }
    fixture.store.run_ended(run.id, RunEnd::Ended { cost_micros: None }).await.unwrap();
    assert!(open(fixture, 0..1).await[0].is_new, "what it had to say was read");
}

async fn only_the_first_end_of_a_run_counts(fixture: &Fixture) {
    watch(fixture, 2).await;
    let run = open(fixture, 0..1).await.remove(0);
    assert!(fixture.store.run_started(run.id, "first").await.unwrap());
    assert!(!fixture.store.run_started(run.id, "second").await.unwrap());
    let other = open(fixture, 1..2).await.remove(0);
    assert!(!fixture.store.run_started(other.id, "first").await.unwrap(), "it belongs to the first record");
    assert!(fixture.store.ids_of_other_runs(run.id, Timestamp::UNIX_EPOCH).await.unwrap().is_empty(), "its own");
    let others = fixture.store.ids_of_other_runs(Uuid::nil(), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(others, ["first".to_owned()].into());
    assert!(fixture.store.run_ended(run.id, ended(7)).await.unwrap());
    assert!(!fixture.store.run_ended(run.id, RunEnd::Lost).await.unwrap());
    assert_eq!(fixture.number("SELECT CAST(sum(cost_micros) AS bigint) FROM source_run").await, 7);
    assert_eq!(open(fixture, 0..1).await[0].external_id.as_deref(), Some("first"));
}

async fn listings_that_are_not_known_are_left_out(fixture: &Fixture) {
    watch(fixture, 1).await;
    let runs = open(fixture, 0..3).await;
    assert_eq!((runs.len(), &runs[0].wanted), (1, &vec![listing(0)]));
    assert!(open(fixture, 7..9).await.is_empty());
}

/// A millionth of a dollar for each listing would be too easy to share.
const ITEM_MICROS: u64 = 5_003;

fn budget(installation: Option<u64>, free_plan: Option<u64>) -> RunBudget {
    let limits = |day_micros| SpendingLimits { day_micros, month_micros: None };
    RunBudget {
        price: SourcePrice { item_micros: ITEM_MICROS, run_micros: 0 },
        installation: limits(installation),
        plans: [("free".to_owned(), limits(free_plan))].into(),
        other_plans: SpendingLimits::default(),
        requested_percent: 20,
    }
}

async fn open_paid(
    fixture: &Fixture,
    numbers: std::ops::Range<u32>,
    is_requested: bool,
    budget: &RunBudget,
) -> OpenedRuns {
    let requests: Vec<RunRequest> = numbers.map(|n| RunRequest { listing: listing(n), is_requested }).collect();
    fixture.store.open_runs("apify", &requests, HOUR, budget).await.unwrap()
}

async fn spent(fixture: &Fixture, tenant_id: TenantId) -> u64 {
    let spending = fixture.store.spending(tenant_id).await.unwrap();
    let of_sources: u64 = spending.sources.iter().map(|source| source.settled_micros + source.reserved_micros).sum();
    assert_eq!((spending.spent.day_micros, spending.spent.month_micros), (of_sources, of_sources));
    of_sources
}

async fn what_a_run_costs_is_reserved_and_settled_to_the_last_millionth(fixture: &Fixture) {
    watch(fixture, 3).await;
    fixture.add_tenant().await;
    fixture.store.add_product(new_product(THEM, 0)).await.unwrap();
    let opened = open_paid(fixture, 0..3, false, &budget(None, None)).await;
    assert_eq!((opened.runs.len(), opened.refused.len()), (1, 0));
    assert_eq!(spent(fixture, US).await + spent(fixture, THEM).await, 3 * ITEM_MICROS);
    fixture.store.run_ended(opened.runs[0].id, ended(10_000)).await.unwrap();
    // The second end of a run does not count.
    fixture.store.run_ended(opened.runs[0].id, ended(99)).await.unwrap();
    let (ours, theirs) = (spent(fixture, US).await, spent(fixture, THEM).await);
    assert_eq!(ours + theirs, 10_000);
    assert!((8_332..=8_335).contains(&ours), "five of six parts: {ours}");
    let spending = fixture.store.spending(US).await.unwrap();
    assert_eq!((spending.sources[0].listings, spending.sources[0].reserved_micros), (3, 0));
    fixture.clock.advance(DAY);
    let spending = fixture.store.spending(US).await.unwrap();
    assert_eq!(spending.spent.day_micros, 0, "another day");
    assert!(spending.day_ends_at > fixture.now().await);
}

async fn tenants_share_the_cost_of_a_listing_and_stop_at_their_limits(fixture: &Fixture) {
    fixture.add_tenant().await;
    fixture.execute("UPDATE tenant SET plan = 'free'").await;
    for n in 0..3 {
        fixture.store.add_product(new_product(THEM, n)).await.unwrap();
    }
    let budget = budget(None, Some(2 * ITEM_MICROS));
    let opened = open_paid(fixture, 0..3, true, &budget).await;
    assert_eq!(opened.runs[0].wanted.len(), 2);
    assert_eq!(opened.refused, [(listing(2), OverBudget::Tenants)]);
    let told = |opened: &OpenedRuns| opened.refusals.iter().map(|it| (it.tenant_id, it.owner)).collect::<Vec<_>>();
    assert_eq!(told(&opened), [(THEM, BudgetOwner::Tenant)]);
    let again = open_paid(fixture, 2..3, true, &budget).await;
    assert_eq!((again.refused.len(), told(&again)), (1, Vec::new()), "a tenant is told once a day");
    let feed = fixture.store.feed_since(THEM, opened.refusals[0].at, 10).await.unwrap();
    assert!(feed.contains(&FeedItem::Budget(opened.refusals[0].clone())), "{feed:?}");
    assert_eq!(spent(fixture, THEM).await, 2 * ITEM_MICROS);
    // What has a run already costs nothing more.
    assert_eq!(open_paid(fixture, 0..2, true, &budget).await.refused, []);
    fixture.clock.advance(DAY);
    assert_eq!(open_paid(fixture, 2..3, true, &budget).await.refused, []);
}

async fn a_run_for_a_job_is_one_and_paid_by_its_tenant(fixture: &Fixture) {
    let new = NewJob {
        tenant_id: US,
        spec: JobSpec::Category { url: String::new(), pages: 1, add: None },
        created_by: "system".to_owned(),
        inputs: Vec::new(),
        is_receiving: false,
        quota: 9,
    };
    let job = fixture.store.create_job(new).await.unwrap().id;
    let token = fixture.store.claim_jobs(1, LEASE, "test", Some(job)).await.unwrap()[0].lease.token;
    let step = JobStep { tenant_id: US, job_id: job, token };
    let open = async |budget: &RunBudget| fixture.store.open_list_run("apify", step, 10, budget).await.unwrap();
    let stale = JobStep { token: token - 1, ..step };
    let refused = fixture.store.open_list_run("apify", stale, 10, &budget(None, None)).await;
    assert!(matches!(refused, Err(StoreError::NotFound("job"))), "{refused:?}");
    let short = budget(Some(9 * ITEM_MICROS), None);
    assert!(matches!(open(&short).await, OpenedListRun::Refused { refusals, .. } if refusals.is_empty()));
    let broke = budget(Some(ITEM_MICROS), None);
    let OpenedListRun::Refused { why, refusals } = open(&broke).await else { panic!("there is no money") };
    assert_eq!((why, refusals.len()), (OverBudget::Exhausted, 1));
    let rich = budget(None, None);
    let (OpenedListRun::Run(first), OpenedListRun::Run(again)) = tokio::join!(open(&rich), open(&rich)) else {
        panic!("there is money")
    };
    assert_eq!((first.id, first.is_new != again.is_new), (again.id, true));
    assert_eq!(spent(fixture, US).await, 10 * ITEM_MICROS);
    fixture.store.run_ended(first.id, RunEnd::Lost).await.unwrap();
    let OpenedListRun::Run(next) = open(&rich).await else { panic!("there is money") };
    assert_ne!(next.id, first.id, "a lost run answers nothing");
    fixture.store.run_ended(next.id, ended(77)).await.unwrap();
    let OpenedListRun::Run(read_again) = open(&rich).await else { panic!("it is paid for") };
    assert_eq!((read_again.id, spent(fixture, US).await), (next.id, 77));
}

async fn runs_whose_end_was_not_recorded_are_found_once_they_are_old(fixture: &Fixture) {
    watch(fixture, 2).await;
    let run = open(fixture, 0..2).await.remove(0);
    assert_eq!(fixture.store.unfollowed_runs(HOUR).await.unwrap(), []);
    fixture.clock.advance(2 * HOUR);
    let found = fixture.store.unfollowed_runs(HOUR).await.unwrap();
    assert_eq!((found.len(), found[0].id, &found[0].listings), (1, run.id, &run.listings));
    fixture.store.run_ended(run.id, ended(7)).await.unwrap();
    assert_eq!(fixture.store.unfollowed_runs(HOUR).await.unwrap(), []);
}

async fn the_installation_keeps_a_part_of_its_budget_for_requested_crawls(fixture: &Fixture) {
    watch(fixture, 12).await;
    let budget = budget(Some(5 * ITEM_MICROS), None);
    let scheduled = open_paid(fixture, 0..6, false, &budget).await;
    assert_eq!((scheduled.runs[0].wanted.len(), scheduled.refused.len()), (4, 2));
    assert!(scheduled.refused.iter().all(|(_, why)| *why == OverBudget::Installation));
    let requested = open_paid(fixture, 6..8, true, &budget).await;
    assert_eq!(requested.runs[0].wanted.len(), 1);
    assert_eq!(requested.refused, [(listing(7), OverBudget::Exhausted)]);
}

async fn a_run_that_is_lost_costs_nothing_and_one_of_unknown_cost_what_was_reserved(fixture: &Fixture) {
    watch(fixture, 2).await;
    let lost = open_paid(fixture, 0..1, false, &budget(None, None)).await.runs.remove(0);
    let unknown = open_paid(fixture, 1..2, false, &budget(None, None)).await.runs.remove(0);
    fixture.store.run_ended(lost.id, RunEnd::Lost).await.unwrap();
    fixture.store.run_ended(unknown.id, RunEnd::Ended { cost_micros: None }).await.unwrap();
    assert_eq!(spent(fixture, US).await, ITEM_MICROS);
}

async fn two_reservations_at_the_same_time_see_one_another(fixture: &Fixture) {
    watch(fixture, 8).await;
    let budget = budget(Some(4 * ITEM_MICROS), None);
    let opened = futures_util::future::join_all((0..8).map(|n| open_paid(fixture, n..n + 1, true, &budget))).await;
    let paid: usize = opened.iter().map(|opened| opened.runs.len()).sum();
    assert_eq!((paid, spent(fixture, US).await), (4, 4 * ITEM_MICROS));
}
