//! Apify actors that scrape Amazon: many listings in one run, for money.

mod axesso;
mod items;
mod junglee;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use items::Answer;

use crate::domain::{Listing, Marketplace};

/// An actor: what it is told, and what its items mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorProfile {
    /// axesso's "Amazon product details scraper".
    AxessoProductDetails,
    /// junglee's "Amazon crawler".
    JungleeAmazonCrawler,
}

impl ActorProfile {
    /// The input of a run that crawls these listings of a marketplace.
    pub fn input(self, listings: &[Listing], marketplace: Marketplace) -> Value {
        match self {
            Self::AxessoProductDetails => axesso::input(listings),
            Self::JungleeAmazonCrawler => junglee::input(listings, marketplace),
        }
    }

    /// What an item of the dataset tells about a listing of the marketplace.
    pub fn answer(self, item: &Value, marketplace: Marketplace) -> Answer {
        match self {
            Self::AxessoProductDetails => axesso::answer(item, marketplace),
            Self::JungleeAmazonCrawler => junglee::answer(item, marketplace),
        }
    }
}
