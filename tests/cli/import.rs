//! `import`: what a file becomes, and how an import that was interrupted goes on.

use std::io::Write;
use std::process::Stdio;

use crate::place::{Place, text};
use crate::{error_of, tracker};

#[test]
fn a_file_is_imported_and_the_lines_that_failed_are_named() {
    let place = Place::new();
    let file = place.file("asin;label\nB000000001;One\nB000000002;Two\nnonsense;Three\n");
    let dry = place.import(&[&file, "--marketplace", "de", "--dry-run"]);
    assert!(text(&dry.stdout).starts_with("would add 2, skipped 0, failed 1 of 3 lines\nline 4: listing: "), "{dry:?}");
    assert_eq!(place.query("SELECT count(*) FROM product"), 0);
    let imported = place.import(&[&file, "--marketplace", "de", "--tag", "toys", "--frequency", "6h", "--competitor"]);
    assert!(text(&imported.stdout).starts_with("added 2, skipped 0, failed 1 of 3 lines\n"), "{imported:?}");
    assert_eq!(imported.status.code(), Some(1), "a line has failed");
    let products = "SELECT count(*) FROM product WHERE tags = '[\"toys\"]' AND interval_secs = 21600 AND is_competitor";
    assert_eq!(place.query(products), 2);
}

#[test]
fn standard_input_is_imported() {
    let place = Place::new();
    let mut child = tracker()
        .args(["import", "products", "--database-url", &place.url(), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"B000000001\nB000000002\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "added 2, skipped 0, failed 0 of 2 lines\n")
    );
}

#[test]
fn an_import_that_was_interrupted_goes_on() {
    let place = Place::new();
    let lines: String = (0..5_000).map(|n| format!("B{n:09}\n")).collect();
    let file = place.file(&lines);
    let mut child = tracker()
        .args(["import", "products", "--database-url", &place.url(), &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut told).unwrap();
    while place.query("SELECT count(*) FROM product") == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = place.query("SELECT count(*) FROM job_item WHERE status = 'done'");
    assert!(done < 5_000, "it has ended before it was killed");
    assert_eq!(place.query("SELECT count(*) FROM product"), done);
    // As if the lease of the step that it died in had expired.
    place.query("UPDATE job SET ready_at = 0 RETURNING 0");
    let job = told.split_whitespace().nth(1).unwrap().trim_end_matches(';');
    let resumed = place.import(&["--resume", job]);
    assert_eq!(text(&resumed.stdout), "added 5000, skipped 0, failed 0 of 5000 lines\n", "{resumed:?}");
    assert_eq!(place.query("SELECT count(*) FROM product"), 5_000);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    for (arguments, named) in [
        (vec!["no-such-file.csv".to_owned()], "no-such-file.csv"),
        (vec![place.file_named("empty.csv", "")], "it names no products"),
        (vec![place.file_named("binary.csv", "\0binary\n")], "not a text"),
        (vec![place.file("B000000001"), "--tag".to_owned(), "x".repeat(51)], "--tag"),
        (vec!["--resume".to_owned(), "01900000-0000-7000-8000-000000000000".to_owned()], "no such job"),
    ] {
        let output = place.import(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let error = error_of(&output);
        assert!(error.contains(named), "{error}");
        if place.folder.path().join("tracker.sqlite").exists() {
            assert_eq!(place.query("SELECT count(*) FROM job"), 0, "{named}");
        }
    }
}

/// A product of a saved answer with list prices since 2025.
fn keepa_product(n: u32) -> serde_json::Value {
    let csv = serde_json::json!([null, null, null, null, [7_364_160, 1999, 7_601_760, -1, 7_620_000, 2499]]);
    serde_json::json!({ "asin": format!("B{n:09}"), "domainId": 3, "productType": 0, "csv": csv, "lastUpdate": 7_630_000 })
}

#[test]
fn the_past_of_products_is_imported_from_a_saved_answer_of_keepa() {
    let place = Place::new();
    let list = place.file("B000000001\n");
    assert!(place.import(&[&list, "--marketplace", "de"]).status.success());
    let nobody = serde_json::json!({ "domainId": 3, "csv": [] });
    let unknown = serde_json::json!({ "asin": "B000000009", "domainId": 3, "productType": 4 });
    let answer =
        serde_json::json!({ "tokensLeft": 5, "products": [keepa_product(1), keepa_product(2), unknown, nobody] });
    let file = place.file_named("answer.json", &answer.to_string());
    let import = |arguments: &[&str]| {
        let output = tracker()
            .args(["import", "keepa", "--database-url", &place.url(), &file])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "one product has no ASIN: {output:?}");
        text(&output.stdout)
    };
    let dry = import(&["--dry-run", "--add"]);
    assert!(dry.ends_with("would import at most 2, unchanged 0, skipped 1, failed 1 of 4 listings\n"), "{dry}");
    assert_eq!(place.query("SELECT count(*) FROM point"), 0);
    let imported = import(&[]);
    let expected = "de/B000000001: 3 points\nde/B000000002: skipped: not a product of the tenant (--add adds it)\n\
         de/B000000009: skipped: the file has no history of it\nproduct 4: failed: it has no ASIN\n\
         imported 1, unchanged 0, skipped 2, failed 1 of 4 listings\n";
    assert_eq!(imported, expected);
    let added = import(&["--add", "--tag", "toys", "--frequency", "6h", "--competitor"]);
    assert!(
        added.starts_with("de/B000000001: nothing new before the first crawl\nde/B000000002: 3 points\n"),
        "{added}"
    );
    let products = "SELECT count(*) FROM product WHERE tags = '[\"toys\"]' AND interval_secs = 21600 AND is_competitor";
    assert_eq!((place.query(products), place.query("SELECT count(*) FROM point")), (1, 6));
    assert_eq!(place.query("SELECT count(*) FROM point WHERE number IS NULL"), 2, "times without a list price");
    for broken in ["", "[]", "{\"error\":{}}"] {
        let file = place.file_named("broken.json", broken);
        let output = tracker().args(["import", "keepa", "--database-url", &place.url(), &file]).output().unwrap();
        assert!(error_of(&output).contains("broken.json"), "{broken}");
    }
}
