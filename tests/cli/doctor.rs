//! `doctor` on installations that work and on broken ones.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::mailbox::Mailbox;
use crate::postgres::Server;
use crate::redis::Redis;
use crate::{Running, address_in, run, tracker};

/// What `doctor --json` found, in this environment.
fn examined(variables: &[(&str, &str)], arguments: &[&str]) -> (Output, Value) {
    let mut doctor = tracker();
    doctor.envs(variables.iter().copied()).args(["doctor", "--json"]).args(arguments);
    let output = doctor.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, report)
}

/// Result, detail and remedy of a check.
fn found<'r>(report: &'r Value, check: &str) -> (&'r str, &'r str, &'r str) {
    let finding = report["checks"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
    let finding = finding.unwrap_or_else(|| panic!("{check} in {report:#}"));
    let text = |field: &str| finding[field].as_str().unwrap_or_default();
    (text("result"), text("detail"), text("remedy"))
}

#[tokio::test]
async fn an_installation_that_works_has_no_faults() {
    let (server, redis, mut mailbox) = (Server::shared(), Redis::start(), Mailbox::start());
    server.create_database("examined");
    let database = server.url("examined");
    assert!(run(&["migrate", "--database-url", &database]).status.success());
    let mut market = Running::start(tracker().args(["simulate", "--listen", "127.0.0.1:0"]));
    let market = format!("http://{}", address_in(&market.until_it_says("simulated marketplace on")));
    let variables = [
        ("DATABASE_URL", database.as_str()),
        ("REDIS_URL", &redis.url()),
        ("SMTP_URL", &mailbox.url()),
        ("MAIL_FROM", "tracker@example.com"),
        ("APIFY_API_TOKEN", "hunter2"),
        ("TRACKER__APIFY__BASE_URL", &market),
        ("TRACKER__CRAWL__BASE_URL", &market),
        ("TRACKER__CRAWL__SOURCES", "[\"apify\",\"direct\"]"),
        ("TRACKER__CRAWL__COOKIES", "{de=\"x=hunter2\"}"),
    ];
    let (output, report) = examined(&variables, &["--mail-to", "jo@example.com"]);
    assert_eq!((output.status.code(), &report["healthy"]), (Some(0), &true.into()), "{report:#}");
    for check in [
        "database",
        "database/connections",
        "clock/the database",
        "redis",
        "mail",
        "source/direct/com",
        "source/direct/de",
        "clock/HTTP servers",
        "source/apify",
        "disk/temporary",
    ] {
        assert_eq!(found(&report, check).0, "ok", "{check} in {report:#}");
    }
    assert_eq!(found(&report, "configuration").0, "warning", "it has no key");
    assert!(!report.to_string().contains("hunter2"));
    assert!(mailbox.next().await.contains("To: jo@example.com"));
}

#[test]
fn each_fault_has_a_remedy_and_the_exit_code_tells() {
    let nobody = "127.0.0.1:1";
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let variables = [
        ("DATABASE_URL", database.as_str()),
        ("REDIS_URL", &format!("redis://:hunter2@{nobody}")),
        ("SMTP_URL", &format!("smtp://{nobody}")),
        ("MAIL_FROM", "tracker@example.com"),
        ("APIFY_API_TOKEN", "hunter2"),
        ("TRACKER__APIFY__BASE_URL", &format!("http://{nobody}")),
        ("TRACKER__CRAWL__BASE_URL", &format!("http://{nobody}")),
        ("TRACKER__CRAWL__SOURCES", "[\"apify\",\"direct\"]"),
    ];
    let (output, report) = examined(&variables, &[]);
    assert_eq!((output.status.code(), &report["healthy"]), (Some(1), &false.into()));
    for check in ["redis", "mail", "source/direct/com", "source/apify"] {
        let (result, detail, remedy) = found(&report, check);
        assert!(result == "fault" && !detail.is_empty() && !remedy.is_empty(), "{check} in {report:#}");
    }
    let (result, detail, _) = found(&report, "database");
    assert!(result == "ok" && detail.contains("will be created"), "{detail}");
    assert!(!folder.path().join("tracker.sqlite").exists(), "an examination creates nothing");
    assert!(!report.to_string().contains("hunter2"));
}

#[test]
fn nothing_is_requested_from_amazon_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (_, report) = examined(&[("DATABASE_URL", &database)], &[]);
    let (result, detail, _) = found(&report, "source/direct");
    assert!(result == "skipped" && detail.contains("--amazon"), "{detail}");
    assert_eq!(found(&report, "redis").0, "skipped");
    assert_eq!(found(&report, "mail").0, "skipped");
}

#[test]
fn a_migrated_file_is_written_and_a_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tracker.sqlite");
    let database = format!("sqlite://{}", file.display());
    assert!(run(&["migrate", "--database-url", &database]).status.success());
    let (output, report) = examined(&[("DATABASE_URL", &database)], &[]);
    assert!(output.status.success(), "{report:#}");
    assert!(found(&report, "database").1.contains("writable"));
    assert!(found(&report, "disk/data").1.contains("MB free"));
    // A folder of the system that takes no files, also not root's.
    let (output, report) = examined(&[("DATABASE_URL", "sqlite:///proc/amazon-tracker/tracker.sqlite")], &[]);
    let (result, detail, remedy) = found(&report, "disk/data");
    assert_eq!((output.status.code(), result), (Some(1), "fault"), "{report:#}");
    assert!(detail.contains("/proc") && remedy.contains("permission"), "{detail}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn a_database_without_a_schema_or_with_a_newer_one_is_a_fault() {
    let server = Server::shared();
    server.create_database("unmigrated");
    let database = server.url("unmigrated");
    let examine = || {
        let (output, report) = examined(&[("DATABASE_URL", &database)], &[]);
        assert_eq!(output.status.code(), Some(1), "{report:#}");
        found(&report, "database").2.to_owned()
    };
    assert!(examine().contains("amazon-tracker migrate"));
    assert!(run(&["migrate", "--database-url", &database]).status.success());
    let mut connection = PgConnection::connect(&database).await.unwrap();
    for statement in [
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', true, '', 0)",
        "UPDATE schema_support SET oldest_step = 9999",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    assert!(examine().contains("install the version"));
}

#[test]
fn settings_that_cannot_be_used_are_the_only_finding() {
    let (output, report) = examined(&[("TRACKER__CRAWL__BURST", "0")], &[]);
    assert_eq!((output.status.code(), report["checks"].as_array().unwrap().len()), (Some(1), 1));
    assert!(found(&report, "configuration").1.contains("crawl.burst"));
    let text = String::from_utf8(run(&["doctor", "--database-url", "sqlite::memory:"]).stdout).unwrap();
    assert!(text.lines().any(|line| line.starts_with("ok")), "{text}");
}
