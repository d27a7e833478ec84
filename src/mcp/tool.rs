//! What a tool is.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Resource, Tool as Definition, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::{answer, arguments, schema};
use crate::domain::Scope;
use crate::service::ServiceResult;

/// What a call of a tool does, as hints for clients that ask a person first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads what is stored.
    Reads,
    /// It adds something; repeated, it adds nothing more.
    AddsOnce,
    /// It adds something each time.
    Adds,
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
        match self {
            Self::Reads => ToolAnnotations::new().read_only(true).open_world(false),
            // Each of them causes a crawl of Amazon.
            Self::AddsOnce => ToolAnnotations::new().read_only(false).destructive(false).idempotent(true),
            Self::Adds => ToolAnnotations::new().read_only(false).destructive(false).idempotent(false),
        }
    }
}

/// A tool: arguments in, an answer out. Its schemas are those of the two types.
pub(super) trait Tool: 'static {
    /// Denies unknown fields; the doc comments of its fields are their descriptions.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// Every field is always there; what is not known is null.
    type Answer: Serialize + JsonSchema;

    /// `snake_case`.
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// For the model that chooses a tool: short, since every client loads the descriptions of all tools.
    const DESCRIPTION: &'static str;
    /// Callers without it do not see the tool.
    const SCOPE: Scope;
    /// What a call takes from the rate limit, in requests.
    const WEIGHT: u32;
    /// What it does.
    const EFFECT: Effect;

    /// The resources that an answer names.
    fn links(_answer: &Self::Answer) -> Vec<Resource> {
        Vec::new()
    }

    /// Carries out a call.
    fn call(call: Call, arguments: Self::Arguments) -> impl Future<Output = ServiceResult<Self::Answer>> + Send;
}

/// A tool among others.
pub(super) struct RegisteredTool {
    /// As the list of tools shows it.
    pub definition: Definition,
    /// What a call takes from the rate limit, in requests.
    pub weight: u32,
    /// Callers without it do not see the tool.
    pub scope: Scope,
    run: fn(Call, JsonObject) -> BoxFuture<'static, CallToolResult>,
}

impl RegisteredTool {
    /// Registers a tool.
    pub(super) fn of<T: Tool>() -> Self {
        let definition = Definition::new(T::NAME, T::DESCRIPTION, schema::of_arguments::<T::Arguments>())
            .with_title(T::TITLE)
            .with_raw_output_schema(schema::of_answer::<T::Answer>())
            .with_annotations(T::EFFECT.annotations());
        Self {
            definition,
            weight: T::WEIGHT,
            scope: T::SCOPE,
            run: |call, arguments| run::<T>(call, arguments).boxed(),
        }
    }

    /// Carries out a call. Whatever goes wrong is an answer that the model can read.
    pub(super) async fn call(&self, call: Call, arguments: JsonObject) -> CallToolResult {
        match call.caller.require(self.scope) {
            Ok(()) => (self.run)(call, arguments).await,
            Err(error) => answer::refusal(&error),
        }
    }
}

async fn run<T: Tool>(call: Call, arguments: JsonObject) -> CallToolResult {
    let answered = async {
        let arguments = arguments::parsed(arguments)?;
        let answer = T::call(call, arguments).await?;
        let mut result = answer::rendered(&answer)?;
        result.content.extend(T::links(&answer).into_iter().map(ContentBlock::resource_link));
        Ok(result)
    };
    answered.await.unwrap_or_else(|error| answer::refusal(&error))
}
