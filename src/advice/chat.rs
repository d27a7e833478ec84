//! The form of `POST /chat/completions`, which most other vendors and local servers have.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, CutOff, ModelError, printable};
use super::cost::Usage;
use super::request::ModelRequest;
use super::schema::SCHEMA_NAME;

pub(super) const PATH: &str = "chat/completions";

pub(super) fn body(model: &str, max_output_tokens: u32, request: &ModelRequest) -> Value {
    let system = json!({ "role": "system", "content": request.instructions });
    let turns = request.turns.iter().map(|turn| json!({ "role": turn.role.as_str(), "content": turn.text }));
    json!({
        "model": model,
        "messages": std::iter::once(system).chain(turns).collect::<Value>(),
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": SCHEMA_NAME, "strict": true, "schema": request.schema },
        },
        // The name that others than OpenAI know.
        "max_tokens": max_output_tokens,
    })
}

#[derive(Deserialize)]
struct Completion {
    error: Option<Value>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Choice {
    finish_reason: Option<String>,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens: u64,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

pub(super) fn answer(body: &[u8]) -> Result<Answer, ModelError> {
    let completion: Completion =
        serde_json::from_slice(body).map_err(|error| ModelError::Unreadable(error.to_string()))?;
    let usage = completion.usage.as_ref().map(|usage| Usage {
        input_tokens: usage.prompt_tokens,
        cached_input_tokens: usage.prompt_tokens_details.as_ref().and_then(|of| of.cached_tokens).unwrap_or(0),
        output_tokens: usage.completion_tokens,
        reasoning_tokens: usage.completion_tokens_details.as_ref().and_then(|of| of.reasoning_tokens).unwrap_or(0),
    });
    Ok(Answer { text: text(completion), usage })
}

fn text(completion: Completion) -> Result<String, ModelError> {
    if let Some(error) = completion.error.filter(|error| !error.is_null()) {
        let code = error.get("code").and_then(Value::as_str).unwrap_or("unknown");
        return Err(ModelError::Failed(printable(code)));
    }
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(ModelError::Unreadable("it has no choice".to_owned()));
    };
    match choice.finish_reason.as_deref() {
        Some("length") => return Err(ModelError::CutOff(CutOff::MaxOutputTokens)),
        Some("content_filter") => return Err(ModelError::CutOff(CutOff::ContentFilter)),
        Some("stop") | None => {}
        Some(_) => return Err(ModelError::CutOff(CutOff::Other)),
    }
    if choice.message.refusal.is_some_and(|refusal| !refusal.is_empty()) {
        return Err(ModelError::Declined);
    }
    choice.message.content.ok_or_else(|| ModelError::Unreadable("it has no text".to_owned()))
}
