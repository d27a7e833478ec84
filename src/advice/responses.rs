//! The form of `POST /responses`, OpenAI's API.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, CutOff, ModelError, printable};
use super::cost::Usage;
use super::request::ModelRequest;
use super::schema::SCHEMA_NAME;

pub(super) const PATH: &str = "responses";

pub(super) fn body(model: &str, max_output_tokens: u32, request: &ModelRequest) -> Value {
    let turns = request.turns.iter().map(|turn| json!({ "role": turn.role.as_str(), "content": turn.text }));
    json!({
        "model": model,
        "instructions": request.instructions,
        "input": turns.collect::<Value>(),
        "text": { "format": { "type": "json_schema", "name": SCHEMA_NAME, "strict": true, "schema": request.schema } },
        "max_output_tokens": max_output_tokens,
        "store": false,
    })
}

#[derive(Deserialize)]
struct Response {
    status: Option<String>,
    error: Option<Failure>,
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    output: Vec<Output>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Failure {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    content: Option<Vec<Content>>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct WireUsage {
    input_tokens: u64,
    input_tokens_details: Option<InputDetails>,
    output_tokens: u64,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

pub(super) fn answer(body: &[u8]) -> Result<Answer, ModelError> {
    let response: Response = serde_json::from_slice(body).map_err(|error| ModelError::Unreadable(error.to_string()))?;
    let usage = response.usage.as_ref().map(|usage| Usage {
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.input_tokens_details.as_ref().and_then(|of| of.cached_tokens).unwrap_or(0),
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.output_tokens_details.as_ref().and_then(|of| of.reasoning_tokens).unwrap_or(0),
    });
    Ok(Answer { text: text(response), usage })
}

fn text(response: Response) -> Result<String, ModelError> {
    if let Some(failure) = response.error {
        return Err(ModelError::Failed(printable(failure.code.as_deref().unwrap_or("unknown"))));
    }
    match response.status.as_deref() {
        Some("completed") => {}
        Some("incomplete") => {
            return Err(ModelError::CutOff(match response.incomplete_details.and_then(|of| of.reason).as_deref() {
                Some("max_output_tokens") => CutOff::MaxOutputTokens,
                Some("content_filter") => CutOff::ContentFilter,
                _ => CutOff::Other,
            }));
        }
        Some(status) => return Err(ModelError::Failed(printable(status))),
        None => return Err(ModelError::Unreadable("it has no status".to_owned())),
    }
    let parts: Vec<Content> =
        response.output.into_iter().flat_map(|output| output.content.unwrap_or_default()).collect();
    if parts.iter().any(|part| part.kind == "refusal") {
        return Err(ModelError::Declined);
    }
    let texts: Vec<String> =
        parts.into_iter().filter(|part| part.kind == "output_text").filter_map(|part| part.text).collect();
    if texts.is_empty() { Err(ModelError::Unreadable("it has no text".to_owned())) } else { Ok(texts.concat()) }
}
