//! The wire forms of competitor sets, candidates and comparisons.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::insight_view::{WireInsightWindow, WireMeasure, WirePosition, money, rounded};
use super::product_view::WireMoney;
use crate::domain::{Availability, CompetitorSet, CompetitorSetId, Currency, Product, ProductId, Rating, Series};
use crate::insight::report::ContentCounts;
use crate::insight::{Candidate, ComparedRow, Comparison, Exclusion, Reason, Undercut};
use crate::service::{SetComparison, StoredContent};

/// A competitor set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitorSet)]
pub(super) struct WireSet {
    #[schema(value_type = Uuid)]
    id: CompetitorSetId,
    name: String,
    /// The own product.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// At most 20.
    #[schema(value_type = Vec<Uuid>)]
    competitor_ids: Vec<ProductId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<CompetitorSet> for WireSet {
    fn from(set: CompetitorSet) -> Self {
        let CompetitorSet { id, name, product_id, competitors, created_at, updated_at, .. } = set;
        Self { id, name, product_id, competitor_ids: competitors, created_at, updated_at }
    }
}

/// Listings that may be competitors.
#[derive(Serialize, ToSchema)]
#[schema(as = CompetitorCandidates)]
pub(super) struct WireCandidates {
    /// The likeliest first.
    items: Vec<WireCandidate>,
}

/// A listing that may be a competitor.
#[derive(Serialize, ToSchema)]
#[schema(as = CompetitorCandidate)]
struct WireCandidate {
    asin: String,
    #[schema(example = "de")]
    marketplace: &'static str,
    /// The product that tracks it; null: you do not track it yet.
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    title: Option<String>,
    /// Why it is one.
    reasons: Vec<WireReason>,
}

/// Why a listing may be a competitor.
#[derive(Serialize, ToSchema)]
#[schema(as = CandidateReason)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum WireReason {
    /// It stood near the product on a bestseller list or in search results.
    ListPlace {
        /// Places below it; negative: above.
        distance: i32,
    },
    /// Amazon compares the two in a table on the page of the product.
    Compared,
    /// Both carry these tags.
    Tags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Both have a rank in this category.
    Category {
        /// The category.
        category: String,
    },
    /// The prices are alike.
    Price {
        /// Its price ÷ the own price.
        ratio: f64,
    },
    /// The titles share words.
    Words {
        /// The words.
        words: Vec<String>,
    },
}

impl From<Reason> for WireReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::ListPlace(distance) => Self::ListPlace { distance },
            Reason::Compared => Self::Compared,
            Reason::Tags(tags) => Self::Tags { tags },
            Reason::Category(category) => Self::Category { category },
            Reason::Price(ratio) => Self::Price { ratio: rounded(ratio) },
            Reason::Words(words) => Self::Words { words },
        }
    }
}

impl From<Vec<Candidate>> for WireCandidates {
    fn from(candidates: Vec<Candidate>) -> Self {
        let item = |candidate: Candidate| WireCandidate {
            asin: candidate.listing.asin.to_string(),
            marketplace: candidate.listing.marketplace.code(),
            product_id: candidate.product_id,
            title: candidate.title,
            reasons: candidate.reasons.into_iter().map(WireReason::from).collect(),
        };
        Self { items: candidates.into_iter().map(item).collect() }
    }
}

/// A product beside its competitors.
#[derive(Serialize, ToSchema)]
#[schema(as = Comparison)]
pub(super) struct WireComparison {
    set: Option<WireSet>,
    window: WireInsightWindow,
    /// `landed`: prices with shipping; `without_shipping`: that of some products is not known.
    #[schema(example = "landed")]
    basis: &'static str,
    /// The bestseller category of the ranks: the own one that most competitors have.
    category: Option<String>,
    /// Where the own price stands. `n`: the competitors whose price can be compared.
    position: WireMeasure<WirePosition>,
    own: WireRow,
    /// In the order of the set.
    competitors: Vec<WireRow>,
    /// The times at which competitors were cheaper, the latest first; at most 100.
    undercuts: Vec<WireUndercut>,
}

/// One product of a comparison.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedProduct)]
struct WireRow {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    asin: String,
    #[schema(example = "de")]
    marketplace: &'static str,
    title: Option<String>,
    brand: Option<String>,
    /// The price on the basis of the comparison.
    price: Option<WireMoney>,
    /// How much dearer than the own product, in percent; negative: cheaper.
    percent_to_own: Option<f64>,
    /// Why its price is not compared.
    excluded: Option<WireExclusion>,
    /// When its price was last read.
    #[schema(value_type = Option<String>, format = DateTime)]
    price_as_of: Option<Timestamp>,
    /// In the category of the comparison; lower is better.
    rank: Option<u32>,
    /// Stars, 1 to 5.
    rating: Option<f64>,
    review_count: Option<i64>,
    /// In the window; negative if Amazon removed some. `n`: the changes seen.
    reviews_gained: WireMeasure<i64>,
    #[schema(value_type = String, example = "in_stock")]
    availability: Availability,
    /// Share of the known time of the window. `n`: how often it went out.
    out_of_stock_share: WireMeasure<f64>,
    /// Who holds the Buy Box.
    seller: Option<String>,
    seller_id: Option<String>,
    /// What its page has; null: not read yet.
    content: Option<WireContentSummary>,
}

/// Why a price is not compared.
#[derive(Serialize, ToSchema)]
#[schema(as = Exclusion)]
struct WireExclusion {
    /// `other_currency`, `other_marketplace`, `no_price` or `stale`.
    #[schema(example = "stale")]
    code: &'static str,
    message: &'static str,
}

/// What a page has.
#[derive(Serialize, ToSchema)]
#[schema(as = ContentSummary)]
struct WireContentSummary {
    title_chars: Option<usize>,
    bullets: Option<usize>,
    images: Option<usize>,
    description_chars: Option<usize>,
    has_a_plus: Option<bool>,
    has_video: Option<bool>,
}

/// A time at which a competitor was cheaper.
#[derive(Serialize, ToSchema)]
#[schema(as = Undercut)]
struct WireUndercut {
    /// The competitor.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// When it began; the beginning of the window if it was so before.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When it ended, or was last known; null: it lasts.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// The own price at its beginning.
    own_price: WireMoney,
    /// The lowest price of the competitor while it lasted.
    competitor_price: WireMoney,
}

impl From<Exclusion> for WireExclusion {
    fn from(exclusion: Exclusion) -> Self {
        let message = match exclusion {
            Exclusion::OtherCurrency => "its prices are in another currency",
            Exclusion::OtherMarketplace => "it is sold on another marketplace",
            Exclusion::NoPrice => "it has no featured offer",
            Exclusion::Stale => "its price was last read too long ago",
        };
        Self { code: exclusion.as_str(), message }
    }
}

impl From<&StoredContent> for WireContentSummary {
    fn from(version: &StoredContent) -> Self {
        let ContentCounts { title_chars, bullets, images, description_chars, has_a_plus, has_video } =
            ContentCounts::of(&version.content);
        Self { title_chars, bullets, images, description_chars, has_a_plus, has_video }
    }
}

impl WireRow {
    fn of(row: ComparedRow, product: &Product, content: Option<&StoredContent>) -> Self {
        let (state, currency) = (&product.state, product.listing.marketplace.currency());
        Self {
            product_id: row.product_id,
            asin: product.listing.asin.to_string(),
            marketplace: product.listing.marketplace.code(),
            title: state.title.clone(),
            brand: state.brand.clone(),
            price: row.price_minor.ok().map(|minor| money(minor, currency)),
            percent_to_own: row.percent_to_own.map(rounded),
            excluded: row.price_minor.err().map(WireExclusion::from),
            price_as_of: state.as_of(Series::Price),
            rank: row.rank,
            rating: state.rating().map(Rating::stars),
            review_count: state.number(Series::ReviewCount),
            reviews_gained: WireMeasure::of(row.reviews_gained, |gained| gained),
            availability: state.availability(),
            out_of_stock_share: WireMeasure::of(row.out_of_stock_share, rounded),
            seller: state.text(Series::Seller).map(str::to_owned),
            seller_id: state.text(Series::SellerId).map(str::to_owned),
            content: content.map(WireContentSummary::from),
        }
    }
}

impl WireUndercut {
    fn of(undercut: Undercut, currency: Currency) -> Self {
        let Undercut { product_id, from, to, own_minor, competitor_minor } = undercut;
        let (own_price, competitor_price) = (money(own_minor, currency), money(competitor_minor, currency));
        Self { product_id, from, to, own_price, competitor_price }
    }
}

impl From<SetComparison> for WireComparison {
    fn from(compared: SetComparison) -> Self {
        let SetComparison { set, at, days, comparison, own: own_product, products, content } = compared;
        let Comparison { basis, category, position, own, competitors, undercuts } = comparison;
        let currency = own_product.listing.marketplace.currency();
        let row = |row: ComparedRow| {
            let product = products.get(&row.product_id)?;
            let content = content.get(&row.product_id);
            Some(WireRow::of(row, product, content))
        };
        Self {
            window: WireInsightWindow::of(days, at),
            basis: basis.as_str(),
            category,
            position: WireMeasure::of(position, |position| WirePosition::of(position, currency)),
            own: WireRow::of(own, &own_product, content.get(&own_product.id)),
            competitors: competitors.into_iter().filter_map(row).collect(),
            undercuts: undercuts.into_iter().map(|undercut| WireUndercut::of(undercut, currency)).collect(),
            set: set.map(WireSet::from),
        }
    }
}
