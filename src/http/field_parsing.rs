//! Texts of queries and bodies as values: each one that is wrong adds an error that names its field.

use crate::service::FieldError;

/// Maximum length of a search text.
const MAX_TEXT_CHARS: usize = 200;

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
    let is_wrong = |text: &str| text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control);
    if text.is_some_and(is_wrong) {
        let message = format!("must have at most {MAX_TEXT_CHARS} characters and no control characters");
        errors.push(FieldError::new(field, message));
    }
}

/// `true` or `false`; adds an error for anything else.
pub(super) fn truth(field: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<bool> {
    let truth = text.parse().ok();
    if truth.is_none() {
        errors.push(FieldError::new(field, "must be true or false"));
    }
    truth
}
