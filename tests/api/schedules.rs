//! Schedules, and the jobs that they start.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, expect, on_both_engines};

fn of_tag() -> Value {
    json!({
        "name": "Toys", "recurrence": { "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin" },
        "action": { "kind": "crawl", "tag": "toys" }
    })
}

fn path_of(schedule: &Value) -> String {
    format!("/api/v1/schedules/{}", schedule["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_created_changed_and_deleted() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let request = || daemon.post("/api/v1/schedules", &of_tag()).header("idempotency-key", "once");
        let created = request().send().await.unwrap();
        assert_eq!(created.status(), 201);
        let location = created.headers()["location"].to_str().unwrap().to_owned();
        let created: Value = created.json().await.unwrap();
        assert_eq!(location, path_of(&created));
        assert_eq!(expect(201, request()).await, created);
        assert_eq!((&created["overrun"], &created["is_enabled"]), (&json!("skip"), &json!(true)));
        assert_eq!(created["recurrence"], of_tag()["recurrence"]);
        assert_eq!(created["action"], of_tag()["action"]);
        assert!(created["next_run_at"].is_string());
        let disabled = expect(200, daemon.patch(&location, &json!({ "is_enabled": false }))).await;
        assert_eq!(disabled["next_run_at"], Value::Null);
        let change = json!({
            "name": "All", "overrun": "queue", "is_enabled": true, "recurrence": { "every": "6h" },
            "action": { "kind": "crawl", "listings": ["B000000001"], "marketplace": "de" }
        });
        let changed = expect(200, daemon.patch(&location, &change)).await;
        assert_eq!(changed["action"], json!({ "kind": "crawl", "listings": ["de/B000000001"] }));
        assert_eq!((&changed["recurrence"], &changed["overrun"]), (&json!({ "every": "6h" }), &json!("queue")));
        let list = json!({ "kind": "category", "url": "https://www.amazon.de/s?k=x", "pages": 2 });
        let listing = expect(200, daemon.patch(&location, &json!({ "action": list }))).await;
        assert_eq!(listing["action"], list);
        let renamed = expect(200, daemon.patch(&location, &json!({ "name": "New" }))).await;
        assert_eq!(renamed["next_run_at"], changed["next_run_at"], "its times are the same");
        let stale = daemon.patch(&location, &json!({ "name": "Old" })).header("if-match", "\"1-x\"");
        assert_eq!(expect(412, stale).await["code"], "changed");
        assert_eq!(expect(200, daemon.get("/api/v1/schedules")).await["items"], json!([renamed]));
        expect(204, daemon.delete(&location)).await;
        expect(404, daemon.get(&location)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_times_of_a_recurrence_are_shown_before_it_is_stored() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let preview = |body: Value| daemon.post("/api/v1/schedules/preview", &body);
    let daily = expect(200, preview(json!({ "cron": "30 6 * * *", "time_zone": "Asia/Tokyo" }))).await;
    let times: Vec<Timestamp> = serde_json::from_value(daily["times"].clone()).unwrap();
    assert_eq!(times.len(), 5);
    assert!(times.iter().all(|time| time.to_string().ends_with("T21:30:00Z")), "{daily}");
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]) == SignedDuration::from_hours(24)));
    assert_eq!(expect(200, preview(json!({ "every": "6h" }))).await["times"].as_array().unwrap().len(), 5);
    for (body, field) in [
        (json!({ "cron": "30 6 * *", "time_zone": "Asia/Tokyo" }), "recurrence.cron"),
        (json!({ "cron": "30 6 * * *", "time_zone": "Asia/Edo" }), "recurrence.time_zone"),
        (json!({ "every": "1s" }), "recurrence"),
        (json!({}), "recurrence"),
    ] {
        assert_eq!(expect(422, preview(body)).await["errors"][0]["field"], field);
    }
    assert_eq!(expect(200, daemon.get("/api/v1/schedules")).await["items"], json!([]));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_run_once_and_a_schedule_can_be_run_by_hand() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let body =
            json!({ "name": "All", "recurrence": { "every": "hourly" }, "action": { "kind": "crawl", "all": true } });
        let schedule = expect(201, daemon.post("/api/v1/schedules", &body)).await;
        let (path, runs) = (path_of(&schedule), format!("{}/runs", path_of(&schedule)));
        // As if nothing had run for days.
        daemon.execute("UPDATE schedule SET next_at = next_at - 500000000").await;
        let found = daemon.eventually(&runs, |runs| runs["items"][0]["result"] == "started").await;
        let job = format!("/api/v1/jobs/{}", found["items"][0]["job_id"].as_str().unwrap());
        let job = daemon.eventually(&job, |job| job["status"] == "done").await;
        assert_eq!((&job["progress"]["done"], &job["kind"]), (&json!(1), &json!("crawl_batch")));
        assert_eq!(job["created_by"], format!("schedule:{}", schedule["id"].as_str().unwrap()));
        let by_hand = expect(202, daemon.post(&format!("{path}/run"), &json!({}))).await;
        daemon
            .eventually(&format!("/api/v1/jobs/{}", by_hand["id"].as_str().unwrap()), |job| job["status"] == "done")
            .await;
        let found = expect(200, daemon.get(&runs)).await;
        assert_eq!(
            found["items"].as_array().unwrap().len(),
            2,
            "one for all that were missed, and one by hand: {found}"
        );
        let schedule = expect(200, daemon.get(&path)).await;
        assert_eq!((&schedule["last_job_id"], &schedule["last_job_status"]), (&by_hand["id"], &json!("done")));
        assert!(schedule["next_run_at"].as_str().unwrap() > schedule["updated_at"].as_str().unwrap());
        assert!(product["id"].is_string());
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_schedule_is_refused_by_its_field() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.jobs.max_schedules = 1).await;
        let with = |field: &str, value: Value| {
            let mut body = of_tag();
            body[field] = value;
            body
        };
        let nothing = |field: &str| {
            let mut body = of_tag();
            body.as_object_mut().unwrap().remove(field);
            body
        };
        let cron = |cron: &str, zone: &str| with("recurrence", json!({ "cron": cron, "time_zone": zone }));
        for (body, field) in [
            (nothing("name"), "name"),
            (nothing("recurrence"), "recurrence"),
            (nothing("action"), "action"),
            (with("name", json!(" ")), "name"),
            (cron("0 25 * * *", "UTC"), "recurrence.cron"),
            (cron("0 6 30 2 *", "UTC"), "recurrence.cron"),
            (cron("* * * * * *", "UTC"), "recurrence"),
            (cron("0 6 * * *", "Europe/Atlantis"), "recurrence.time_zone"),
            (with("recurrence", json!({ "every": "often" })), "recurrence.every"),
            (with("recurrence", json!({ "every": "30s" })), "recurrence"),
            (with("recurrence", json!({ "every": "6h", "cron": "0 6 * * *" })), "recurrence"),
            (with("recurrence", json!([])), "recurrence"),
            (with("action", json!({ "tag": "x" })), "action.kind"),
            (with("action", json!({ "kind": "dance", "tag": "x" })), "action.kind"),
            (with("action", json!({ "kind": "crawl" })), "action.listings"),
            (with("action", json!({ "kind": "crawl", "all": true, "url": "x" })), "action.kind"),
            (with("action", json!({ "kind": "category" })), "action.url"),
            (with("action", json!({ "kind": "category", "url": "https://www.amazon.de/" })), "action.url"),
            (with("action", json!({ "kind": "crawl", "tag": "a\u{0}" })), "action.tag"),
            (with("action", json!({ "kind": "crawl", "listings": ["x"] })), "action.listings[0]"),
            (with("overrun", json!("pile_up")), "overrun"),
            (with("when", json!("now")), "when"),
        ] {
            let problem = expect(422, daemon.post("/api/v1/schedules", &body)).await;
            assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        }
        assert_eq!(expect(200, daemon.get("/api/v1/schedules")).await["items"], json!([]));
        let first = expect(201, daemon.post("/api/v1/schedules", &of_tag())).await;
        let problem = expect(422, daemon.patch(&path_of(&first), &json!({ "recurrence": { "every": "1s" } }))).await;
        assert_eq!(problem["errors"][0]["field"], "recurrence");
        assert_eq!(expect(409, daemon.post("/api/v1/schedules", &of_tag())).await["code"], "too_many_schedules");
        expect(404, daemon.request(Method::GET, "/api/v1/schedules/none").bearer_auth(&daemon.key)).await;
        daemon.end().await;
    })
    .await;
}
