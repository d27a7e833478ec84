//! Advice of a language model on the evidence of facts.
//!
//! The model is asked over an OpenAI-compatible API. It sees facts with ids and the texts of a listing as data. What it says is not
//! believed but checked: prose holds no numbers, only the ids of facts, whose values are written by this module; a new text keeps the
//! rules for listings and holds no number that the listing does not have.
//!
//! The facts are made from what is known of a listing ([`evidence()`]). What follows from them without a model are [`findings()`].

mod advice_item;
mod advise;
mod answer;
mod cache_key;
mod chat;
mod check;
mod client;
mod content_facts;
mod cost;
mod evidence;
mod fact;
mod fact_list;
mod fact_names;
mod findings;
mod formulas;
mod known_listing;
mod market_facts;
mod price_facts;
mod prompt;
mod prose;
mod record;
mod request;
mod responses;
mod retry;
mod schema;
mod subject;
mod suggestion;
mod thin;

pub use advice_item::{AdviceItem, AdviceOrigin};
pub use advise::{Advice, AdviceFailure, Advised, advise, longest, reservation};
pub use answer::{CutOff, ModelError};
pub use cache_key::cache_key;
pub use check::ModelCheck;
pub use client::{Exchange, ModelClient};
pub use cost::{AttemptCost, TokenPrice, Usage, settle, tokens};
pub use evidence::{Evidence, evidence};
pub use fact::{Fact, FactId, FactValue, Facts, MAX_FACTS};
pub use findings::findings;
pub use known_listing::{KnownListing, seen_at, window_days};
pub use prompt::{PROMPT_VERSION, Question};
pub use prose::ProseError;
pub use record::{AdviceRecord, EvidenceRecord, SuggestionRecord};
pub use request::{ModelRequest, Role, Turn};
pub use schema::SCHEMA_VERSION;
pub use subject::{Action, AdvicePriority, Subject};
pub use suggestion::{Rejection, Suggestion};
pub use thin::{DataDepth, Lack};
