//! Schedules: each due time is handled once, whatever the replicas do.

use amazon_tracker::domain::*;
use amazon_tracker::store::{NewSchedule, RunRequest, StoreError};
use std::time::Duration;

use crate::fixture::*;

on_both_engines! {
    a_schedule_is_read_as_it_was_set,
    of_many_replicas_one_starts_the_job,
    a_run_is_left_out_while_the_job_before_goes_on,
    a_run_waits_for_the_job_before_if_it_may,
    what_is_disabled_is_not_due,
    a_run_by_hand_needs_no_due_time,
    a_run_that_cannot_start_its_job_says_why,
    of_two_updates_at_once_one_wins,
    schedules_are_their_tenants_own,
    only_so_many_schedules_are_kept,
}

async fn add(fixture: &Fixture, overrun: Overrun) -> Schedule {
    let new = new_schedule(US);
    let settings = ScheduleSettings { overrun, ..new.settings };
    fixture.store.add_schedule(NewSchedule { settings, ..new }).await.unwrap()
}

/// As the replica that finds it due asks.
fn request(schedule: &Schedule) -> RunRequest {
    let due_at = schedule.next_at;
    let next_at = due_at.and_then(|due_at| schedule.settings.recurrence.next_after(due_at));
    RunRequest { id: schedule.id, tenant_id: schedule.tenant_id, due_at, next_at, job_quota: 10 }
}

fn queued(schedule: &Schedule) -> RunRequest {
    RunRequest { due_at: None, ..request(schedule) }
}

/// Handles what is due, an hour later.
async fn run(fixture: &Fixture) -> Option<ScheduleRun> {
    fixture.clock.advance(HOUR);
    let due = fixture.store.due_schedules(10).await.unwrap();
    fixture.store.run_schedule(request(&due[0])).await.unwrap()
}

async fn read(fixture: &Fixture, id: ScheduleId) -> Schedule {
    fixture.store.schedule(US, id).await.unwrap()
}

async fn a_schedule_is_read_as_it_was_set(fixture: &Fixture) {
    let new = NewSchedule {
        settings: ScheduleSettings {
            name: "früh".to_owned(),
            recurrence: Recurrence::Cron(CronTimes::new("0 6 * * 1-5", "Europe/Berlin").unwrap()),
            spec: JobSpec::CrawlBatch { target: CrawlTarget::Listings, add: Some(ProductDefaults::default()) },
            listings: vec!["de/B000000001".to_owned()],
            overrun: Overrun::Queue,
            is_enabled: true,
        },
        ..new_schedule(US)
    };
    let added = fixture.store.add_schedule(new.clone()).await.unwrap();
    assert_eq!((&added.settings, added.next_at), (&new.settings, new.next_at));
    assert_eq!(read(fixture, added.id).await, added);
    assert_eq!(fixture.store.schedules(US, None, 9).await.unwrap().items, [added]);
}

async fn of_many_replicas_one_starts_the_job(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Skip).await;
    assert!(fixture.store.due_schedules(10).await.unwrap().is_empty());
    assert_eq!(fixture.store.next_schedule_in().await.unwrap(), Some(HOUR));
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.store.due_schedules(10).await.unwrap(), std::slice::from_ref(&schedule));
    let attempts = (0..5).map(|_| fixture.store.run_schedule(request(&schedule)));
    let runs = futures_util::future::join_all(attempts).await;
    let runs: Vec<ScheduleRun> = runs.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!((runs.len(), runs[0].result, Some(runs[0].due_at)), (1, RunResult::Started, schedule.next_at));
    let job = fixture.store.job(US, runs[0].job_id.unwrap()).await.unwrap();
    assert_eq!((job.spec, job.created_by), (schedule.settings.spec, Some(format!("schedule:{}", schedule.id))));
    assert_eq!(fixture.store.next_schedule_in().await.unwrap(), Some(HOUR));
    assert_eq!(fixture.store.schedule_runs(US, schedule.id, None, 9).await.unwrap().items, runs);
}

async fn a_run_is_left_out_while_the_job_before_goes_on(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Skip).await;
    let first = run(fixture).await.unwrap();
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Skipped);
    fixture.store.cancel_job(US, first.job_id.unwrap()).await.unwrap();
    assert!(fixture.store.due_schedules(10).await.unwrap().is_empty(), "not before its time");
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Started);
    assert_eq!(fixture.store.schedule_runs(US, schedule.id, None, 9).await.unwrap().items.len(), 3);
}

async fn a_run_waits_for_the_job_before_if_it_may(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Queue).await;
    let first = run(fixture).await.unwrap();
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Queued);
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Skipped, "one waits already");
    assert!(fixture.store.due_schedules(10).await.unwrap().is_empty());
    // It was not noticed that the job goes on.
    assert_eq!(fixture.store.run_schedule(queued(&schedule)).await.unwrap(), None);
    assert!(read(fixture, schedule.id).await.is_queued);
    fixture.store.cancel_job(US, first.job_id.unwrap()).await.unwrap();
    let due = fixture.store.due_schedules(10).await.unwrap();
    assert_eq!(due.len(), 1);
    let attempts = (0..3).map(|_| fixture.store.run_schedule(queued(&due[0])));
    let runs = futures_util::future::join_all(attempts).await;
    let runs: Vec<ScheduleRun> = runs.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(runs.iter().map(|run| run.result).collect::<Vec<_>>(), [RunResult::Started]);
    assert!(!read(fixture, schedule.id).await.is_queued);
}

async fn what_is_disabled_is_not_due(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Queue).await;
    let first = run(fixture).await.unwrap();
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Queued);
    let schedule = read(fixture, schedule.id).await;
    let disabled = ScheduleSettings { is_enabled: false, ..schedule.settings.clone() };
    let off = fixture.store.update_schedule(&schedule, disabled, None).await.unwrap();
    assert_eq!((off.is_queued, off.next_at, off.version), (false, None, schedule.version + 1));
    fixture.store.cancel_job(US, first.job_id.unwrap()).await.unwrap();
    fixture.clock.advance(DAY);
    assert!(fixture.store.due_schedules(10).await.unwrap().is_empty());
    assert_eq!(fixture.store.next_schedule_in().await.unwrap(), None);
    // Found due by a replica a moment before.
    assert_eq!(fixture.store.run_schedule(request(&schedule)).await.unwrap(), None);
}

async fn a_run_by_hand_needs_no_due_time(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Skip).await;
    let first = fixture.store.run_schedule_now(US, schedule.id, 10).await.unwrap();
    let second = fixture.store.run_schedule_now(US, schedule.id, 10).await.unwrap();
    assert_ne!(first, second);
    let after = read(fixture, schedule.id).await;
    assert_eq!((after.next_at, after.last_job_id), (schedule.next_at, Some(second)));
    assert_eq!(run(fixture).await.unwrap().result, RunResult::Skipped);
}

async fn a_run_that_cannot_start_its_job_says_why(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Skip).await;
    fixture.clock.advance(HOUR);
    let full = RunRequest { job_quota: 0, ..request(&schedule) };
    let run = fixture.store.run_schedule(full).await.unwrap().unwrap();
    assert_eq!((run.result, run.error.as_deref()), (RunResult::Failed, Some("0 jobs are in progress")));
    assert_eq!(fixture.store.next_schedule_in().await.unwrap(), Some(HOUR), "the next time is tried");
    let by_hand = fixture.store.run_schedule_now(US, schedule.id, 0).await;
    assert!(matches!(by_hand, Err(StoreError::OverQuota { quota: "jobs", .. })));
}

async fn of_two_updates_at_once_one_wins(fixture: &Fixture) {
    let schedule = add(fixture, Overrun::Skip).await;
    let named = |name: &str| ScheduleSettings { name: name.to_owned(), ..schedule.settings.clone() };
    let next_at = schedule.next_at;
    fixture.store.update_schedule(&schedule, named("one"), next_at).await.unwrap();
    let late = fixture.store.update_schedule(&schedule, named("two"), next_at).await;
    assert!(matches!(late, Err(StoreError::Changed)));
    assert_eq!(read(fixture, schedule.id).await.settings.name, "one");
}

async fn schedules_are_their_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = add(fixture, Overrun::Skip).await;
    let theirs = Schedule { tenant_id: THEM, ..ours.clone() };
    let settings = ours.settings.clone();
    for refused in [
        fixture.store.schedule(THEM, ours.id).await.err(),
        fixture.store.remove_schedule(THEM, ours.id).await.err(),
        fixture.store.schedule_runs(THEM, ours.id, None, 9).await.err(),
        fixture.store.run_schedule_now(THEM, ours.id, 9).await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::NotFound("schedule"))), "{refused:?}");
    }
    assert!(matches!(fixture.store.update_schedule(&theirs, settings, None).await, Err(StoreError::Changed)));
    assert!(fixture.store.schedules(THEM, None, 9).await.unwrap().items.is_empty());
    fixture.store.remove_schedule(US, ours.id).await.unwrap();
    assert!(matches!(fixture.store.schedule(US, ours.id).await, Err(StoreError::NotFound("schedule"))));
}

async fn only_so_many_schedules_are_kept(fixture: &Fixture) {
    let one = NewSchedule { quota: 1, ..new_schedule(US) };
    fixture.store.add_schedule(one.clone()).await.unwrap();
    let second = fixture.store.add_schedule(one).await;
    assert!(matches!(second, Err(StoreError::OverQuota { quota: "schedules", limit: 1 })));
    assert_eq!(fixture.store.next_schedule_in().await.unwrap(), Some(Duration::from_secs(3600)));
}
