//! A request to a model, before it gets an endpoint's form.

use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The question.
    User,
    /// The model.
    Assistant,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// A request to a model, in no endpoint's form.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// What the model is to do: constant, nothing of a listing.
    pub instructions: &'static str,
    /// The conversation.
    pub turns: Vec<Turn>,
    /// The schema of the answer.
    pub schema: Value,
}
