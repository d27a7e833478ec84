//! The schemas of tools, generated from their types and made small: every client loads those of all tools.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of the arguments of a tool, with the descriptions of its fields.
pub(super) fn of_arguments<T: JsonSchema>() -> Arc<JsonObject> {
    object(without_noise(generated::<T>(SchemaSettings::draft2020_12().for_deserialize()), Side::Arguments))
}

/// The schema of the answer of a tool: the types of its fields, and of those within them.
pub(super) fn of_answer<T: JsonSchema>() -> Arc<JsonObject> {
    object(without_noise(generated::<T>(SchemaSettings::draft2020_12().for_serialize()), Side::Answer { depth: 0 }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Arguments,
    Answer { depth: usize },
}

/// Objects within objects of answers are only called objects.
const MAX_ANSWER_DEPTH: usize = 1;

fn generated<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| (settings.inline_subschemas, settings.meta_schema) = (true, None));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn object(schema: Value) -> Arc<JsonObject> {
    let Value::Object(schema) = schema else { unreachable!("the types of tools are structs") };
    Arc::new(schema)
}

/// A schema without what tells a model nothing: titles, names of Rust's numbers, and of optional arguments that they may be null.
fn without_noise(schema: Value, side: Side) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    schema.remove("title");
    schema.remove("default");
    schema.remove("format");
    if let Side::Answer { depth } = side {
        schema.remove("description");
        schema.remove("minimum");
        if depth >= MAX_ANSWER_DEPTH && schema.contains_key("properties") {
            return json!({ "type": schema.remove("type") });
        }
    }
    if side == Side::Arguments {
        forget_null(&mut schema);
    }
    let inner = match side {
        Side::Arguments => Side::Arguments,
        Side::Answer { depth } => Side::Answer { depth: depth + 1 },
    };
    for (keyword, value) in &mut schema {
        let within = std::mem::take(value);
        *value = match (keyword.as_str(), within) {
            ("properties", Value::Object(properties)) => {
                properties.into_iter().map(|(name, schema)| (name, without_noise(schema, inner))).collect()
            }
            ("items", items) => without_noise(items, inner),
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.into_iter().map(|schema| without_noise(schema, inner)).collect()
            }
            (_, other) => other,
        };
    }
    Value::Object(schema)
}

/// An argument that is not given is left out.
fn forget_null(schema: &mut JsonObject) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if types.len() == 1 {
            let only = types.remove(0);
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(mut choices)) = schema.remove("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        match choices.as_mut_slice() {
            [Value::Object(only)] => {
                let described = std::mem::take(schema);
                schema.append(only);
                // The description of the field, not that of its type.
                schema.extend(described);
            }
            _ => drop(schema.insert("anyOf".to_owned(), Value::Array(choices))),
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    /// Of no interest.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Example {
        /// Its title.
        title: String,
        /// How many.
        #[schemars(range(min = 1, max = 50))]
        limit: Option<u32>,
        /// The inner one.
        inner: Option<Inner>,
        rows: Vec<Inner>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        amount: i64,
    }

    #[test]
    fn the_schema_of_arguments_describes_each_field_once() {
        let schema = Value::Object(of_arguments::<Example>().as_ref().clone());
        let properties = &schema["properties"];
        assert_eq!(properties["title"], json!({ "type": "string", "description": "Its title." }));
        assert_eq!(
            properties["limit"],
            json!({ "type": "integer", "minimum": 1, "maximum": 50, "description": "How many." })
        );
        assert_eq!(properties["inner"]["description"], "The inner one.");
        assert_eq!(properties["inner"]["properties"], json!({ "amount": { "type": "integer" } }));
        assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
        assert_eq!(schema["required"], json!(["title", "rows"]));
    }

    #[test]
    fn the_schema_of_an_answer_tells_its_fields_and_not_what_is_within_them() {
        let schema = Value::Object(of_answer::<Example>().as_ref().clone());
        let properties = &schema["properties"];
        assert_eq!(properties["title"], json!({ "type": "string" }));
        assert_eq!(properties["rows"], json!({ "type": "array", "items": { "type": "object" } }));
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{schema}");
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&json!({ "title": "a", "limit": null, "inner": null, "rows": [{ "amount": 1 }] })));
        assert!(!validator.is_valid(&json!({ "title": 1, "limit": null, "inner": null, "rows": [] })));
    }
}
