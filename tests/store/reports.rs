//! Reports: created with their jobs, made in steps, and told exactly once.

use amazon_tracker::config::RetentionSettings;
use amazon_tracker::domain::*;
use amazon_tracker::store::{
    ClaimedDelivery, ClaimedJob, DeliveryClaim, FinishedReport, ItemSummary, NewJob, NewSchedule, REPORT_ITEM,
    ReportFilter, ReportMail, RunRequest, StoreError, UserPatch,
};
use jiff::Timestamp;

use crate::accounts::{email, new_user};
use crate::fixture::*;

on_both_engines! {
    a_report_is_created_with_its_job_and_comes_back_as_it_was_asked_for,
    the_products_of_a_report_become_items_in_bounded_steps_and_the_report_is_the_last,
    a_report_has_so_many_products_and_no_more,
    a_killed_step_costs_nothing_but_the_step_and_one_report_results,
    a_report_is_told_to_active_users_with_a_verified_address_and_to_nobody_else,
    of_a_report_that_was_deleted_meanwhile_nothing_is_stored_or_sent,
    a_report_whose_job_failed_is_made_by_its_retry,
    a_product_that_was_deleted_meanwhile_is_left_out,
    a_report_is_its_tenants_own,
    a_report_is_deleted_when_its_time_is_over,
    a_week_is_that_of_the_schedules_time_zone_even_if_it_runs_late,
    a_schedule_reports_a_window_once,
    a_schedule_reports_a_window_again_if_the_report_failed_or_is_about_something_else,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn week() -> ReportWindow {
    ReportPeriod::LastWeek.window(at("2026-01-15T12:00:00Z"), "Asia/Shanghai").unwrap()
}

pub fn report_spec(subject: ReportSubject) -> ReportSpec {
    let output = ReportOutput { report_id: ReportId::new(), window: week(), schedule_id: None };
    ReportSpec {
        subject,
        period: ReportPeriod::LastWeek,
        output: Some(output),
        formats: Vec::new(),
        recipients: Vec::new(),
    }
}

pub fn report_job(tenant_id: TenantId, subject: ReportSubject) -> NewJob {
    let spec = JobSpec::Report(Box::new(report_spec(subject)));
    let (created_by, inputs) = ("system".to_owned(), Vec::new());
    NewJob { tenant_id, spec, created_by, inputs, is_receiving: false, quota: u32::MAX }
}

fn id_of(job: &Job) -> ReportId {
    let JobSpec::Report(spec) = &job.spec else { panic!("{job:?}") };
    spec.output.as_ref().unwrap().report_id
}

/// Of a report about nothing.
pub fn finished(mail: Option<ReportMail>) -> FinishedReport {
    let (title, document) = ("All products".to_owned(), b"\x1f\x8b compressed".to_vec());
    FinishedReport { title, has_data: true, document, kept_for: 30 * DAY, mail }
}

fn mail_to(names: &[&str]) -> ReportMail {
    ReportMail {
        recipients: names.iter().map(|name| email(name)).collect(),
        subject: "All products, week 2".to_owned(),
        text: "Text".to_owned(),
        html: "<p>Text</p>".to_owned(),
        attachment: None,
        useless_after: Timestamp::MAX,
    }
}

async fn create(fixture: &Fixture, subject: ReportSubject) -> Job {
    fixture.store.create_job(report_job(US, subject)).await.unwrap()
}

async fn claim(fixture: &Fixture) -> ClaimedJob {
    let mut claimed = fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

/// The inputs of the items that no step has handled.
async fn unprocessed(fixture: &Fixture, job: &ClaimedJob) -> Vec<(u32, String)> {
    let items = fixture.store.unprocessed_items(&job.lease, 100).await.unwrap();
    items.into_iter().map(|item| (item.place, item.input)).collect()
}

fn summary(place: u32) -> ItemSummary {
    ItemSummary { place, summary: Some(format!("{{\"n\":{place}}}")) }
}

async fn mails(fixture: &Fixture) -> Vec<ClaimedDelivery> {
    fixture.store.claim_deliveries(&DeliveryClaim::any(9, LEASE, "test")).await.unwrap()
}

async fn a_report_is_created_with_its_job_and_comes_back_as_it_was_asked_for(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let subject = ReportSubject::Product { product_id: product.id };
    let job = create(fixture, subject.clone()).await;
    let report = fixture.store.report(US, id_of(&job)).await.unwrap();
    assert_eq!((report.job_id, &report.subject, report.period), (job.id, &subject, ReportPeriod::LastWeek));
    assert_eq!((&report.window, report.status, report.size_bytes), (&week(), JobStatus::Pending, 0));
    assert_eq!((report.title.as_ref(), report.has_data, report.expires_at), (None, None, None));
    assert_eq!(fixture.store.report_document(US, report.id).await.unwrap(), None);
    let claimed = claim(fixture).await;
    assert_eq!(unprocessed(fixture, &claimed).await, [(0, REPORT_ITEM.to_owned())], "it is one item");
    fixture.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
    let done = fixture.store.report(US, report.id).await.unwrap();
    let now = fixture.now().await;
    assert_eq!((done.status, done.finished_at, done.expires_at), (JobStatus::Done, Some(now), Some(now + 30 * DAY)));
    assert_eq!((done.title.as_deref(), done.has_data), (Some("All products"), Some(true)));
    let document = fixture.store.report_document(US, report.id).await.unwrap().unwrap();
    assert_eq!((document, done.size_bytes), (finished(None).document, finished(None).document.len() as u64));
    let job = fixture.store.job(US, job.id).await.unwrap();
    assert_eq!((job.status, job.counts.total, job.counts.done), (JobStatus::Done, 1, 1));
    let other = create(fixture, ReportSubject::Tag { tag: "toys".to_owned() }).await;
    let listed = async |filter: ReportFilter| {
        let page = fixture.store.reports(US, filter, None, 9).await.unwrap();
        page.items.iter().map(|report| report.id).collect::<Vec<_>>()
    };
    let all = ReportFilter::default();
    assert_eq!(listed(all).await, [id_of(&other), done.id]);
    assert_eq!(listed(ReportFilter { topic: Some(ReportTopic::Tag), ..all }).await, [id_of(&other)]);
    assert_eq!(listed(ReportFilter { status: Some(JobStatus::Done), ..all }).await, [done.id]);
    assert_eq!(listed(ReportFilter { schedule_id: Some(ScheduleId::new()), ..all }).await, []);
    let first = fixture.store.reports(US, all, None, 1).await.unwrap();
    let rest = fixture.store.reports(US, all, first.next_cursor.as_deref(), 1).await.unwrap();
    assert_eq!((rest.items, rest.next_cursor), (vec![done], None));
}

async fn the_products_of_a_report_become_items_in_bounded_steps_and_the_report_is_the_last(fixture: &Fixture) {
    for n in 1..=3 {
        fixture.watch(n).await;
    }
    let job = create(fixture, ReportSubject::Tenant).await;
    let first = claim(fixture).await;
    assert!(!first.is_expanded);
    fixture.store.expand_report(&first.lease, None, 2, 100).await.unwrap();
    let second = claim(fixture).await;
    assert_eq!((second.is_expanded, second.counts.total), (false, 2));
    fixture.store.expand_report(&second.lease, None, 2, 100).await.unwrap();
    let third = claim(fixture).await;
    assert_eq!((third.is_expanded, third.counts.total), (true, 4));
    let key = |n: u32| Listing::new(Marketplace::De, asin(n)).to_string();
    let items = [(0, key(1)), (1, key(2)), (2, key(3)), (3, REPORT_ITEM.to_owned())];
    assert_eq!(unprocessed(fixture, &third).await, items);
    fixture.store.keep_summaries(&third.lease, vec![summary(0), summary(1)]).await.unwrap();
    let fourth = claim(fixture).await;
    assert_eq!(unprocessed(fixture, &fourth).await, items[2..]);
    fixture.store.keep_summaries(&fourth.lease, vec![summary(2)]).await.unwrap();
    let last = claim(fixture).await;
    let summaries = fixture.store.report_summaries(&last.lease).await.unwrap();
    assert_eq!(summaries, [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#]);
    fixture.store.finish_report(&last.lease, finished(None)).await.unwrap();
    let job = fixture.store.job(US, job.id).await.unwrap();
    assert_eq!((job.status, job.counts.total, job.counts.done), (JobStatus::Done, 4, 4));
    assert_eq!(fixture.number("SELECT count(*) FROM job_item WHERE summary IS NOT NULL").await, 0, "not kept twice");
}

async fn a_report_has_so_many_products_and_no_more(fixture: &Fixture) {
    for n in 1..=5 {
        fixture.watch(n).await;
    }
    create(fixture, ReportSubject::Tenant).await;
    for _ in 0..2 {
        let claimed = claim(fixture).await;
        fixture.store.expand_report(&claimed.lease, None, 2, 3).await.unwrap();
    }
    let claimed = claim(fixture).await;
    assert!(!claimed.is_expanded, "the third product was the last that it may have");
    fixture.store.expand_report(&claimed.lease, None, 2, 3).await.unwrap();
    let claimed = claim(fixture).await;
    assert_eq!((claimed.is_expanded, unprocessed(fixture, &claimed).await.len()), (true, 4));
    assert_eq!(fixture.store.count_active(&claimed.lease, None).await.unwrap(), 5);
    assert_eq!(fixture.store.count_active(&claimed.lease, Some("toys")).await.unwrap(), 0);
}

async fn a_killed_step_costs_nothing_but_the_step_and_one_report_results(fixture: &Fixture) {
    let jo = fixture.store.add_user(US, verified("jo")).await.unwrap();
    fixture.watch(1).await;
    let job = create(fixture, ReportSubject::Tenant).await;
    let killed = claim(fixture).await;
    // Its replica dies, and another one claims the step again.
    fixture.clock.advance(LEASE);
    let claimed = claim(fixture).await;
    assert_eq!(claimed.attempt, 2);
    fixture.store.expand_report(&claimed.lease, None, 9, 9).await.unwrap();
    let lost = fixture.store.expand_report(&killed.lease, None, 9, 9).await;
    assert!(matches!(lost, Err(StoreError::NotFound("job"))), "{lost:?}");
    let killed = claim(fixture).await;
    fixture.clock.advance(LEASE);
    let claimed = claim(fixture).await;
    fixture.store.keep_summaries(&claimed.lease, vec![summary(0)]).await.unwrap();
    assert!(fixture.store.keep_summaries(&killed.lease, vec![summary(0)]).await.is_err());
    let killed = claim(fixture).await;
    fixture.clock.advance(LEASE);
    let claimed = claim(fixture).await;
    let report = finished(Some(mail_to(&["jo"])));
    // It was not dead, only slow: both end at once.
    let (late, timely) = tokio::join!(
        fixture.store.finish_report(&killed.lease, report.clone()),
        fixture.store.finish_report(&claimed.lease, report.clone()),
    );
    assert!(matches!(late, Err(StoreError::NotFound("job"))), "{late:?}");
    timely.unwrap();
    assert!(fixture.store.finish_report(&claimed.lease, report).await.is_err(), "it has ended");
    let reports = fixture.store.reports(US, ReportFilter::default(), None, 9).await.unwrap();
    assert_eq!(reports.items.iter().map(|report| report.status).collect::<Vec<_>>(), [JobStatus::Done]);
    let job = fixture.store.job(US, job.id).await.unwrap();
    assert_eq!((job.counts.total, job.counts.done), (2, 2));
    let told = mails(fixture).await;
    assert_eq!(told.len(), 1, "told once");
    let OutboxMessage::Email(mail) = &told[0].message else { panic!("{told:?}") };
    assert_eq!((&mail.to, mail.html.as_deref()), (&jo.email, Some("<p>Text</p>")));
}

fn verified(name: &str) -> amazon_tracker::store::NewUser {
    amazon_tracker::store::NewUser { is_verified: true, ..new_user(name, Role::User) }
}

async fn a_report_is_told_to_active_users_with_a_verified_address_and_to_nobody_else(fixture: &Fixture) {
    let store = &fixture.store;
    fixture.add_tenant().await;
    store.add_user(US, verified("jo")).await.unwrap();
    let gone = store.add_user(US, verified("gone")).await.unwrap();
    store.add_user(US, new_user("unproved", Role::User)).await.unwrap();
    store.add_user(THEM, verified("theirs")).await.unwrap();
    let names = ["jo", "gone", "unproved", "theirs", "stranger"];
    let addresses: Vec<EmailAddress> = names.iter().map(|name| email(name)).collect();
    assert_eq!(store.mail_recipients(US, &addresses).await.unwrap(), [email("gone"), email("jo")]);
    create(fixture, ReportSubject::Product { product_id: fixture.watch(1).await.id }).await;
    let claimed = claim(fixture).await;
    // Who leaves while the report is made gets it no more.
    let leaves = UserPatch { status: Some(UserStatus::PendingDeletion), ..UserPatch::default() };
    store
        .update_user(US, gone.id, &UserPatch { deletion_scheduled_at: Some(fixture.now().await), ..leaves })
        .await
        .unwrap();
    store.finish_report(&claimed.lease, finished(Some(mail_to(&names)))).await.unwrap();
    let told: Vec<EmailAddress> = mails(fixture)
        .await
        .into_iter()
        .filter_map(|delivery| match delivery.message {
            OutboxMessage::Email(mail) => Some(mail.to),
            _ => None,
        })
        .collect();
    assert_eq!(told, [email("jo")]);
}

async fn of_a_report_that_was_deleted_meanwhile_nothing_is_stored_or_sent(fixture: &Fixture) {
    fixture.store.add_user(US, verified("jo")).await.unwrap();
    let job = create(fixture, ReportSubject::Product { product_id: fixture.watch(1).await.id }).await;
    let claimed = claim(fixture).await;
    fixture.store.remove_report(US, id_of(&job)).await.unwrap();
    fixture.store.finish_report(&claimed.lease, finished(Some(mail_to(&["jo"])))).await.unwrap();
    assert_eq!(fixture.store.job(US, job.id).await.unwrap().status, JobStatus::Done);
    assert!(matches!(fixture.store.report(US, id_of(&job)).await, Err(StoreError::NotFound("report"))));
    assert!(mails(fixture).await.is_empty());
    assert!(matches!(fixture.store.remove_report(US, id_of(&job)).await, Err(StoreError::NotFound("report"))));
}

async fn a_report_whose_job_failed_is_made_by_its_retry(fixture: &Fixture) {
    fixture.watch(1).await;
    let job = create(fixture, ReportSubject::Tenant).await;
    let claimed = claim(fixture).await;
    fixture.store.expand_report(&claimed.lease, None, 9, 9).await.unwrap();
    let claimed = claim(fixture).await;
    fixture.store.keep_summaries(&claimed.lease, vec![summary(0)]).await.unwrap();
    let claimed = claim(fixture).await;
    fixture.store.fail_job(&claimed.lease, "the disk is full").await.unwrap();
    let failed = fixture.store.report(US, id_of(&job)).await.unwrap();
    assert_eq!((failed.status, failed.error.as_deref()), (JobStatus::Failed, Some("the disk is full")));
    let retried = fixture.store.retry_job(US, job.id).await.unwrap();
    assert_eq!((retried.status, retried.counts.done), (JobStatus::Pending, 1), "what was found out stays");
    let claimed = claim(fixture).await;
    assert_eq!(unprocessed(fixture, &claimed).await, [(1, REPORT_ITEM.to_owned())]);
    assert_eq!(fixture.store.report_summaries(&claimed.lease).await.unwrap().len(), 1);
    fixture.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
    let done = fixture.store.report(US, id_of(&job)).await.unwrap();
    assert_eq!((done.status, done.error), (JobStatus::Done, None));
}

async fn a_product_that_was_deleted_meanwhile_is_left_out(fixture: &Fixture) {
    let (first, second) = (fixture.watch(1).await, fixture.watch(2).await);
    fixture.watch(3).await;
    let job = create(fixture, ReportSubject::Tenant).await;
    let claimed = claim(fixture).await;
    fixture.store.expand_report(&claimed.lease, None, 9, 9).await.unwrap();
    let claimed = claim(fixture).await;
    // One is not found by the step, the other one is deleted while the step goes on.
    fixture.store.remove_product(US, second.id, None).await.unwrap();
    let found = vec![ItemSummary { place: 0, summary: None }, summary(1), summary(2)];
    fixture.store.keep_summaries(&claimed.lease, found).await.unwrap();
    let claimed = claim(fixture).await;
    assert_eq!(fixture.store.report_summaries(&claimed.lease).await.unwrap(), [r#"{"n":2}"#]);
    fixture.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
    let counts = fixture.store.job(US, job.id).await.unwrap().counts;
    assert_eq!((counts.total, counts.done, counts.skipped, counts.cancelled), (4, 2, 1, 1));
    assert_eq!(fixture.store.job(US, job.id).await.unwrap().status, JobStatus::Done);
    assert_eq!(fixture.store.product(US, first.id).await.unwrap().id, first.id);
}

async fn a_report_is_its_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = id_of(&create(fixture, ReportSubject::Tenant).await);
    for refused in [
        fixture.store.report(THEM, ours).await.err(),
        fixture.store.report_document(THEM, ours).await.err(),
        fixture.store.remove_report(THEM, ours).await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::NotFound("report"))), "{refused:?}");
    }
    assert!(fixture.store.reports(THEM, ReportFilter::default(), None, 9).await.unwrap().items.is_empty());
    assert_eq!(fixture.store.report(US, ours).await.unwrap().id, ours);
}

async fn a_report_is_deleted_when_its_time_is_over(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    create(fixture, ReportSubject::Product { product_id: product.id }).await;
    let claimed = claim(fixture).await;
    fixture.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
    let unfinished = create(fixture, ReportSubject::Tenant).await;
    fixture.store.cancel_job(US, unfinished.id).await.unwrap();
    let count = async || fixture.number("SELECT count(*) FROM report").await;
    let retention = RetentionSettings::default();
    fixture.clock.advance(29 * DAY);
    fixture.store.prune(&retention).await.unwrap();
    assert_eq!(count().await, 2);
    fixture.clock.advance(DAY + SECOND);
    fixture.store.prune(&retention).await.unwrap();
    assert_eq!(count().await, 1, "one that was never made goes with its job");
    fixture.clock.advance(61 * DAY);
    fixture.store.prune(&retention).await.unwrap();
    assert_eq!(count().await, 0);
}

fn weekly(period: ReportPeriod) -> NewSchedule {
    let recurrence = Recurrence::Cron(CronTimes::new("0 5 * * 1", "Asia/Shanghai").unwrap());
    let spec = ReportSpec { period, output: None, ..report_spec(ReportSubject::Tenant) };
    let new = new_schedule(US);
    let next_at = recurrence.next_after(at("2026-01-15T12:00:00Z"));
    let settings = ScheduleSettings { recurrence, spec: JobSpec::Report(Box::new(spec)), ..new.settings };
    NewSchedule { settings, next_at, ..new }
}

/// Handles what is due at a time, as a replica does. `None`: nothing is due.
async fn run_at(fixture: &Fixture, now: &str) -> Option<ScheduleRun> {
    let ahead = at(now).duration_since(fixture.now().await);
    fixture.clock.advance(ahead.try_into().unwrap());
    let schedule = fixture.store.due_schedules(10).await.unwrap().into_iter().next()?;
    let recurrence = &schedule.settings.recurrence;
    let request = RunRequest {
        id: schedule.id,
        tenant_id: US,
        due_at: schedule.next_at,
        next_at: recurrence.next_after(fixture.now().await),
        job_quota: 10,
    };
    fixture.store.run_schedule(request).await.unwrap()
}

async fn end_job(fixture: &Fixture) {
    while let Some(claimed) = fixture.store.claim_jobs(1, LEASE, "test", None).await.unwrap().pop() {
        if claimed.is_expanded {
            fixture.store.finish_report(&claimed.lease, finished(None)).await.unwrap();
        } else {
            fixture.store.expand_report(&claimed.lease, None, 9, 9).await.unwrap();
        }
    }
}

async fn windows(fixture: &Fixture) -> Vec<String> {
    let reports = fixture.store.reports(US, ReportFilter::default(), None, 99).await.unwrap();
    reports.items.into_iter().rev().map(|report| report.window.name).collect()
}

async fn a_week_is_that_of_the_schedules_time_zone_even_if_it_runs_late(fixture: &Fixture) {
    let schedule = fixture.store.add_schedule(weekly(ReportPeriod::LastWeek)).await.unwrap();
    // Monday 05:00 in Shanghai is Sunday in UTC.
    assert_eq!(schedule.next_at, Some(at("2026-01-18T21:00:00Z")));
    assert_eq!(run_at(fixture, "2026-01-18T20:59:59Z").await, None);
    let run = run_at(fixture, "2026-01-18T21:00:00Z").await.unwrap();
    let job = fixture.store.job(US, run.job_id.unwrap()).await.unwrap();
    let report = fixture.store.report(US, id_of(&job)).await.unwrap();
    assert_eq!(report.schedule_id, Some(schedule.id));
    assert_eq!((report.window.from, report.window.to), (at("2026-01-11T16:00:00Z"), at("2026-01-18T16:00:00Z")));
    assert_eq!(report.window.name, "week 3 of 2026 (12–18 January)");
    end_job(fixture).await;
    // The next one is handled on Wednesday, and says nothing of the days since Monday.
    run_at(fixture, "2026-01-28T10:00:00Z").await.unwrap();
    end_job(fixture).await;
    // After weeks of downtime, the last week that was due is reported, and no other.
    let run = run_at(fixture, "2026-02-26T10:00:00Z").await.unwrap();
    assert_eq!(run.result, RunResult::Started);
    end_job(fixture).await;
    assert_eq!(
        windows(fixture).await,
        ["week 3 of 2026 (12–18 January)", "week 4 of 2026 (19–25 January)", "week 8 of 2026 (16–22 February)"]
    );
}

async fn a_schedule_reports_a_window_once(fixture: &Fixture) {
    let weekly = weekly(ReportPeriod::LastWeek);
    let recurrence = Recurrence::Cron(CronTimes::new("0 5 * * *", "Asia/Shanghai").unwrap());
    let settings = ScheduleSettings { recurrence, ..weekly.settings.clone() };
    let schedule = fixture.store.add_schedule(NewSchedule { settings, ..weekly }).await.unwrap();
    run_at(fixture, "2026-01-18T21:00:00Z").await.unwrap();
    end_job(fixture).await;
    let again = run_at(fixture, "2026-01-19T21:00:00Z").await.unwrap();
    assert_eq!((again.result, again.job_id), (RunResult::Skipped, None));
    assert_eq!(again.error.as_deref(), Some("this schedule has reported week 3 of 2026 (12–18 January) already"));
    let by_hand = fixture.store.run_schedule_now(US, schedule.id, 9).await;
    assert!(matches!(by_hand, Err(StoreError::AlreadyReported(_))), "{by_hand:?}");
    // Not even when the report was deleted.
    fixture.execute("DELETE FROM report").await;
    assert_eq!(run_at(fixture, "2026-01-20T21:00:00Z").await.unwrap().result, RunResult::Skipped);
    assert_eq!(run_at(fixture, "2026-01-25T21:00:00Z").await.unwrap().result, RunResult::Started);
    assert_eq!(windows(fixture).await, ["week 4 of 2026 (19–25 January)"]);
}

async fn a_schedule_reports_a_window_again_if_the_report_failed_or_is_about_something_else(fixture: &Fixture) {
    let schedule = fixture.store.add_schedule(weekly(ReportPeriod::LastMonth)).await.unwrap();
    run_at(fixture, "2026-01-18T21:00:00Z").await.unwrap();
    let claimed = claim(fixture).await;
    fixture.store.fail_job(&claimed.lease, "too large").await.unwrap();
    assert_eq!(run_at(fixture, "2026-01-25T21:00:00Z").await.unwrap().result, RunResult::Started);
    end_job(fixture).await;
    let change = async |subject: ReportSubject, recipients: Vec<EmailAddress>| {
        let read = fixture.store.schedule(US, schedule.id).await.unwrap();
        let JobSpec::Report(spec) = &read.settings.spec else { panic!("{read:?}") };
        let spec = JobSpec::Report(Box::new(ReportSpec { subject, recipients, ..ReportSpec::clone(spec) }));
        let settings = ScheduleSettings { spec, ..read.settings.clone() };
        fixture.store.update_schedule(&read, settings, read.next_at).await.unwrap();
    };
    change(ReportSubject::Tenant, vec![email("jo")]).await;
    let run = fixture.store.run_schedule_now(US, schedule.id, 9).await;
    assert!(matches!(run, Err(StoreError::AlreadyReported(_))), "whom it is sent to does not matter: {run:?}");
    change(ReportSubject::Tag { tag: "toys".to_owned() }, Vec::new()).await;
    fixture.store.run_schedule_now(US, schedule.id, 9).await.unwrap();
    assert_eq!(windows(fixture).await, ["December 2025", "December 2025", "December 2025"]);
}
