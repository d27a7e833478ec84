//! Apify actors that scrape Amazon: many listings in one run, for money.

mod axesso;
mod callback;
mod client;
mod items;
mod journal;
mod junglee;
mod lists;
mod source;
mod unfollowed;

use serde_json::Value;

pub use callback::RunCallbacks;
pub use client::{ApifyClient, ApifyError};
pub use items::Answer;
pub use journal::{JournalError, NAME, RunJournal};
pub use lists::ApifyLists;
pub use source::ApifySource;

use crate::config::ActorProfile;
use crate::domain::{Listing, Marketplace};

impl ActorProfile {
    /// The input of a run that crawls these listings of a marketplace, with at most so many offers of each.
    pub fn input(self, listings: &[Listing], marketplace: Marketplace, max_offers: u32) -> Value {
        match self {
            Self::AxessoProductDetails => axesso::input(listings),
            Self::JungleeAmazonCrawler => junglee::input(listings, marketplace, max_offers),
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
