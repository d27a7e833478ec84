//! Lists in the order newest first.

use sqlx::QueryBuilder;

use super::Db;
use crate::store::cursor::{Cursor, SortKey};
use crate::store::{StoreError, StoreResult};

/// The end of a query after its `WHERE`: the rows behind the cursor, newest first, one more than `limit`.
pub(super) fn push_newest_first(
    query: &mut QueryBuilder<Db>,
    time_column: &'static str,
    cursor: Option<Cursor>,
    limit: u32,
) -> StoreResult<()> {
    if let Some(cursor) = cursor {
        let SortKey::Number(time_ms) = cursor.key else { return Err(StoreError::InvalidCursor) };
        query.push(format_args!(" AND ({time_column}, id) < (")).push_bind(time_ms);
        query.push(", ").push_bind(cursor.id).push(")");
    }
    query.push(format_args!(" ORDER BY {time_column} DESC, id DESC LIMIT ")).push_bind(i64::from(limit) + 1);
    Ok(())
}
