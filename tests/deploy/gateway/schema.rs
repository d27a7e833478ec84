//! Validates objects by the schemas of APISIX, but rejects what APISIX silently ignores.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::router::Condition;

/// The lists of a file, with the schema of their objects. Other lists of APISIX have no schema here yet.
pub const KINDS: &[(&str, &str)] = &[
    ("upstreams", "upstream"),
    ("consumers", "consumer"),
    ("routes", "route"),
    ("global_rules", "global_rule"),
    ("ssls", "ssl"),
];

/// A schema with a strict validator.
struct Schema {
    original: Value,
    validator: Validator,
}

/// The schemas of APISIX 3.18.0.
pub struct Schemas {
    objects: BTreeMap<String, Schema>,
    /// By plugin name and whether it is the form for consumers.
    plugins: BTreeMap<(String, bool), Schema>,
}

static OF_APISIX: LazyLock<Schemas> = LazyLock::new(|| {
    let given: Value = serde_json::from_str(include_str!("../apisix-3.18.0-schema.json")).unwrap();
    let fields = |value: &Value| value.as_object().unwrap().clone().into_iter();
    let forms = |(plugin, forms): (String, Value)| {
        fields(&forms).map(move |(form, schema)| ((plugin.clone(), form == "consumer_schema"), Schema::new(schema)))
    };
    Schemas {
        objects: fields(&given["main"]).map(|(kind, schema)| (kind, Schema::new(schema))).collect(),
        plugins: fields(&given["plugins"]).flat_map(forms).collect(),
    }
});

impl Schemas {
    pub fn of_apisix() -> &'static Self {
        &OF_APISIX
    }

    /// All problems of the objects of a file.
    pub fn problems(&self, document: &Value) -> Vec<String> {
        let Some(lists) = document.as_object() else { return vec!["the document has no objects".to_owned()] };
        let mut problems = Vec::new();
        for (list, objects) in lists {
            let Some((_, kind)) = KINDS.iter().find(|(known, _)| known == list) else {
                problems.push(format!("{list}: APISIX ignores this list"));
                continue;
            };
            let Some(objects) = objects.as_array() else {
                problems.push(format!("{list}: not a list"));
                continue;
            };
            let mut ids = BTreeSet::new();
            for object in objects {
                let id = id_of(object);
                let found = self.problems_of(kind, object).into_iter().chain(dangling(document, object));
                problems.extend(found.map(|problem| format!("{list}/{id}: {problem}")));
                if !ids.insert(id.clone()) {
                    problems.push(format!("{list}/{id}: duplicate id"));
                }
            }
        }
        problems
    }

    /// The problems of one object.
    pub fn problems_of(&self, kind: &str, object: &Value) -> Vec<String> {
        let mut problems = self.objects[kind].violations(object);
        for (plugin, settings) in object["plugins"].as_object().into_iter().flatten() {
            match self.plugins.get(&(plugin.clone(), kind == "consumer")) {
                Some(schema) => problems.extend(schema.violations(settings).iter().map(|it| format!("{plugin}: {it}"))),
                None => problems.push(format!("{plugin}: unknown plugin")),
            }
        }
        // The schema only requires a list.
        let condition = object.get("vars").map(Condition::parse).and_then(Result::err);
        problems.extend(condition.map(|error| format!("vars: {error}")));
        problems
    }
}

pub fn id_of(object: &Value) -> String {
    let id = object.get("id").or_else(|| object.get("username"));
    id.map_or_else(|| "(no id)".to_owned(), |id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
}

/// A reference to an upstream that does not exist. APISIX accepts the route and responds with 502.
fn dangling(document: &Value, object: &Value) -> Option<String> {
    let wanted = object.get("upstream_id")?;
    let upstreams = document["upstreams"].as_array().into_iter().flatten();
    let exists = upstreams.into_iter().any(|upstream| upstream.get("id") == Some(wanted));
    (!exists).then(|| format!("no upstream {wanted}"))
}

impl Schema {
    fn new(original: Value) -> Self {
        // APISIX uses draft 4 with parts of 6 and 7. The keywords have the same meaning in 2020-12, except for
        // `dependencies`, which `strict` renames. Only 2020-12 has `unevaluatedProperties`.
        let validator = jsonschema::options().with_draft(Draft::Draft202012).build(&strict(&original)).unwrap();
        Self { original, validator }
    }

    fn violations(&self, instance: &Value) -> Vec<String> {
        let mut instance = instance.clone();
        fill_in_defaults(&self.original, &mut instance);
        let describe = |error: jsonschema::ValidationError<'_>| format!("{} {error}", error.instance_path());
        self.validator.iter_errors(&instance).map(describe).collect()
    }
}

/// APISIX sets defaults during validation, and conditions depend on them: `policy: local` decides which other fields
/// limit-req requires.
fn fill_in_defaults(schema: &Value, instance: &mut Value) {
    let (Some(properties), Some(object)) = (schema["properties"].as_object(), instance.as_object_mut()) else { return };
    for (name, schema) in properties {
        if let Some(default) = schema.get("default") {
            object.entry(name).or_insert_with(|| default.clone());
        }
        if let Some(value) = object.get_mut(name) {
            fill_in_defaults(schema, value);
        }
    }
}

/// The schema, changed to reject unknown fields.
fn strict(schema: &Value) -> Value {
    let mut schema = with_strict_parts(schema);
    if let Some(fields) = schema.as_object_mut()
        && fields.contains_key("properties")
        && !fields.contains_key("additionalProperties")
    {
        // `additionalProperties` would reject fields that only a branch lists, such as `public_key` of a consumer.
        fields.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    schema
}

/// The schema with strict schemas for nested values. Branches apply to the same object, so they are not strict
/// themselves.
fn with_strict_parts(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let each = |value: &Value, change: fn(&Value) -> Value| match value {
        Value::Array(branches) => branches.iter().map(change).collect(),
        Value::Object(named) => named.iter().map(|(name, schema)| (name.clone(), change(schema))).collect(),
        other => other.clone(),
    };
    let changed = fields.iter().map(|(keyword, value)| match keyword.as_str() {
        "properties" | "patternProperties" => (keyword.clone(), each(value, strict)),
        "items" | "additionalProperties" => (keyword.clone(), strict(value)),
        "oneOf" | "anyOf" | "allOf" => (keyword.clone(), each(value, with_strict_parts)),
        "dependencies" => ("dependentSchemas".to_owned(), each(value, with_strict_parts)),
        "if" | "then" | "else" => (keyword.clone(), with_strict_parts(value)),
        _ => (keyword.clone(), value.clone()),
    });
    Value::Object(changed.collect::<Map<_, _>>())
}
