//! `[keepa]`: the past of listings.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

/// `[keepa]`: the past of each listing is fetched once from Keepa, for tokens of a paid account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepaSettings {
    /// Whether pasts are fetched. Files can be imported without it.
    pub enabled: bool,
    /// API key of the account.
    pub api_key: Option<Secret>,
    /// Base URL of the API: another one for tests and proxies.
    pub base_url: Url,
    /// Listings of one call at most. Keepa takes 100; an answer has about half a megabyte for each.
    pub batch: u32,
    /// Tokens that all replicas together may spend within 24 hours; 0: as many as the account has. A listing costs up to four.
    pub max_tokens_per_day: u32,
}

impl Default for KeepaSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            api_key: None,
            base_url: "https://api.keepa.com/".parse().expect("the URL is valid"),
            batch: 20,
            max_tokens_per_day: 10_000,
        }
    }
}
