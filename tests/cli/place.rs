//! A database that commands work on.

use std::fs;
use std::process::Output;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::tracker;

/// A database of its own.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("tracker.sqlite").display())
    }

    pub fn file(&self, text: &str) -> String {
        self.file_named("products.csv", text)
    }

    pub fn file_named(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn import(&self, arguments: &[&str]) -> Output {
        tracker().args(["import", "products", "--database-url", &self.url()]).args(arguments).output().unwrap()
    }

    pub fn query(&self, sql: &'static str) -> i64 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut conn = SqliteConnection::connect(&self.url()).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
        })
    }
}

/// The text of an output.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
