//! Whether an endpoint can be asked, found out for nothing.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use super::answer::ModelError;
use super::client::ModelClient;

const TIMEOUT: Duration = Duration::from_secs(20);

/// What an endpoint says about its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelCheck {
    /// It has the model.
    Listed,
    /// It lists others.
    NotListed,
    /// It answers, but lists no models; the status.
    NoList(u16),
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

impl ModelClient {
    /// Asks which models there are. No model is asked, so nothing is charged.
    ///
    /// # Errors
    /// [`ModelError::NoAnswer`], [`ModelError::Unauthorized`] and [`ModelError::Forbidden`].
    pub async fn check(&self) -> Result<ModelCheck, ModelError> {
        let mut url = self.settings().base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("models");
        }
        let response = self.with_key(self.http().get(url)).timeout(TIMEOUT).send().await;
        let response = response.map_err(|error| ModelError::NoAnswer(error.without_url().to_string()))?;
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(ModelError::Unauthorized),
            StatusCode::FORBIDDEN => Err(ModelError::Forbidden),
            StatusCode::OK => Ok(match response.json::<Models>().await {
                Ok(models) if models.data.iter().any(|model| model.id == self.settings().model) => ModelCheck::Listed,
                Ok(_) => ModelCheck::NotListed,
                Err(_) => ModelCheck::NoList(StatusCode::OK.as_u16()),
            }),
            status => Ok(ModelCheck::NoList(status.as_u16())),
        }
    }
}
