//! `/keepa/product`: products with their history.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::envelope::{KeepaError, Tokens};
use super::parameters::Parameters;
use crate::domain::{Asin, Marketplace};
use crate::http::Shared;
use crate::http::observe::elapsed;
use crate::http::problem::Problem;
use crate::http::strict::StrictQuery;
use crate::keepa::{KeepaStats, UnstatedShipping, domain_of, keepa_minute};
use crate::service::{Caller, KeepaProduct, KeepaQuery, ServiceError};

/// A product of Amazon's.
const STANDARD: u8 = 0;
/// None of the caller's products.
const INVALID: u8 = 4;
/// The part of the request timeout that is not for waiting for crawls: reading and writing the answer.
const WAIT_MARGIN: Duration = Duration::from_secs(2);
/// Longest age of data, in hours.
const MAX_AGE_HOURS: u32 = 24 * 365;

/// Which products, and what of them. Other parameters of Keepa's are ignored.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ProductQuery {
    /// 1 to 100 ASINs, separated by commas.
    asin: Option<String>,
    /// Not supported: ask by ASIN.
    code: Option<String>,
    /// The marketplace: 1 com, 2 co.uk, 3 de, 4 fr, 5 co.jp, 6 ca, 8 it, 9 es, 10 in, 11 com.mx, 12 com.br.
    domain: Option<String>,
    /// 1 (default): with `csv`; 0: without.
    history: Option<String>,
    /// The last days of `csv`, preceded by the values that held then.
    days: Option<String>,
    /// Statistics of the last days, or of two times separated by a comma.
    stats: Option<String>,
    /// Without effect: `csv` always has the ratings that are known.
    rating: Option<String>,
    /// Without effect: `csv` always has the Buy Box.
    buybox: Option<String>,
    /// Crawls what is older than so many hours, and waits for it. Requires the scope `crawl:create`.
    update: Option<String>,
    /// `0`: `csv` has 0 for shipping that is not stated; default -1.
    #[serde(rename = "unstated-shipping")]
    unstated_shipping: Option<String>,
}

/// The products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeepaProducts)]
pub(in crate::http) struct Products {
    /// One for each ASIN, in the order of the request.
    products: Vec<WireProduct>,
}

/// A product. What is not known is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaProduct)]
struct WireProduct {
    asin: String,
    domain_id: i64,
    /// 0; 4: none of your products.
    product_type: u8,
    title: Option<String>,
    brand: Option<String>,
    /// 36 series by their index: minutes since 2011 and values in turn.
    csv: Option<Vec<Option<Vec<i64>>>>,
    /// When you began to track it, in minutes since 2011, as all times.
    tracking_since: Option<i64>,
    /// When it was last read.
    last_update: Option<i64>,
    /// When a price last changed.
    last_price_change: Option<i64>,
    /// When which seller had the Buy Box, in turn.
    buy_box_seller_id_history: Option<Vec<String>>,
    /// The name of the category whose rank SALES has. Not one of Keepa's fields.
    sales_rank_category: Option<String>,
    /// When nothing was known, begin and end in turn; the last end may be missing. Not one of Keepa's fields.
    unknown_times: Vec<i64>,
    #[schema(value_type = Option<Object>)]
    stats: Option<KeepaStats>,
}

/// Get products with their history.
#[utoipa::path(get, path = "/keepa/product", tag = "keepa", params(ProductQuery), responses(
    (status = 200, description = "The products, with the envelope", body = Products),
    (status = 400, description = "The key or a parameter is wrong", body = KeepaError),
    (status = 402, description = "The crawls of the day are used up", body = KeepaError),
))]
pub(in crate::http) async fn product(
    shared: Data<Shared>,
    caller: Caller,
    tokens: Tokens,
    request: HttpRequest,
    StrictQuery(query): StrictQuery<ProductQuery>,
) -> Result<impl Responder, Problem> {
    let Wanted { query, asins, update } = Wanted::of(query)?;
    if let Some(max_age) = update {
        let left = shared.settings.request_timeout.saturating_sub(elapsed(&request) + WAIT_MARGIN);
        let (marketplace, asins) = (query.marketplace, query.asins.clone());
        shared.service.refresh_listings(caller.clone(), marketplace, asins, max_age, left).await?;
    }
    let marketplace = query.marketplace;
    let mut found = shared.service.keepa_products(caller.tenant_id, query).await?;
    let products = asins.into_iter().map(|asin| wire(asin, marketplace, &mut found)).collect();
    Ok(tokens.reply(&Products { products }))
}

/// What a request asks for.
struct Wanted {
    query: KeepaQuery,
    /// As the request names them.
    asins: Vec<String>,
    /// How old what is told may be.
    update: Option<Duration>,
}

impl Wanted {
    fn of(query: ProductQuery) -> Result<Self, Problem> {
        let mut parameters = Parameters::default();
        let marketplace = parameters.domain(query.domain.as_deref());
        if query.code.is_some() {
            parameters.wrong("code", "is not supported; use `asin`");
        }
        let asins = if query.code.is_none() { parameters.asins(query.asin.as_deref()) } else { Vec::new() };
        let with_history = parameters.flag("history", query.history.as_deref(), true);
        let days = parameters.days("days", query.days.as_deref());
        let stats = parameters.stats(query.stats.as_deref(), Timestamp::now());
        for (name, value) in [("rating", &query.rating), ("buybox", &query.buybox)] {
            parameters.flag(name, value.as_deref(), false);
        }
        let hours = query.update.as_deref().filter(|update| *update != "-1");
        let hours = parameters.number("update", hours, 0..=MAX_AGE_HOURS);
        let unstated = match query.unstated_shipping.as_deref() {
            None | Some("-1") => UnstatedShipping::Marked,
            Some("0") => UnstatedShipping::Free,
            Some(_) => {
                parameters.wrong("unstated-shipping", "must be -1 or 0");
                UnstatedShipping::Marked
            }
        };
        parameters.check()?;
        // Checked: a missing domain is an error.
        let marketplace = marketplace.ok_or(ServiceError::Internal)?;
        // What is no ASIN is no product of anybody's.
        let known: Vec<Asin> = asins.iter().filter_map(|asin| asin.parse().ok()).collect();
        let query = KeepaQuery { marketplace, asins: known, with_history, days, unstated, stats };
        Ok(Self { query, asins, update: hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600)) })
    }
}

fn wire(asin: String, marketplace: Marketplace, found: &mut HashMap<Asin, KeepaProduct>) -> WireProduct {
    let domain_id = domain_of(marketplace).unwrap_or_default();
    let product = asin.parse::<Asin>().ok().and_then(|asin| found.remove(&asin));
    let Some(KeepaProduct { product, history, csv, stats }) = product else {
        return WireProduct {
            asin,
            domain_id,
            product_type: INVALID,
            title: None,
            brand: None,
            csv: None,
            tracking_since: None,
            last_update: None,
            last_price_change: None,
            buy_box_seller_id_history: None,
            sales_rank_category: None,
            unknown_times: Vec::new(),
            stats: None,
        };
    };
    let has_history = csv.is_some();
    WireProduct {
        asin: product.listing.asin.to_string(),
        domain_id,
        product_type: STANDARD,
        title: product.state.title.clone(),
        brand: product.state.brand.clone(),
        csv,
        tracking_since: Some(keepa_minute(product.created_at)),
        last_update: product.state.checked_at.map(keepa_minute),
        last_price_change: history.last_price_change(),
        buy_box_seller_id_history: has_history.then(|| history.buy_box_sellers()).flatten(),
        sales_rank_category: history.rank_category().map(str::to_owned),
        unknown_times: if has_history { history.unknown_times() } else { Vec::new() },
        stats,
    }
}
