//! Which part of a list.

use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use super::products::limit_of;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The `next_cursor` of the last page.
    cursor: Option<String>,
    /// Rows, 1 to 500; 50 unless it is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<String>,
}

impl PageQuery {
    /// The cursor, and how many rows.
    pub(super) fn parsed(self) -> Result<(Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if errors.is_empty() { Ok((self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}
