//! Cursors: where the next page of a list begins. Opaque to clients.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Page, StoreError, StoreResult};

/// The value that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SortKey {
    /// A time or an amount.
    Number(i64),
    /// A title.
    Text(String),
    /// The row has no value and stands at the end.
    Missing(()),
}

/// The sort key and the id of the last row of a page, and the list that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    list: String,
    pub(crate) key: SortKey,
    pub(crate) id: Uuid,
}

impl Cursor {
    /// Parses the cursor of a client. One that was not made for this list is [`StoreError::InvalidCursor`].
    pub(crate) fn of(list: &str, text: Option<&str>) -> StoreResult<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| StoreError::InvalidCursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| StoreError::InvalidCursor)?;
        // No title contains NUL, and PostgreSQL refuses it.
        let is_forged = matches!(&cursor.key, SortKey::Text(text) if text.contains('\0'));
        if cursor.list == list && !is_forged { Ok(Some(cursor)) } else { Err(StoreError::InvalidCursor) }
    }

    fn write(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor is numbers and texts: JSON holds it"))
    }
}

/// Makes a page of at most `limit + 1` rows: the extra row shows that there is a next page.
pub(crate) fn page<T>(list: &str, mut items: Vec<T>, limit: u32, last_row: impl Fn(&T) -> (SortKey, Uuid)) -> Page<T> {
    let limit = limit as usize;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| has_more).map(|item| {
        let (key, id) = last_row(item);
        Cursor { list: list.to_owned(), key, id }.write()
    });
    Page { items, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_only_to_its_own_list() {
        for key in [SortKey::Number(-3), SortKey::Text("Ünï".into()), SortKey::Missing(())] {
            let cursor = Cursor { list: "rules".into(), key, id: Uuid::now_v7() };
            let text = cursor.write();
            assert_eq!(Cursor::of("rules", Some(&text)).unwrap(), Some(cursor));
            assert!(matches!(Cursor::of("events", Some(&text)), Err(StoreError::InvalidCursor)));
        }
        let forged = Cursor { list: "rules".into(), key: SortKey::Text("a\0".into()), id: Uuid::now_v7() }.write();
        for text in ["nonsense!", &forged] {
            assert!(matches!(Cursor::of("rules", Some(text)), Err(StoreError::InvalidCursor)));
        }
    }
}
