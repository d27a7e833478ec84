//! The model that is asked for advice.

use super::report::{Finding, Report};
use crate::advice::{ModelCheck, ModelClient, ModelError};
use crate::config::AdviceSettings;

/// Asks the endpoint for its models: nothing is charged.
pub(super) async fn check(settings: &AdviceSettings, report: &mut Report) {
    const CHECK: &str = "advice";
    if !settings.enabled {
        report.add(Finding::skipped(CHECK, "advice.enabled is false: no model is asked"));
        return;
    }
    if settings.lacks_key() {
        report.add(Finding::fault(CHECK, "there is no API key", "set OPENAI_API_KEY, or advice.enabled to false"));
        return;
    }
    let client = match ModelClient::new(settings.clone()) {
        Ok(client) => client,
        Err(error) => {
            report.add(Finding::fault(CHECK, error.to_string(), "install the certificates of the system"));
            return;
        }
    };
    let model = &settings.model;
    report.add(match client.check().await {
        Ok(ModelCheck::Listed) => Finding::ok(CHECK, format!("the endpoint takes the key and has the model {model}")),
        Ok(ModelCheck::NotListed) => {
            Finding::fault(CHECK, format!("the endpoint does not list the model {model}"), "correct advice.model")
        }
        Ok(ModelCheck::NoList(status)) => Finding::warning(
            CHECK,
            format!("the endpoint answers, but lists no models (status {status}): the model {model} was not checked"),
            "check that advice.base_url ends with the version of the API",
        ),
        Err(error) => {
            let remedy = match error {
                ModelError::Unauthorized | ModelError::Forbidden => "set OPENAI_API_KEY to a valid key of the account",
                _ => "check the network and advice.base_url",
            };
            Finding::fault(CHECK, error.to_string(), remedy)
        }
    });
}
