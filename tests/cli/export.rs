//! `export`: tables in files, and how an export that was interrupted goes on.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use crate::place::{Place, text};
use crate::{error_of, tracker};

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn export(&self, what: &str, file: &str, arguments: &[&str]) -> Output {
        let mut command = tracker();
        command.args(["export", what, "--database-url", &self.url()]);
        command.arg(if file == "-" { PathBuf::from("-") } else { self.path(file) });
        command.args(arguments).output().unwrap()
    }

    /// Products without values, and a point of the first one.
    fn with_products(count: usize) -> Self {
        let place = Self::new();
        let lines: String = (0..count).map(|n| format!("B{n:09},Label {n}\n")).collect();
        let file = place.file(&format!("asin,label\n{lines}"));
        let imported = place.import(&[&file, "--marketplace", "de", "--tag", "toys"]);
        assert!(imported.status.success(), "{imported:?}");
        place.query(
            "INSERT INTO point (listing_id, series, category, at, number) \
             SELECT id, 1, '', 1000, 1999 FROM listing WHERE asin = 'B000000000' RETURNING 0",
        );
        place
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

#[test]
fn products_and_history_are_written_in_the_format_of_the_file_name() {
    let place = Place::with_products(3);
    let exported = place.export("products", "table.csv", &[]);
    assert_eq!(text(&exported.stdout), "exported 3 rows of 3 products\n", "{exported:?}");
    let csv = place.read("table.csv");
    assert!(csv.starts_with("product_id,marketplace,asin,"), "{csv}");
    assert_eq!((csv.lines().count(), csv.contains(",Label 2,")), (4, true));
    let exported = place.export("history", "history.ndjson", &["--series", "price,rating", "--tag", "toys"]);
    assert_eq!(text(&exported.stdout), "exported 1 rows of 3 products\n", "{exported:?}");
    let point: serde_json::Value = serde_json::from_str(&place.read("history.ndjson")).unwrap();
    assert_eq!(
        (&point["series"], &point["value"], &point["currency"]),
        (&"price".into(), &19.99.into(), &"EUR".into())
    );
    let exported = place.export("products", "products.xlsx", &["--marketplace", "fr"]);
    assert_eq!(text(&exported.stdout), "exported 0 rows of 0 products\n", "{exported:?}");
    let exported = place.export("products", "-", &["--format", "json", "--status", "active"]);
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&exported.stdout).unwrap().len(), 3);
    assert!(!place.path("table.csv.resume").exists());
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let place = Place::with_products(3);
    assert!(place.export("products", "again.csv", &[]).status.success());
    place.query("DELETE FROM product WHERE label = 'Label 1' RETURNING 0");
    let imported = place.import(&[place.path("again.csv").to_str().unwrap()]);
    assert_eq!(text(&imported.stdout), "added 1, skipped 2, failed 0 of 3 lines\n", "{imported:?}");
}

#[test]
fn an_export_that_was_interrupted_goes_on_and_is_the_same_file() {
    let place = Place::with_products(5_000);
    for format in ["csv", "json"] {
        let (whole, killed) = (format!("whole.{format}"), format!("killed.{format}"));
        assert!(place.export("products", &whole, &[]).status.success());
        let mut child = tracker()
            .args(["export", "products", "--database-url", &place.url()])
            .arg(place.path(&killed))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let has_pages = || {
            let saved = fs::read_to_string(place.path(&format!("{killed}.resume"))).unwrap_or_default();
            saved.contains("\"cursor\":\"")
        };
        while !has_pages() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(place.read(&killed).len() < place.read(&whole).len(), "it has ended before it was killed");
        let other = place.export("products", &killed, &["--resume", "--tag", "toys"]);
        assert!(error_of(&other).contains("the other arguments differ"), "{other:?}");
        let resumed = place.export("products", &killed, &["--resume"]);
        assert_eq!(text(&resumed.stdout), "exported 5000 rows of 5000 products\n", "{resumed:?}");
        assert_eq!(place.read(&killed), place.read(&whole));
        assert!(!place.path(&format!("{killed}.resume")).exists());
    }
}

#[test]
fn a_wrong_export_is_refused_and_no_file_is_overwritten() {
    let place = Place::with_products(1);
    fs::write(place.path("mine.csv"), "mine").unwrap();
    for (what, file, arguments, named) in [
        ("products", "mine.csv", vec![], "mine.csv"),
        ("products", "table.doc", vec![], "--format"),
        ("products", "new.csv", vec!["--resume"], "new.csv.resume"),
        ("products", "new.csv", vec!["--tenant", "00000000-0000-7000-8000-000000000009"], "--tenant"),
        ("history", "new.csv", vec!["--from", "2026-02-01T00:00:00Z", "--to", "2026-01-01T00:00:00Z"], "--to"),
    ] {
        let refused = place.export(what, file, &arguments);
        assert!(error_of(&refused).contains(named), "{refused:?}");
    }
    assert_eq!(place.read("mine.csv"), "mine");
    assert!(!place.path("new.csv").exists());
}
