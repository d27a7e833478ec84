//! `migrate-store`, `seed` and `backup`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Server;
use crate::{Running, address_in, error_of, run, tracker};

/// A folder, and the URL of an SQLite database in it.
fn database() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    (folder, url)
}

fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The word after another.
fn after<'t>(text: &'t str, word: &str) -> &'t str {
    text.split(word).nth(1).unwrap().split_whitespace().next().unwrap()
}

#[tokio::test]
async fn an_example_is_seeded_once_and_its_key_works() {
    let (_folder, database) = database();
    let seed = ["seed", "--database-url", &database];
    let first = said(&seed);
    assert!(first.contains("tenant Example") && first.contains("added 6 products and 3 alerts"), "{first}");
    let again = said(&seed);
    assert!(again.contains("added 0 products and 0 alerts") && again.contains("reset-password"), "{again}");
    assert!(!again.contains("API key"), "{again}");

    let serve = ["serve", "--listen", "127.0.0.1:0", "--base-url", "http://127.0.0.1:9", "--database-url", &database];
    let mut daemon = Running::start(tracker().args(serve));
    let api = format!("http://{}/api/v1", address_in(&daemon.until_it_says("listening on")));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = client.get(format!("{api}/products")).header("X-API-Key", after(&first, "API key"));
    let products: Value = ask.send().await.unwrap().json().await.unwrap();
    assert_eq!(products["items"].as_array().unwrap().len(), 6, "{products}");
    for (email, password) in [("example-admin@example.com", 0), ("example-viewer@example.com", 1)] {
        let password = first.split("password ").nth(1 + password).unwrap().lines().next().unwrap();
        let login = serde_json::json!({ "email": email, "password": password });
        assert_eq!(client.post(format!("{api}/auth/login")).json(&login).send().await.unwrap().status(), 200);
    }
}

#[test]
fn what_was_given_up_is_taken_up_again() {
    let (_folder, database) = database();
    said(&["seed", "--database-url", &database]);
    let unfetched = error_of(&run(&["listing", "--database-url", &database, "refetch-history", "com", "B000000000"]));
    assert!(unfetched.contains("B000000000 on com"), "{unfetched}");
    let unknown = error_of(&run(&["listing", "--database-url", &database, "release", "com", "B000000000"]));
    assert!(unknown.contains("B000000000 on com") && !unknown.contains("refused"), "{unknown}");
    let id = "01900000-0000-7000-8000-000000000000";
    let unknown = error_of(&run(&["delivery", "--database-url", &database, "retry", id]));
    assert!(unknown.contains(id) && unknown.contains("no dead delivery"), "{unknown}");
}

#[test]
fn production_is_not_seeded_unless_it_is_forced() {
    let (folder, database) = database();
    fs::write(folder.path().join("production.toml"), "").unwrap();
    let config = folder.path().to_str().unwrap();
    let mut seed = tracker();
    seed.env("TRACKER_ENV", "production").args(["--config-dir", config, "seed", "--database-url", &database]);
    let error = error_of(&seed.output().unwrap());
    assert!(error.contains("--force"), "{error}");
    assert!(!folder.path().join("tracker.sqlite").exists());
    assert!(seed.arg("--force").output().unwrap().status.success());
}

#[test]
fn a_store_that_is_moved_is_shown_table_by_table_and_works_where_it_is() {
    let (_folder, from) = database();
    let seeded = said(&["seed", "--database-url", &from]);
    Server::shared().create_database("moved");
    let to = Server::shared().url("moved");
    let moved = said(&["migrate-store", "--from", &from, "--to", &to]);
    let rows = |table: &str| {
        let line = moved.lines().find(|line| line.split_whitespace().next() == Some(table));
        line.unwrap().split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!((rows("product"), rows("tenant"), rows("point")), ("6".to_owned(), "2".to_owned(), "0".to_owned()));
    assert!(moved.ends_with("the checksums match\n"), "{moved}");
    let tenants = said(&["tenant", "--database-url", &to, "list"]);
    assert!(tenants.contains(after(&seeded, "tenant Example")), "{tenants}");
    let again = error_of(&run(&["migrate-store", "--from", &from, "--to", &to]));
    assert!(again.contains("the target is not empty"), "{again}");
}

#[test]
fn a_move_that_cannot_be_made_says_why_and_shows_no_password() {
    let (folder, from) = database();
    said(&["seed", "--database-url", &from]);
    let closed = "postgres://me:hunter2@127.0.0.1:1/tracker";
    let none = format!("sqlite://{}", folder.path().join("none.sqlite").display());
    let daemon = ["serve", "--listen", "127.0.0.1:0", "--base-url", "http://127.0.0.1:9", "--database-url", &from];
    for (from, to, named) in [
        (from.as_str(), closed, "the target: the database is unavailable"),
        (from.as_str(), "postgres://me:hunter2@127.0.0.1:port/x", "the target"),
        (closed, from.as_str(), "only SQLite to PostgreSQL"),
        ("mysql://me:hunter2@db/x", closed, "the source"),
        (none.as_str(), closed, "the source"),
    ] {
        let error = error_of(&run(&["migrate-store", "--from", from, "--to", to]));
        assert!(error.contains(named) && !error.contains("hunter2"), "{error}");
    }
    let mut daemon = Running::start(tracker().args(daemon));
    daemon.until_it_says("listening on");
    let error = error_of(&run(&["migrate-store", "--from", &from, "--to", closed]));
    assert!(error.contains("has the source database open"), "{error}");
}

#[test]
fn a_backup_is_a_database_and_replaces_no_file() {
    let (folder, database) = database();
    let seeded = said(&["seed", "--database-url", &database]);
    let file = folder.path().join("backup.sqlite");
    let backup = |to: &Path| run(&["backup", "--database-url", &database, "--to", to.to_str().unwrap()]);
    assert!(backup(&file).status.success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the database and its copy");
    let tenants = said(&["tenant", "--database-url", &format!("sqlite://{}", file.display()), "list"]);
    assert!(tenants.contains(after(&seeded, "tenant Example")), "{tenants}");
    assert!(error_of(&backup(&file)).contains("exists"));
    assert!(error_of(&backup(Path::new("/no/such/folder/backup"))).contains("/no/such/folder/backup"));
    let server = run(&["backup", "--database-url", "postgres://me:hunter2@db/x", "--to", "x"]);
    let error = error_of(&server);
    assert!(error.contains("pg_dump") && !error.contains("hunter2"), "{error}");
}
