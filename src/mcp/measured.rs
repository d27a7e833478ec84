//! Values of insight in answers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::insight::Measure;

/// A value with what it rests on, or why it is missing.
#[derive(Serialize, JsonSchema)]
pub(super) struct Measured<T> {
    value: Option<T>,
    n: usize,
    coverage: f64,
    missing: Option<String>,
}

impl<T> Measured<T> {
    /// A measure with its value in the form of an answer.
    pub(super) fn of<V>(measure: Measure<V>, render: impl FnOnce(V) -> T) -> Self {
        let Measure { n, coverage, value } = measure;
        match value {
            Ok(value) => Self { value: Some(render(value)), n, coverage, missing: None },
            Err(missing) => Self { value: None, n, coverage, missing: Some(missing.to_string()) },
        }
    }
}

impl<T> From<Measure<T>> for Measured<T> {
    fn from(measure: Measure<T>) -> Self {
        Self::of(measure, |value| value)
    }
}
