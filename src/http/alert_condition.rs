//! Conditions of rules in requests and responses.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;
use crate::domain::Condition;
use crate::service::FieldError;

/// A condition that was not read yet: only its tree knows which field is wrong.
#[derive(Debug, Clone)]
pub(super) struct UnreadCondition(Value);

impl<'de> Deserialize<'de> for UnreadCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl UnreadCondition {
    /// The condition; `path` is that of the field.
    pub(super) fn read(&self, path: &str) -> Result<Condition, Problem> {
        Condition::from_json(&self.0).map_err(|error| {
            let field = if error.field.is_empty() { path.to_owned() } else { format!("{path}.{}", error.field) };
            Problem::invalid(vec![FieldError::new(&field, error.message)])
        })
    }
}

/// A condition, as it is served.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct WireCondition(pub Condition);

impl ToSchema for WireCondition {
    fn name() -> std::borrow::Cow<'static, str> {
        "AlertCondition".into()
    }
}

impl PartialSchema for WireCondition {
    /// Written by hand: the derived one would need a second tree of types.
    fn schema() -> RefOr<Schema> {
        serde_json::from_value(condition_schema()).map_or_else(|_| RefOr::T(Schema::default()), RefOr::T)
    }
}

impl ToSchema for UnreadCondition {
    fn name() -> std::borrow::Cow<'static, str> {
        WireCondition::name()
    }
}

impl PartialSchema for UnreadCondition {
    fn schema() -> RefOr<Schema> {
        WireCondition::schema()
    }
}

fn condition_schema() -> Value {
    let this = json!({ "$ref": "#/components/schemas/AlertCondition" });
    let list = json!({ "type": "array", "minItems": 1, "items": this });
    let field = json!({ "type": "string", "enum": [
        "price", "landed", "list_price", "lowest_new_price", "rank", "rating", "review_count", "offer_count",
        "discount_percent"] });
    let threshold = json!({ "oneOf": [{ "$ref": "#/components/schemas/Money" }, { "type": "number" }] });
    let category =
        json!({ "type": "string", "minLength": 1, "maxLength": 200, "description": "Of a rank: its category." });
    let coupon = json!({ "type": "boolean", "description": "Subtract the coupon from the price." });
    let sellers = json!({ "type": "array", "maxItems": 50, "items": { "type": "string", "minLength": 1, "maxLength": 200 },
        "description": "`me`, `amazon`, ids or names of sellers." });
    let days = json!({ "type": "integer", "minimum": 1, "maximum": 3650 });
    let by = json!({ "oneOf": [
        one_of("percent", json!({ "type": "number", "exclusiveMinimum": 0 })),
        one_of("amount", threshold.clone()),
        one_of("any", json!({ "type": "boolean", "description": "Always `true`: at all." }))] });
    json!({
        "description": "A test, or a combination (`all`, `any`, `not`) of at most 16 tests, 4 levels deep. What a crawl does not \
            read is unknown, and an unknown condition neither fires nor re-arms its rule.",
        "oneOf": [
            kind("price_at_or_below", "The price is at or below the target.", &["target"],
                json!({ "target": { "$ref": "#/components/schemas/Money" } })),
            kind("level", "A value is at or past a threshold.", &["field", "op", "value"], json!({
                "field": field, "op": { "type": "string", "enum": ["lte", "gte"] }, "value": threshold,
                "category": category, "rearm": threshold, "less_coupon": coupon })),
            kind("moved", "A value has moved away from what it is compared with.", &["field", "by"], json!({
                "field": field, "dir": { "type": "string", "enum": ["down", "up", "any"] },
                "by": by,
                "vs": { "oneOf": [
                    { "type": "string", "enum": ["told", "extreme", "previous", "created", "list_price"] },
                    one_of("avg_days", days.clone()), one_of("max_days", days.clone()), one_of("min_days", days.clone())] },
                "category": category, "less_coupon": coupon })),
            kind("lowest", "A value is the lowest in a time: of so many days, or ever.", &["field"], json!({
                "field": field, "days": days, "ever": { "type": "boolean" }, "or_equal": { "type": "boolean" },
                "within_percent": { "type": "number", "exclusiveMinimum": 0, "maximum": 100 },
                "min_points": { "type": "integer", "minimum": 1, "maximum": 1000 }, "category": category })),
            kind("state", "A state holds.", &["of"], json!({
                "of": { "type": "string", "enum": ["availability", "coupon", "delisted", "suppressed", "tracking_failing"] },
                "is": { "oneOf": [{ "type": "boolean" },
                    { "type": "string", "enum": ["in_stock", "low_stock", "out_of_stock", "unavailable", "preorder"] }] },
                "for": { "oneOf": [
                    one_of("secs", json!({ "type": "integer", "minimum": 0, "maximum": 7_776_000 })),
                    one_of("crawls", json!({ "type": "integer", "minimum": 1, "maximum": 100 }))] } })),
            kind("seller", "The seller of the featured offer.", &[], json!({
                "is": sellers, "not": sellers, "new": { "type": "boolean" },
                "crawls": { "type": "integer", "minimum": 1, "maximum": 100 } })),
            kind("offer", "A seller has joined the offer list; the product must watch its offers.", &["new"], json!({
                "new": { "type": "boolean", "description": "Always `true`." }, "not_in": sellers })),
            kind("content", "The content of the page has changed.", &["fields"], json!({
                "fields": { "type": "array", "minItems": 1, "items": { "type": "string", "enum": [
                    "title", "brand", "bullets", "image_ids", "description", "category_path", "has_a_plus", "has_video",
                    "parent_asin", "variation_count"] } } })),
            kind("competitor", "A competitor has passed the own product of a set.", &["set_id", "event"], json!({
                "set_id": { "type": "string", "format": "uuid" },
                "event": { "type": "string", "enum": ["undercut", "rank_overtaken"] }, "by": by })),
            kind("all", "Every one of these holds.", &["of"], json!({ "of": list })),
            kind("any", "At least one of these holds.", &["of"], json!({ "of": list })),
            kind("not", "This one does not hold.", &["of"], json!({ "of": this })),
        ]
    })
}

fn kind(kind: &str, description: &str, required: &[&str], mut properties: Value) -> Value {
    properties["kind"] = json!({ "type": "string", "enum": [kind] });
    let required: Vec<&str> = std::iter::once("kind").chain(required.iter().copied()).collect();
    // Generators of clients name the type by its title.
    let words = kind.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    let title = format!("AlertCondition{}", words.collect::<String>());
    json!({ "type": "object", "title": title, "description": description, "required": required, "properties": properties,
        "additionalProperties": false })
}

fn one_of(name: &str, schema: Value) -> Value {
    json!({ "type": "object", "required": [name], "properties": { name: schema }, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_one_that_clients_can_read() {
        let schema = serde_json::to_value(WireCondition::schema()).unwrap();
        assert_eq!(schema["oneOf"].as_array().map(Vec::len), Some(12));
        assert_eq!(schema["oneOf"][9]["properties"]["of"]["items"]["$ref"], "#/components/schemas/AlertCondition");
    }
}
