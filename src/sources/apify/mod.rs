//! Apify actors that scrape Amazon: many listings in one run, for money.

mod axesso;
mod bestsellers;
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

use crate::config::{ActorProfile, ListProfile};
use crate::domain::{ListUrl, Listing, Marketplace};

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

impl ListProfile {
    /// The input of a run that reads a list, with at most so many items.
    pub fn input(self, list: &ListUrl, max_items: u32) -> Value {
        match self {
            Self::JungleeAmazonBestsellers => bestsellers::input(list, max_items),
        }
    }

    /// The listings that items of the dataset name, in the order of the list.
    pub fn listings(self, items: &[Value], marketplace: Marketplace, max_items: u32) -> Vec<Listing> {
        match self {
            Self::JungleeAmazonBestsellers => bestsellers::listings(items, marketplace, max_items),
        }
    }
}
