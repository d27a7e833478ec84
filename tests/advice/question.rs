//! A question, and the answers to it.

use amazon_tracker::advice::{Fact, FactValue, Facts, ModelClient, Question, TokenPrice};
use amazon_tracker::config::{AdviceForm, AdviceSettings};
use amazon_tracker::domain::{Language, Marketplace};
use amazon_tracker::insight::listing_rules::{ListingContent, Origin, ProductGroup};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::model_endpoint::{KEY, MODEL, ModelEndpoint};

pub const TODAY: Date = date(2026, 11, 30);
pub const PRICE: TokenPrice = TokenPrice { input_nanos: 1250, cached_input_nanos: 125, output_nanos: 10_000 };
pub const FORMS: [AdviceForm; 2] = [AdviceForm::Responses, AdviceForm::Chat];

/// A client of the endpoint.
pub fn client(endpoint: &ModelEndpoint, form: AdviceForm) -> ModelClient {
    client_with(endpoint, form, |_| {})
}

pub fn client_with(
    endpoint: &ModelEndpoint,
    form: AdviceForm,
    change: impl FnOnce(&mut AdviceSettings),
) -> ModelClient {
    let mut settings = AdviceSettings {
        enabled: true,
        api_key: Some(KEY.into()),
        base_url: endpoint.url().parse().unwrap(),
        model: MODEL.to_owned(),
        form,
        max_output_tokens: 1000,
        timeout_secs: 10,
        ..AdviceSettings::default()
    };
    change(&mut settings);
    ModelClient::new(settings).unwrap()
}

/// A question about a listing with this title, and two facts.
pub fn question(title: &str) -> Question {
    let fact = |name: &str, count| Fact {
        name: name.to_owned(),
        value: FactValue::Count { count, unit: "characters" },
        window: "now".to_owned(),
        observed_at: "2026-11-28T12:00:00Z".parse().unwrap(),
    };
    let listing = ListingContent {
        group: Some(ProductGroup::Other),
        brand: Some("Simhaus".to_owned()),
        title: Some(title.to_owned()),
        ..ListingContent::unknown(Origin::Observed, Marketplace::Us)
    };
    let facts = Facts::new([fact("length of the title", 143), fact("longest allowed title", 75)]);
    Question { facts, listing, language: Language::En }
}

/// A suggestion that is accepted.
pub fn suggestion() -> Value {
    json!({
        "field": "title", "action": "rewrite", "severity": "high", "reason": "The title has {f1}; {f2} are allowed.",
        "evidence": ["f1", "f2"], "new_text": "Simhaus Kettle, 1.7 l"
    })
}

/// An answer with one field of its suggestion changed.
pub fn answer_with(field: &str, value: Value) -> String {
    let mut suggestion = suggestion();
    suggestion[field] = value;
    json!({ "suggestions": [suggestion] }).to_string()
}

/// An answer that is accepted.
pub fn good_answer() -> String {
    json!({ "suggestions": [suggestion()] }).to_string()
}
