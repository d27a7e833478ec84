//! The schema of answers: of the part of JSON Schema that every endpoint reads. All fields are required, objects are closed, and there are
//! no ranges: those are checked afterwards, as is all the rest, for some endpoints ignore schemas.

use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::fact::Facts;
use super::subject::{Action, AdvicePriority, Subject};

/// Changes with the schema: part of the key of stored advice.
pub const SCHEMA_VERSION: u32 = 1;

pub(super) const SCHEMA_NAME: &str = "listing_advice";

/// The schema of an answer that rests on these facts.
pub(super) fn schema(facts: &Facts) -> Value {
    let names = |names: Vec<&'static str>| json!({ "type": "string", "enum": names });
    let ids: Vec<String> = facts.ids().map(|id| id.to_string()).collect();
    let suggestion = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["field", "action", "severity", "reason", "evidence", "new_text"],
        "properties": {
            "field": names(Subject::iter().map(Subject::as_str).collect()),
            "action": names(Action::iter().map(Action::as_str).collect()),
            "severity": names(AdvicePriority::iter().map(AdvicePriority::as_str).collect()),
            "reason": { "type": "string" },
            "evidence": { "type": "array", "items": { "type": "string", "enum": ids } },
            "new_text": { "type": ["string", "null"] },
        },
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["suggestions"],
        "properties": { "suggestions": { "type": "array", "items": suggestion } },
    })
}
