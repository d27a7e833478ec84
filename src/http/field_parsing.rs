//! Texts of queries and bodies as values: each one that is wrong adds an error that names its field.

use crate::service::{FieldError, checked_search_text};

/// Parses an optional text, and adds an error if it is malformed.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            errors.push(FieldError::new(field, error));
            None
        }
    }
}

/// Adds an error if a text that is searched for cannot be one of a product.
pub(super) fn check_text(field: &str, text: Option<&str>, errors: &mut Vec<FieldError>) {
    let checked = checked_search_text(field, text.map(str::to_owned));
    errors.extend(checked.err().into_iter().flat_map(|error| error.fields().to_vec()));
}

/// `true` or `false`; adds an error for anything else.
pub(super) fn truth(field: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<bool> {
    let truth = text.parse().ok();
    if truth.is_none() {
        errors.push(FieldError::new(field, "must be true or false"));
    }
    truth
}
