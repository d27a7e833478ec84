//! Apify actors that scrape Amazon: many listings in one run, for money.

mod axesso;
mod callback;
mod client;
mod items;
mod journal;
mod junglee;
mod source;

use serde_json::Value;

pub use callback::RunCallbacks;
pub use client::{ApifyClient, ApifyError};
pub use items::Answer;
pub use journal::{JournalError, RunJournal};
pub use source::{ApifySource, NAME};

use crate::config::ActorProfile;
use crate::domain::{Listing, Marketplace};

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
