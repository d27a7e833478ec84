//! Reports, over HTTP: made, read in every format, opened by links, and sent by e-mail.

use std::io::Cursor;

use amazon_tracker::config::Secret;
use amazon_tracker::domain::{Role, Scope};
use calamine::{Data, Reader, Xlsx};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use mail_parser::{MessageParser, MimeHeaders};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::access::newcomer;
use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::mailbox::Mailbox;
use crate::matrix::{add_person, token_of};

/// What a spreadsheet would calculate.
const FORMULA: &str = "=cmd|' /C calc'!A0 <b>&</b>";

/// From yesterday to the end of today, of which the tests know a few seconds.
fn today() -> Value {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    json!({ "kind": "dates", "from": today - 1.day(), "to": today })
}

fn about(subject: Value) -> Value {
    json!({ "subject": subject, "period": today() })
}

/// Products with a label, and a tag.
async fn watch(daemon: &Daemon, count: usize) -> Vec<Value> {
    let mut products = Vec::new();
    for n in 0..count {
        let product = daemon.watch(daemon.listing(n)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let label = if n == 0 { FORMULA.to_owned() } else { format!("Product {n}") };
        let change = json!({ "label": label, "tags": ["toys"] });
        products.push(expect(200, daemon.patch(&path, &change)).await);
    }
    products
}

/// Makes a report, and returns its path once it is done.
async fn made(daemon: &Daemon, body: &Value) -> String {
    let job = expect(202, daemon.post("/api/v1/reports", body)).await;
    let path = format!("/api/v1/reports/{}", job["parameters"]["report_id"].as_str().unwrap());
    daemon.eventually(&path, |report| report["status"] == "done").await;
    path
}

async fn file(daemon: &Daemon, path: &str, query: &str) -> Response {
    let response = daemon.get(&format!("{path}/file?{query}")).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query}");
    response
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn sheets(bytes: Vec<u8>) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    book.worksheets().iter().flat_map(|(_, sheet)| sheet.rows().map(<[Data]>::to_vec).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_and_read_in_every_format() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let products = watch(&daemon, 3).await;
        let body = about(json!({ "kind": "tag", "tag": " toys " }));
        let request = || daemon.post("/api/v1/reports", &body).header("idempotency-key", "once");
        let job = expect(202, request()).await;
        assert_eq!(expect(202, request()).await, job, "the same request again makes no second report");
        assert_eq!(job["kind"], "report");
        let path = format!("/api/v1/reports/{}", job["parameters"]["report_id"].as_str().unwrap());
        let report = daemon.eventually(&path, |report| report["status"] == "done").await;
        assert_eq!((&report["job_id"], &report["has_data"]), (&job["id"], &json!(true)), "{report}");
        assert_eq!(report["subject"], json!({ "kind": "tag", "tag": "toys" }));
        assert_eq!((&report["period"], &report["window"]["time_zone"]), (&today(), &json!("UTC")));
        assert!(report["size_bytes"].as_u64().unwrap() > 100 && report["expires_at"].is_string());
        let job = expect(200, daemon.get(&format!("/api/v1/jobs/{}", job["id"].as_str().unwrap()))).await;
        assert_eq!((&job["status"], &job["progress"]["done"]), (&json!("done"), &json!(4)), "three products and it");
        let listed = expect(200, daemon.get("/api/v1/reports?subject=tag&status=done")).await;
        assert_eq!(listed["items"], json!([report]));
        assert_eq!(expect(200, daemon.get("/api/v1/reports?subject=product")).await["items"], json!([]));

        let whole: Value = file(&daemon, &path, "format=json").await.json().await.unwrap();
        assert_eq!(whole["title"], report["title"]);
        assert!(whole.to_string().contains("=cmd|"), "the document has the text as it is");
        for (query, content_type, name) in [
            ("format=json", "application/json", "attachment; filename=\"report-tag-"),
            ("format=markdown", "text/markdown; charset=utf-8", "attachment; filename=\"report-tag-"),
            ("format=md", "text/markdown; charset=utf-8", "attachment; filename=\"report-tag-"),
            ("format=html", "text/html; charset=utf-8", "inline; filename=\"report-tag-"),
            ("", "text/html; charset=utf-8", "inline; filename=\"report-tag-"),
            ("format=csv", "text/csv; charset=utf-8", "attachment; filename=\"report-tag-"),
        ] {
            let response = file(&daemon, &path, query).await;
            assert_eq!(header(&response, "content-type"), content_type, "{query}");
            assert!(header(&response, "content-disposition").starts_with(name), "{query}");
            assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{query}");
            let is_html = content_type.starts_with("text/html");
            assert!(header(&response, "content-security-policy").contains("default-src 'none'"), "{query}");
            let tag = header(&response, "etag").to_owned();
            assert!(!tag.is_empty(), "{query}");
            let text = response.text().await.unwrap();
            assert!(products[1..].iter().all(|product| text.contains(product["label"].as_str().unwrap())), "{text}");
            assert!(!is_html || !text.contains("<b>&</b>"), "markup is text: {text}");
            let again = daemon.get(&format!("{path}/file?{query}")).header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), 304, "{query}");
        }
        let csv = file(&daemon, &path, "format=csv").await.text().await.unwrap();
        assert!(csv.contains("'=cmd|"), "no formula: {csv}");
        let response = file(&daemon, &path, "format=xlsx").await;
        let spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(header(&response, "content-type"), spreadsheet);
        let rows = sheets(response.bytes().await.unwrap().to_vec());
        let is_text = |cell: &Data| matches!(cell, Data::String(text) if text == FORMULA);
        assert!(rows.iter().flatten().any(is_text), "{rows:?}");
        let price = products[1]["price"]["amount_minor"].as_f64().unwrap() / 100.0;
        let is_price = |cell: &Data| matches!(cell, Data::Float(number) if (number - price).abs() < 0.001);
        assert!(rows.iter().flatten().any(is_price), "{price} is a number: {rows:?}");
        let none = expect(422, daemon.get(&format!("{path}/file?format=csv&section=none"))).await;
        assert_eq!(none["errors"][0]["field"], "section");
        let wrong = expect(422, daemon.get(&format!("{path}/file?format=pdf"))).await;
        assert_eq!(wrong["errors"][0]["field"], "format");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subject_has_a_report_and_one_without_data_says_so() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let products = watch(&daemon, 3).await;
        let ids: Vec<&Value> = products.iter().map(|product| &product["id"]).collect();
        let set = json!({ "name": "Rivals", "product_id": ids[0], "competitor_ids": ids[1..] });
        let set = expect(201, daemon.post("/api/v1/competitors", &set)).await;
        for subject in [
            json!({ "kind": "product", "product_id": ids[0] }),
            json!({ "kind": "competitor_set", "set_id": set["id"] }),
            json!({ "kind": "tenant" }),
        ] {
            let path = made(&daemon, &about(subject.clone())).await;
            let text = file(&daemon, &path, "format=md").await.text().await.unwrap();
            assert!(text.starts_with("# ") && text.contains("Made at"), "{subject}: {text}");
            let with_data = expect(200, daemon.get(&path)).await;
            assert_eq!(with_data["has_data"], true, "{subject}: {text}");
            let month = json!({ "subject": subject, "period": { "kind": "dates", "from": "2020-01-01", "to": "2020-01-31" },
                "time_zone": "Asia/Shanghai" });
            let path = made(&daemon, &month).await;
            let empty = expect(200, daemon.get(&path)).await;
            assert_eq!((&empty["has_data"], &empty["window"]["from"]), (&json!(false), &json!("2019-12-31T16:00:00Z")));
            let text = file(&daemon, &path, "format=md").await.text().await.unwrap();
            assert!(text.contains("No data"), "{text}");
            file(&daemon, &path, "format=xlsx").await;
        }
        let gone = format!("/api/v1/competitors/{}", set["id"].as_str().unwrap());
        expect(204, daemon.delete(&gone)).await;
        let refused = about(json!({ "kind": "competitor_set", "set_id": set["id"] }));
        assert_eq!(expect(404, daemon.post("/api/v1/reports", &refused)).await["errors"][0]["field"], "subject.set_id");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_the_report_without_a_sign_in_until_it_expires_or_the_report_is_deleted() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        watch(&daemon, 1).await;
        let path = made(&daemon, &about(json!({ "kind": "tenant" }))).await;
        let make = |query: &str| daemon.post(&format!("{path}/link{query}"), &json!({}));
        let link = expect(200, make("?format=xlsx&hours=24")).await;
        let url = link["url"].as_str().unwrap();
        let expires_at: Timestamp = link["expires_at"].as_str().unwrap().parse().unwrap();
        let hours = expires_at.duration_since(Timestamp::now()).as_secs_f64() / 3600.0;
        assert!((23.9..=24.1).contains(&hours), "{hours}");
        let opened = async |url: &str| daemon.client.get(url).send().await.unwrap();
        let response = opened(url).await;
        assert_eq!(response.status(), 200);
        assert!(header(&response, "content-disposition").starts_with("attachment; filename=\"report-tenant-"));
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert!(!sheets(response.bytes().await.unwrap().to_vec()).is_empty());
        let page = opened(&url.replace("format=xlsx", "format=html")).await;
        assert!(header(&page, "content-security-policy").contains("default-src 'none'"));
        assert_eq!(header(&page, "x-content-type-options"), "nosniff");
        let tag = header(&page, "etag").to_owned();
        let again = daemon.client.get(url.replace("format=xlsx", "format=html")).header("if-none-match", tag);
        assert_eq!(again.send().await.unwrap().status(), 304);
        let broken = url.replacen("/auth/reports/", "/auth/reports/B", 1);
        assert_eq!(opened(&broken).await.status(), 404);
        let elsewhere = url.replacen("/auth/reports/", "/auth/links/", 1).replace("?format=xlsx", "");
        assert_eq!(opened(&elsewhere).await.status(), 404, "it does nothing but read the report");
        for (query, field) in [
            ("?hours=0", "hours"),
            ("?hours=721", "hours"),
            ("?hours=many", "hours"),
            ("?format=pdf", "format"),
            ("?days=1", "days"),
        ] {
            let refused = expect(422, make(query)).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        // As long as the report itself, and no longer: as if it were deleted in a moment.
        daemon.execute("UPDATE report SET expires_at = finished_at + 1").await;
        let short = expect(200, make("")).await;
        assert_eq!(opened(short["url"].as_str().unwrap()).await.status(), 404, "it has expired");
        assert_eq!(opened(url).await.status(), 200);
        expect(204, daemon.delete(&path)).await;
        expect(404, daemon.get(&path)).await;
        assert_eq!(opened(url).await.status(), 404, "the report was deleted");
        let audit = expect(200, daemon.get("/api/v1/tenants/me/audit")).await;
        let actions: Vec<&str> =
            audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        for action in ["report.create", "report.link", "report.delete"] {
            assert!(actions.contains(&action), "{actions:?}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_for_those_who_may_read_and_its_making_for_those_who_may_make_it() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = &watch(&daemon, 1).await[0]["id"];
        let path = made(&daemon, &about(json!({ "kind": "product", "product_id": product }))).await;
        add_person(&daemon, "viewer", Role::Viewer).await;
        let viewer = token_of(&daemon, "viewer@example.com").await;
        let of_viewer = |method: Method, path: &str| daemon.request(method, path).bearer_auth(&viewer);
        expect(200, of_viewer(Method::GET, &path)).await;
        expect(200, of_viewer(Method::GET, &format!("{path}/file?format=json"))).await;
        let body = about(json!({ "kind": "tenant" }));
        let refused = expect(403, of_viewer(Method::POST, "/api/v1/reports").json(&body)).await;
        assert_eq!(refused["detail"], "requires the scope report:create");
        expect(403, of_viewer(Method::POST, &format!("{path}/link")).json(&json!({}))).await;
        expect(403, of_viewer(Method::DELETE, &path)).await;
        add_person(&daemon, "admin", Role::TenantAdmin).await;
        let admin = token_of(&daemon, "admin@example.com").await;
        let export = daemon.request(Method::GET, "/api/v1/tenants/me/export").bearer_auth(&admin);
        let export = export.send().await.unwrap().text().await.unwrap();
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let exported: Vec<Value> = lines.filter(|line| line["type"] == "report").collect();
        assert_eq!(exported.len(), 1, "the export of a tenant has its reports");
        assert!(exported[0]["title"].is_string() && exported[0]["document"]["title"] == exported[0]["title"]);
        let crawls = daemon.key_with(&[Scope::CrawlCreate, Scope::ProductRead]).await;
        let action = json!({ "kind": "report", "subject": { "kind": "tenant" }, "period": { "kind": "last_week" } });
        let schedule = json!({ "name": "Weekly", "recurrence": { "every": "weekly" }, "action": action });
        let ask = daemon.request(Method::POST, "/api/v1/schedules").bearer_auth(&crawls).json(&schedule);
        expect(403, ask).await;
        let schedule = expect(201, daemon.post("/api/v1/schedules", &schedule)).await;
        let run = format!("/api/v1/schedules/{}/run", schedule["id"].as_str().unwrap());
        expect(403, daemon.request(Method::POST, &run).bearer_auth(&crawls)).await;

        let jo = newcomer(&daemon, "jo").await;
        let theirs =
            |method: Method, path: &str| daemon.request(method, path).bearer_auth(jo["access_token"].as_str().unwrap());
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::GET, format!("{path}/file?format=json")),
            (Method::DELETE, path.clone()),
        ] {
            expect(404, theirs(method, &path)).await;
        }
        expect(404, theirs(Method::POST, &format!("{path}/link")).json(&json!({}))).await;
        assert_eq!(expect(200, theirs(Method::GET, "/api/v1/reports")).await["items"], json!([]));
        let ours = about(json!({ "kind": "product", "product_id": product }));
        let refused = expect(404, theirs(Method::POST, "/api/v1/reports").json(&ours)).await;
        assert_eq!(refused["errors"][0]["field"], "subject.product_id");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_report_is_refused_by_its_field() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let nobody = "01900000-0000-7000-8000-000000000000";
        let with = |subject: Value, period: Value| json!({ "subject": subject, "period": period });
        let (tenant, week) = (json!({ "kind": "tenant" }), json!({ "kind": "last_week" }));
        for (status, body, field) in [
            (422, json!({}), "subject"),
            (422, json!({ "subject": tenant }), "period"),
            (422, with(json!([]), week.clone()), "subject"),
            (422, with(json!({ "kind": "galaxy" }), week.clone()), "subject.kind"),
            (422, with(json!({ "kind": "product" }), week.clone()), "subject.product_id"),
            (422, with(json!({ "kind": "product", "product_id": "x" }), week.clone()), "subject.product_id"),
            (404, with(json!({ "kind": "product", "product_id": nobody }), week.clone()), "subject.product_id"),
            (404, with(json!({ "kind": "competitor_set", "set_id": nobody }), week.clone()), "subject.set_id"),
            (422, with(json!({ "kind": "tag" }), week.clone()), "subject.tag"),
            (422, with(json!({ "kind": "tag", "tag": "a\u{0}" }), week.clone()), "subject.tag"),
            (422, with(json!({ "kind": "tenant", "tag": "toys" }), week.clone()), "subject.kind"),
            (422, with(tenant.clone(), json!({ "kind": "last_days" })), "period.days"),
            (422, with(tenant.clone(), json!({ "kind": "last_days", "days": 0 })), "period.days"),
            (422, with(tenant.clone(), json!({ "kind": "last_days", "days": 3661 })), "period.days"),
            (422, with(tenant.clone(), json!({ "kind": "last_week", "days": 7 })), "period.kind"),
            (422, with(tenant.clone(), json!({ "kind": "dates", "from": "2026-01-01" })), "period.to"),
            (422, with(tenant.clone(), json!({ "kind": "dates", "from": "1 May", "to": "2026-01-01" })), "period.from"),
            (
                422,
                with(tenant.clone(), json!({ "kind": "dates", "from": "2026-02-01", "to": "2026-01-01" })),
                "period.to",
            ),
            (
                422,
                with(tenant.clone(), json!({ "kind": "dates", "from": "2199-01-01", "to": "2199-01-02" })),
                "period.from",
            ),
            (422, json!({ "subject": tenant, "period": week, "time_zone": "Europe/Atlantis" }), "time_zone"),
            (422, json!({ "subject": tenant, "period": week, "recipients": ["jo@example.com"] }), "recipients"),
        ] {
            let refused = expect(status, daemon.post("/api/v1/reports", &body)).await;
            assert_eq!(refused["errors"][0]["field"], field, "{body}: {refused}");
        }
        for (query, field) in
            [("subject=galaxy", "subject"), ("status=odd", "status"), ("schedule_id=x", "schedule_id")]
        {
            let refused = expect(422, daemon.get(&format!("/api/v1/reports?{query}"))).await;
            assert_eq!(refused["errors"][0]["field"], field);
        }
        let action = |change: Value| {
            let mut action =
                json!({ "kind": "report", "subject": { "kind": "tenant" }, "period": { "kind": "last_week" } });
            action.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            json!({ "name": "Weekly", "recurrence": { "every": "weekly" }, "action": action })
        };
        for (change, field) in [
            (json!({ "tag": "toys" }), "action.kind"),
            (json!({ "kind": "crawl", "all": true }), "action.kind"),
            (json!({ "subject": { "kind": "tag" } }), "action.subject.tag"),
            (json!({ "subject": null }), "action.subject"),
            (json!({ "period": { "kind": "last_days" } }), "action.period.days"),
            (json!({ "period": { "kind": "last_days", "days": 0 } }), "action.period.days"),
            (json!({ "period": { "kind": "dates", "from": "2026-01-01", "to": "2026-01-02" } }), "action.period.kind"),
            (json!({ "formats": ["pdf"] }), "action.formats[0]"),
            (json!({ "recipients": ["root@example.com"] }), "action.recipients"),
        ] {
            let refused = expect(422, daemon.post("/api/v1/schedules", &action(change.clone()))).await;
            assert_eq!(refused["errors"][0]["field"], field, "{change}: {refused}");
        }
        daemon.end().await;
    })
    .await;
}

async fn start_with_mail(engine: Engine, mailbox: &Mailbox) -> Daemon {
    let url = Secret::from(mailbox.url());
    Daemon::start_with(engine, |settings| {
        settings.mail.smtp_url = Some(url);
        settings.mail.from = Some("tracker@example.com".parse().unwrap());
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_sends_its_report_to_users_of_the_tenant_once() {
    on_both_engines(async |engine| {
        let mut mailbox = Mailbox::start();
        let daemon = start_with_mail(engine, &mailbox).await;
        add_person(&daemon, "reader", Role::Viewer).await;
        watch(&daemon, 2).await;
        let action = |recipients: Value| {
            json!({ "kind": "report", "subject": { "kind": "tag", "tag": "toys" },
                "period": { "kind": "last_days", "days": 7 }, "recipients": recipients })
        };
        let monday = json!({ "cron": "0 5 * * 1", "time_zone": "Asia/Shanghai" });
        let schedule =
            |recipients: Value| json!({ "name": "Weekly", "recurrence": monday, "action": action(recipients) });
        for (recipients, field) in [
            (json!(["stranger@example.org"]), "action.recipients[0]"),
            (json!(["reader@example.com", "not an address"]), "action.recipients[1]"),
            (json!(["reader@example.com", "Reader@example.com"]), "action.recipients[1]"),
        ] {
            let refused = expect(422, daemon.post("/api/v1/schedules", &schedule(recipients))).await;
            assert_eq!(refused["errors"][0]["field"], field, "no open relay: {refused}");
        }
        let created = expect(201, daemon.post("/api/v1/schedules", &schedule(json!(["reader@example.com"])))).await;
        assert_eq!(created["action"]["recipients"], json!(["reader@example.com"]));
        assert_eq!(created["action"]["formats"], json!(["html", "xlsx"]));
        let path = format!("/api/v1/schedules/{}", created["id"].as_str().unwrap());
        let job = expect(202, daemon.post(&format!("{path}/run"), &json!({}))).await;
        assert_eq!(job["parameters"]["window"]["time_zone"], "Asia/Shanghai");
        let again = expect(409, daemon.post(&format!("{path}/run"), &json!({}))).await;
        assert_eq!(again["code"], "already_reported");

        let mail = mailbox.next_raw().await;
        let mail = MessageParser::default().parse(mail.as_bytes()).unwrap();
        let window = job["parameters"]["window"]["name"].as_str().unwrap();
        assert!(mail.subject().unwrap().contains(window), "{:?} names {window}", mail.subject());
        assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("reader@example.com"));
        let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
        // Of the last whole days nothing is known: the products were added today.
        assert!(text.contains("No data") && html.contains("No data"), "{text}");
        let link = text.split_whitespace().find(|word| word.contains("/auth/reports/")).unwrap();
        assert!(html.contains("/auth/reports/") && !html.contains("<script"), "{html}");
        let page = daemon.client.get(link).send().await.unwrap();
        assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
        let attached = mail.attachment(0).unwrap();
        assert_eq!(attached.attachment_name(), Some("report.xlsx"));
        assert!(!sheets(attached.contents().to_vec()).is_empty());
        let report = format!("/api/v1/reports/{}", job["parameters"]["report_id"].as_str().unwrap());
        let report = expect(200, daemon.get(&report)).await;
        assert_eq!(
            (&report["schedule_id"], &report["created_by"]),
            (&created["id"], &json!(format!("schedule:{}", created["id"].as_str().unwrap())))
        );
        // Once: the next mail is about something else.
        let forgot = json!({ "email": "reader@example.com" });
        expect(202, daemon.request(Method::POST, "/api/v1/auth/forgot-password").json(&forgot)).await;
        assert!(mailbox.next().await.contains("Subject: Set a new password"));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_being_made_can_be_deleted_and_cancelled() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    watch(&daemon, 1).await;
    let job = expect(202, daemon.post("/api/v1/reports", &about(json!({ "kind": "tenant" })))).await;
    let path = format!("/api/v1/reports/{}", job["parameters"]["report_id"].as_str().unwrap());
    expect(204, daemon.delete(&path)).await;
    let job = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let ended = daemon.eventually(&job, |job| !job["finished_at"].is_null()).await;
    assert!(["cancelled", "done"].contains(&ended["status"].as_str().unwrap()), "{ended}");
    expect(404, daemon.get(&path)).await;
    assert_eq!(expect(200, daemon.get("/api/v1/reports")).await["items"], json!([]));
    daemon.end().await;
}
