//! The wire form of an insight.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::product_view::WireMoney;
use crate::domain::{Currency, Money, ProductId};
use crate::insight::{
    BuyBox, Elasticity, Insight, Lowest, Measure, Missing, Outlook, Position, RankDrops, Season, SellerShare,
    Volatility,
};
use crate::service::ProductInsight;

/// What the history of a listing says.
#[derive(Serialize, ToSchema)]
#[schema(as = Insight)]
pub(super) struct WireInsight {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// Its window.
    window: WireInsightWindow,
    /// Share of the priced time during which the price was higher than now, half the time at the same price included: 1 is the best price
    /// of the window. `n`: the prices that held.
    price_percentile: WireMeasure<f64>,
    /// Ten times the percentile. `n`: the different prices.
    deal_score: WireMeasure<f64>,
    /// Whether the price is the lowest; over the whole history and 90 days, whatever the window. `n`: the prices that held.
    lowest: WireMeasure<WireLowest>,
    /// Share of the known time during which the listing was out of stock or unavailable. `n`: how often it went out.
    out_of_stock_share: WireMeasure<f64>,
    /// How much the price moves. `n`: its changes.
    volatility: WireMeasure<WireVolatility>,
    /// The price of each month relative to its year, over the whole history. `n`: the months seen.
    season: WireMeasure<WireSeason>,
    /// Improvements of the sales rank. They are no number of sales. `n`: changes of the rank.
    rank_drops: WireMeasure<WireRankDrops>,
    /// Who held the Buy Box. `n`: the sellers.
    buy_box: WireMeasure<WireBuyBox>,
    /// Where the price stands among competitors. `n`: those whose price can be compared.
    position: WireMeasure<WirePosition>,
    /// Whether the sales rank followed the price in the last year: a hint, no forecast. `n`: the moves of the price.
    elasticity: WireMeasure<WireElasticity>,
    /// The price in 30 days, judged on the whole history. `n`: the days of the past that it was judged on.
    outlook: WireMeasure<WireOutlook>,
}

/// The window of an insight.
#[derive(Serialize, ToSchema)]
#[schema(as = InsightWindow)]
pub(super) struct WireInsightWindow {
    /// Its length.
    days: u32,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When the insight was computed.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
}

/// A value with what it rests on.
#[derive(Serialize, ToSchema)]
#[schema(as = Measure)]
pub(super) struct WireMeasure<T: ToSchema> {
    /// Null if there is too little to go by.
    value: Option<T>,
    /// How many things were counted.
    n: usize,
    /// Share of the window of which the measured is known, 0 to 1.
    coverage: f64,
    /// Why the value is null.
    missing: Option<WireMissing>,
}

/// Why a value is missing.
#[derive(Serialize, ToSchema)]
#[schema(as = Missing)]
struct WireMissing {
    /// `no_current_price`, `too_short`, `low_coverage`, `too_few` or `uneven_crawls`.
    #[schema(example = "too_short")]
    code: &'static str,
    /// What there is, and what is needed.
    #[schema(example = "it is known for 12.5 days; 30 are needed")]
    message: String,
}

/// Whether a price is the lowest. A price that has never been higher is not.
#[derive(Serialize, ToSchema)]
#[schema(as = Lowest)]
struct WireLowest {
    /// Since tracking began, or as far back as its past was imported.
    is_lowest_ever: bool,
    is_lowest_of_90_days: bool,
    /// The lowest price so far.
    price: WireMoney,
    /// When it was first reached.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// How much a price moves.
#[derive(Serialize, ToSchema)]
#[schema(as = Volatility)]
struct WireVolatility {
    changes_per_30_days: f64,
    /// Median distance of the price from its median, as a share of the median.
    relative_deviation: f64,
}

/// The price over the year.
#[derive(Serialize, ToSchema)]
#[schema(as = Season)]
struct WireSeason {
    /// January to December; null: there is no year with enough data around the month.
    #[schema(min_items = 12, max_items = 12)]
    months: Vec<Option<WireSeasonMonth>>,
}

/// One month of the year.
#[derive(Serialize, ToSchema)]
#[schema(as = SeasonMonth)]
struct WireSeasonMonth {
    /// Median price of the month ÷ that of the twelve months around it; the median of several years.
    index: f64,
    /// Years that it rests on.
    years: usize,
}

/// Improvements of a sales rank.
#[derive(Serialize, ToSchema)]
#[schema(as = RankDrops)]
struct WireRankDrops {
    /// The main category.
    category: String,
    /// Changes to a better rank.
    drops: usize,
    /// Changes of any kind. More frequent crawls see more of them.
    changes: usize,
}

/// The sellers in the Buy Box.
#[derive(Serialize, ToSchema)]
#[schema(as = BuyBox)]
struct WireBuyBox {
    /// The longest holder first.
    sellers: Vec<WireSellerShare>,
    /// Changes from one seller to another.
    flips: usize,
}

/// One seller in the Buy Box.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerShare)]
struct WireSellerShare {
    /// Amazon's id.
    seller_id: String,
    /// The name that was last displayed.
    name: Option<String>,
    /// Share of the time with a known seller.
    share: f64,
    /// Average by time while it held the Buy Box.
    mean_price: Option<WireMoney>,
}

/// The place of a price among those of competitors.
#[derive(Serialize, ToSchema)]
#[schema(as = Position)]
pub(super) struct WirePosition {
    /// `landed`: prices with shipping; `without_shipping`: that of some products is not known.
    #[schema(example = "landed")]
    basis: &'static str,
    /// 1: the cheapest. Equal prices share a place.
    rank: usize,
    /// Prices that are compared, the own one included.
    of: usize,
    /// How much dearer it is than the cheapest competitor; negative: cheaper.
    percent_to_cheapest: f64,
    percent_to_median: f64,
    #[schema(value_type = Uuid)]
    cheapest_product_id: ProductId,
    /// Of the competitors.
    cheapest: WireMoney,
    /// Of the competitors.
    median: WireMoney,
}

/// What the sales rank did after moves of the price of at least 2 % that held three days.
#[derive(Serialize, ToSchema)]
#[schema(as = Elasticity)]
struct WireElasticity {
    /// The main category.
    category: String,
    /// Share of the moves after which the rank improved with a lower price or fell with a higher one.
    expected_share: f64,
    /// Median of rank after ÷ rank before, when the price fell.
    after_decrease: Option<f64>,
    /// The same when it rose.
    after_increase: Option<f64>,
}

/// The price in 30 days.
#[derive(Serialize, ToSchema)]
#[schema(as = Outlook)]
struct WireOutlook {
    /// `last_value` or `median_90_days`: the better of the two on the past of this listing.
    #[schema(example = "last_value")]
    method: &'static str,
    price: WireMoney,
    /// A tenth of the past changes led below it.
    low: WireMoney,
    /// A tenth of the past changes led above it.
    high: WireMoney,
    /// Mean absolute error of the method on the past.
    mean_error: WireMoney,
    /// That of the other method.
    other_mean_error: WireMoney,
}

/// Rounds to four decimals: more are noise.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

impl<T: ToSchema> WireMeasure<T> {
    pub(super) fn of<V>(measure: Measure<V>, wire: impl FnOnce(V) -> T) -> Self {
        let Measure { n, coverage, value } = measure;
        let (value, missing) = match value {
            Ok(value) => (Some(wire(value)), None),
            Err(missing) => (None, Some(WireMissing::from(missing))),
        };
        Self { value, n, coverage: rounded(coverage), missing }
    }
}

impl From<Missing> for WireMissing {
    fn from(missing: Missing) -> Self {
        Self { code: missing.code(), message: missing.to_string() }
    }
}

impl WireInsightWindow {
    /// The days up to a time.
    pub(super) fn of(days: u32, to: Timestamp) -> Self {
        let from = to.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
        Self { days, from, to }
    }
}

impl WireInsight {
    pub(super) fn of(product_id: ProductId, insight: ProductInsight) -> Self {
        let ProductInsight { currency, at, days, insight, .. } = insight;
        let Insight {
            price_percentile,
            deal_score,
            lowest,
            out_of_stock_share,
            volatility,
            season,
            rank_drops,
            buy_box,
            position,
            elasticity,
            outlook,
        } = insight;
        Self {
            product_id,
            window: WireInsightWindow::of(days, at),
            price_percentile: WireMeasure::of(price_percentile, rounded),
            deal_score: WireMeasure::of(deal_score, rounded),
            lowest: WireMeasure::of(lowest, |lowest| WireLowest::of(lowest, currency)),
            out_of_stock_share: WireMeasure::of(out_of_stock_share, rounded),
            volatility: WireMeasure::of(volatility, WireVolatility::from),
            season: WireMeasure::of(season, WireSeason::from),
            rank_drops: WireMeasure::of(rank_drops, WireRankDrops::from),
            buy_box: WireMeasure::of(buy_box, |buy_box| WireBuyBox::of(buy_box, currency)),
            position: WireMeasure::of(position, |position| WirePosition::of(position, currency)),
            elasticity: WireMeasure::of(elasticity, WireElasticity::from),
            outlook: WireMeasure::of(outlook, |outlook| WireOutlook::of(outlook, currency)),
        }
    }
}

pub(super) fn money(amount_minor: i64, currency: Currency) -> WireMoney {
    Money::new(amount_minor, currency).into()
}

impl WireLowest {
    fn of(lowest: Lowest, currency: Currency) -> Self {
        Self {
            is_lowest_ever: lowest.of_all_time,
            is_lowest_of_90_days: lowest.of_90_days,
            price: money(lowest.lowest_minor, currency),
            at: lowest.lowest_at,
        }
    }
}

impl From<Volatility> for WireVolatility {
    fn from(volatility: Volatility) -> Self {
        Self {
            changes_per_30_days: rounded(volatility.changes_per_30_days),
            relative_deviation: rounded(volatility.relative_deviation),
        }
    }
}

impl From<Season> for WireSeason {
    fn from(season: Season) -> Self {
        let month =
            |month: crate::insight::SeasonMonth| WireSeasonMonth { index: rounded(month.index), years: month.years };
        Self { months: season.months.into_iter().map(|found| found.map(month)).collect() }
    }
}

impl From<RankDrops> for WireRankDrops {
    fn from(drops: RankDrops) -> Self {
        let RankDrops { category, drops, changes } = drops;
        Self { category, drops, changes }
    }
}

impl WireBuyBox {
    fn of(buy_box: BuyBox, currency: Currency) -> Self {
        let share = |seller: SellerShare| WireSellerShare {
            seller_id: seller.seller_id,
            name: seller.name,
            share: rounded(seller.share),
            mean_price: seller.mean_price_minor.map(|minor| money(minor, currency)),
        };
        Self { sellers: buy_box.sellers.into_iter().map(share).collect(), flips: buy_box.flips }
    }
}

impl WirePosition {
    pub(super) fn of(position: Position, currency: Currency) -> Self {
        Self {
            basis: position.basis.as_str(),
            rank: position.rank,
            of: position.of,
            percent_to_cheapest: rounded(position.percent_to_cheapest),
            percent_to_median: rounded(position.percent_to_median),
            cheapest_product_id: position.cheapest_product_id,
            cheapest: money(position.cheapest_minor, currency),
            median: money(position.median_minor, currency),
        }
    }
}

impl From<Elasticity> for WireElasticity {
    fn from(elasticity: Elasticity) -> Self {
        Self {
            category: elasticity.category,
            expected_share: rounded(elasticity.expected_share),
            after_decrease: elasticity.after_decrease.map(rounded),
            after_increase: elasticity.after_increase.map(rounded),
        }
    }
}

impl WireOutlook {
    fn of(outlook: Outlook, currency: Currency) -> Self {
        let money = |minor| money(minor, currency);
        Self {
            method: outlook.method.as_str(),
            price: money(outlook.price_minor),
            low: money(outlook.low_minor),
            high: money(outlook.high_minor),
            mean_error: money(outlook.mean_error_minor),
            other_mean_error: money(outlook.other_mean_error_minor),
        }
    }
}
