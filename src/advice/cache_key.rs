//! The key of stored advice: of all that it depends on.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::prompt::{PROMPT_VERSION, Question};
use super::schema::SCHEMA_VERSION;
use crate::config::{AdviceForm, AdviceSettings};
use crate::domain::TenantId;
use crate::insight::listing_rules::RULES_VERSION;

/// The key under which the answer to a question is stored, for one tenant: 64 hexadecimal digits. Whatever might change the answer changes
/// the key, and the API key does not.
pub fn cache_key(tenant_id: TenantId, question: &Question, settings: &AdviceSettings) -> String {
    let form = match settings.form {
        AdviceForm::Responses => "responses",
        AdviceForm::Chat => "chat",
    };
    let request = question.request();
    let turns: Vec<_> = request.turns.iter().map(|turn| &turn.text).collect();
    let parts = json!([
        tenant_id,
        [PROMPT_VERSION, SCHEMA_VERSION],
        RULES_VERSION,
        [form, settings.base_url.as_str(), &settings.model],
        settings.max_output_tokens,
        question.language,
        request.instructions,
        request.schema,
        // The facts and the listing, as the model sees them.
        turns,
        // These decide which new texts are accepted.
        [question.listing.group.map(<&str>::from), Some(question.listing.marketplace.code())],
    ]);
    Sha256::digest(parts.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::advice::fact::{Fact, FactValue, Facts};
    use crate::domain::{Language, Marketplace};
    use crate::insight::listing_rules::{ListingContent, Origin, ProductGroup};

    fn question(count: u64, observed_at: &str) -> Question {
        let fact = Fact {
            name: "title length".to_owned(),
            value: FactValue::Count { count, unit: "characters" },
            window: "now".to_owned(),
            observed_at: observed_at.parse().unwrap(),
        };
        let listing = ListingContent::unknown(Origin::Observed, Marketplace::Us);
        Question { facts: Facts::new([fact]), listing, language: Language::En }
    }

    #[test]
    fn whatever_may_change_the_answer_changes_the_key() {
        let (tenant, settings) = (TenantId::BUILT_IN, AdviceSettings::default());
        let asked = question(143, "2026-11-28T12:00:00Z");
        let titled = ListingContent { title: Some("Kettle".to_owned()), ..asked.listing.clone() };
        let grouped = ListingContent { group: Some(ProductGroup::Media), ..asked.listing.clone() };
        let keys = [
            cache_key(tenant, &asked, &settings),
            cache_key(TenantId::new(), &asked, &settings),
            cache_key(tenant, &question(144, "2026-11-28T12:00:00Z"), &settings),
            cache_key(tenant, &question(143, "2026-11-28T12:00:01Z"), &settings),
            cache_key(tenant, &Question { language: Language::De, ..asked.clone() }, &settings),
            cache_key(tenant, &Question { listing: titled, ..asked.clone() }, &settings),
            cache_key(tenant, &Question { listing: grouped, ..asked.clone() }, &settings),
            cache_key(tenant, &asked, &AdviceSettings { model: "another".to_owned(), ..settings.clone() }),
            cache_key(tenant, &asked, &AdviceSettings { form: AdviceForm::Chat, ..settings.clone() }),
            cache_key(tenant, &asked, &AdviceSettings { max_output_tokens: 5000, ..settings.clone() }),
            cache_key(
                tenant,
                &asked,
                &AdviceSettings { base_url: "http://localhost/v1".parse().unwrap(), ..settings.clone() },
            ),
        ];
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let other_key = AdviceSettings { api_key: Some("hunter2".into()), ..settings };
        assert_eq!(cache_key(tenant, &asked, &other_key), keys[0]);
        assert_eq!(keys[0].len(), 64);
    }
}
