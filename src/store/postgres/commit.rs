//! The commit: a batch in one statement, passed as JSON.

use std::collections::HashSet;

use super::Backend;
use crate::store::batch::{crawls, points, steps};
use crate::store::{Commit, StoreResult};

/// Writes some commits, each as a whole or not at all. Returns listing and token of those that were recorded.
pub(super) async fn write(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    const COMMIT: &str = include_str!("commit.sql");
    let query = sqlx::query_as(COMMIT).bind(crawls(commits)).bind(points(commits)).bind(steps(commits));
    let query = query.bind(store.clock.manual_ms());
    let recorded: Vec<(i64, i64)> = store.on_claims(async |conn| query.fetch_all(conn).await).await?;
    Ok(recorded.into_iter().collect())
}
