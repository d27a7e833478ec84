//! What follows from a listing's history by formula. Pure: no clock, no store.
//!
//! Every value is a [`Measure`]: it says what it rests on, or why it is missing. Nothing is guessed: units sold, revenue and the future
//! of ranks do not follow from what a page shows, so they are not here.

mod buy_box;
mod candidates;
mod comparison;
mod depth;
mod distribution;
mod elasticity;
mod history;
pub mod listing_rules;
mod measure;
mod outlook;
mod position;
mod price;
mod rank;
pub mod report;
mod reputation;
mod season;
mod sliding_median;
mod stock;

pub use buy_box::{BuyBox, SellerShare};
pub use candidates::{Candidate, Found, LIST_REACH, ListingFacts, Reason, candidates};
pub use comparison::{Compared, ComparedRow, Comparison, SERIES_OF_COMPARISON, Undercut, comparison, comparison_in};
pub use depth::{HistoryDepth, history_depth};
pub use elasticity::Elasticity;
pub use history::{ListingHistory, SERIES_OF_ALL_TIME, SERIES_OF_LAST_YEAR};
pub use measure::{Measure, Missing};
pub use outlook::{Method, Outlook};
pub use position::{Comparable, Exclusion, Peer, Position, PriceBasis, comparable, percent_to, position};
pub use price::{Lowest, PriceRange, Volatility, price_range};
pub use rank::RankDrops;
pub use reputation::{RatingChange, Reputation, SERIES_OF_REPUTATION, reputation};
pub use season::{Season, SeasonMonth};

use crate::domain::Series;
use crate::domain::steps::Window;

/// What a listing's history says about its price, stock, rank and sellers.
#[derive(Debug, Clone, PartialEq)]
pub struct Insight {
    /// Share of the priced time of the window during which the price was higher than now, half the time at the same price included, 0–1.
    pub price_percentile: Measure<f64>,
    /// Ten times the percentile.
    pub deal_score: Measure<f64>,
    /// Whether the price is the lowest.
    pub lowest: Measure<Lowest>,
    /// Share of the known time of the window during which the listing could not be bought, 0–1.
    pub out_of_stock_share: Measure<f64>,
    /// How much the price moves.
    pub volatility: Measure<Volatility>,
    /// The price of each month of the year relative to its year.
    pub season: Measure<Season>,
    /// Improvements of the sales rank.
    pub rank_drops: Measure<RankDrops>,
    /// Who held the Buy Box.
    pub buy_box: Measure<BuyBox>,
    /// Where the price stands among competitors.
    pub position: Measure<Position>,
    /// Whether the rank followed the price.
    pub elasticity: Measure<Elasticity>,
    /// The price in 30 days.
    pub outlook: Measure<Outlook>,
}

/// The insight of a listing over the last days, among its competitors.
pub fn insight(history: &ListingHistory, days: u32, own: &Peer, peers: &[Peer]) -> Insight {
    let window = Window::of_days(Some(days), history.now());
    let price_percentile = price::percentile(history, window);
    let prices = history.numbers(&Series::Price.into(), Window::of_days(None, history.now()));
    Insight {
        deal_score: price::deal_score(history, window, &price_percentile),
        price_percentile,
        lowest: price::lowest(history, &prices),
        out_of_stock_share: stock::out_of_stock_share(history, window),
        volatility: price::volatility(history, window),
        season: season::season(&prices, history.now()),
        rank_drops: rank::rank_drops(history, window),
        buy_box: buy_box::buy_box(history, window),
        position: position::position(own, peers, history.now()),
        elasticity: elasticity::elasticity(history),
        outlook: outlook::outlook(history, &prices),
    }
}
