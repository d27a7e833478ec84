//! The arguments of a call, strictly: what is wrong is named.

use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::service::{FieldError, ServiceError, ServiceResult};

/// Reads the arguments of a call.
///
/// # Errors
/// The first wrong field.
pub(super) fn parsed<T: DeserializeOwned>(arguments: JsonObject) -> ServiceResult<T> {
    // A client that fills in every field of a schema means by null that it gives nothing.
    let given = arguments.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
        let wrong = FieldError::of_wrong_value(&error.path().to_string(), &error.inner().to_string());
        ServiceError::Invalid(vec![wrong])
    })
}

/// The number of rows of a list.
///
/// # Errors
/// A wrong `limit`.
pub(super) fn rows(limit: Option<u32>, default: u32, max: u32) -> ServiceResult<u32> {
    within("limit", limit.unwrap_or(default), 1, max)
}

/// A number within its bounds.
///
/// # Errors
/// A wrong field.
pub(super) fn within(field: &str, number: u32, min: u32, max: u32) -> ServiceResult<u32> {
    let is_within = (min..=max).contains(&number);
    is_within
        .then_some(number)
        .ok_or_else(|| ServiceError::invalid(field, format!("must be an integer from {min} to {max}")))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::domain::ProductId;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Arguments {
        product_id: ProductId,
        limit: Option<u32>,
    }

    fn wrong(arguments: Value) -> String {
        let Value::Object(arguments) = arguments else { unreachable!("the tests give objects") };
        parsed::<Arguments>(arguments).unwrap_err().fields()[0].field.clone()
    }

    #[test]
    fn the_wrong_argument_is_named() {
        let id = ProductId::new();
        assert_eq!(wrong(json!({})), "product_id");
        assert_eq!(wrong(json!({ "product_id": "x" })), "product_id");
        assert_eq!(wrong(json!({ "product_id": id, "limit": -1 })), "limit");
        assert_eq!(wrong(json!({ "product_id": id, "limit": "many" })), "limit");
        assert_eq!(wrong(json!({ "product_id": id, "colour": "red" })), "colour");
    }

    #[test]
    fn null_is_nothing() {
        let Value::Object(arguments) = json!({ "product_id": ProductId::new(), "limit": null }) else { unreachable!() };
        assert!(parsed::<Arguments>(arguments).is_ok());
        assert_eq!(wrong(json!({ "product_id": null })), "product_id");
    }
}
