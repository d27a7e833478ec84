//! `[advice]`: the model that is asked for advice.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Secret, SettingsError};

/// `[advice]`: an OpenAI-compatible endpoint that is asked for advice, for money.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdviceSettings {
    /// Whether a model is asked. A key alone asks nobody.
    pub enabled: bool,
    /// API key of the account that pays. Local servers need none.
    pub api_key: Option<Secret>,
    /// Base URL of the API, with its version: another one for other vendors, local servers and tests.
    pub base_url: Url,
    /// The model.
    pub model: String,
    /// The API of the endpoint.
    pub form: AdviceForm,
    /// The longest answer, in tokens, with what the model thinks.
    pub max_output_tokens: u32,
    /// An attempt that takes longer is given up.
    pub timeout_secs: u64,
    /// What all tenants together may spend on a day (UTC), in US dollars; unset: without limit.
    pub day_usd: Option<f64>,
    /// What each tenant may spend on a day (UTC), in US dollars; unset: without limit.
    pub tenant_day_usd: Option<f64>,
    /// Days for which an answer is stored.
    pub keep_days: u32,
    /// Prices of the model. Of those that have begun, the last one holds.
    pub prices: Vec<TokenPriceSettings>,
}

/// The API of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdviceForm {
    /// `POST /responses`: OpenAI's.
    Responses,
    /// `POST /chat/completions`: everybody else's.
    Chat,
}

/// What tokens cost from a day on, in US dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPriceSettings {
    /// The first day (UTC).
    pub from: Date,
    /// Input that is not cached.
    pub input_usd: f64,
    /// Input that is cached.
    pub cached_input_usd: f64,
    /// Output, with what the model thinks.
    pub output_usd: f64,
}

impl Default for AdviceSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            api_key: None,
            base_url: "https://api.openai.com/v1/".parse().expect("the URL is valid"),
            model: String::new(),
            form: AdviceForm::Responses,
            max_output_tokens: 4000,
            timeout_secs: 120,
            day_usd: Some(1.0),
            tenant_day_usd: Some(0.2),
            keep_days: 30,
            prices: Vec::new(),
        }
    }
}

impl AdviceSettings {
    /// True when the endpoint is OpenAI's, which needs a key, and there is none.
    pub fn lacks_key(&self) -> bool {
        let has_key = self.api_key.as_ref().is_some_and(|key| !key.reveal().is_empty());
        !has_key && self.base_url.host_str() == Some("api.openai.com")
    }

    /// Checks the section as a whole.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let invalid = |setting, problem: &str| Err(SettingsError::Value { setting, problem: problem.to_owned() });
        let url = &self.base_url;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            return invalid("advice.base_url", "must begin with http:// or https://, without credentials and a query");
        }
        if !(256..=100_000).contains(&self.max_output_tokens) {
            return invalid("advice.max_output_tokens", "must be from 256 to 100000");
        }
        if !(1..=600).contains(&self.timeout_secs) {
            return invalid("advice.timeout_secs", "must be from 1 to 600");
        }
        if !(1..=365).contains(&self.keep_days) {
            return invalid("advice.keep_days", "must be from 1 to 365");
        }
        let is_amount = |usd: f64| (0.0..=100_000.0).contains(&usd);
        let is_price = |price: &TokenPriceSettings| {
            is_amount(price.input_usd) && is_amount(price.cached_input_usd) && is_amount(price.output_usd)
        };
        if !self.prices.iter().all(is_price) {
            return invalid("advice.prices", "must be from 0 to 100000 US dollars for a million tokens");
        }
        if !self.day_usd.is_none_or(is_amount) {
            return invalid("advice.day_usd", "must be from 0 to 100000");
        }
        if !self.tenant_day_usd.is_none_or(is_amount) {
            return invalid("advice.tenant_day_usd", "must be from 0 to 100000");
        }
        if self.enabled && self.model.is_empty() {
            return invalid("advice.model", "is required when advice.enabled is true");
        }
        if self.enabled && self.prices.is_empty() {
            return invalid(
                "advice.prices",
                "is required when advice.enabled is true: what is not priced cannot be limited",
            );
        }
        Ok(())
    }
}
