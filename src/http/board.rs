//! `/api/v1/board`: all that the rows of a board show, in one answer.

use actix_web::Responder;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::board_view::WireBoard;
use super::field_parsing::{check_text, parsed, truth};
use super::problem::Problem;
use super::routes::Routes;
use super::strict::StrictQuery;
use crate::domain::{Availability, ProductId, Scope};
use crate::service::{BoardOrder, BoardRequest, Caller, FieldError, MAX_BOARD_ROWS, ProductFilter, ProductOrder};

const DEFAULT_ROWS: u32 = 50;
/// Maximum products that are named.
const MAX_IDS: usize = 100;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/board", |path| path.get(Scope::ProductRead, board));
}

/// Filter, order and page of a board.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BoardQuery {
    /// Has this tag.
    tag: Option<String>,
    /// On this marketplace.
    marketplace: Option<String>,
    /// `active` or `paused`.
    status: Option<String>,
    /// Title, label or ASIN contains this.
    text: Option<String>,
    /// `true`: only products whose listing fails; `false`: only the others.
    #[param(value_type = Option<bool>)]
    failing: Option<String>,
    /// `true`: only competitors' products; `false`: only the others.
    #[param(value_type = Option<bool>)]
    competitor: Option<String>,
    /// `in_stock`, `low_stock`, `out_of_stock`, `preorder`, `unavailable`, `no_featured_offer`, `undeliverable` or `unknown`.
    availability: Option<String>,
    /// `true`: only products whose price is the lowest of 90 days.
    #[param(value_type = Option<bool>)]
    at_low: Option<String>,
    /// Only these products: 1 to 100 ids, separated by commas.
    ids: Option<String>,
    /// `title`, `price`, `change` (the last change of the price, as a share), `average` (the price against its average of 30 days; of at
    /// most 5000 products), `stock`, `rank`, `seller`, `changed` (the last change of price or availability) or `next_crawl`; with a leading
    /// `-` the other way round. Products without the value come last. Default: those added last first.
    sort: Option<String>,
    /// The `next_cursor` of the previous page, in the same order.
    cursor: Option<String>,
    /// Rows, 1 to 100; default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// The filters of a board, not checked yet, from a query or a body.
#[derive(Default)]
pub(super) struct FilterTexts {
    pub tag: Option<String>,
    pub marketplace: Option<String>,
    pub status: Option<String>,
    pub text: Option<String>,
    pub availability: Option<String>,
    pub failing: Option<bool>,
    pub is_competitor: Option<bool>,
}

impl FilterTexts {
    /// The filter; adds an error for each text that is wrong. Fields are named `within` an object.
    pub(super) fn filter(self, within: &str, errors: &mut Vec<FieldError>) -> ProductFilter {
        let named = |field: &str| format!("{within}{field}");
        check_text(&named("tag"), self.tag.as_deref(), errors);
        check_text(&named("text"), self.text.as_deref(), errors);
        ProductFilter {
            marketplace: parsed(&named("marketplace"), self.marketplace.as_deref(), errors),
            status: parsed(&named("status"), self.status.as_deref(), errors),
            availability: self.availability.and_then(|word| availability_of(&named("availability"), &word, errors)),
            tag: self.tag,
            text: self.text,
            failing: self.failing,
            is_competitor: self.is_competitor,
            ..ProductFilter::default()
        }
    }
}

fn availability_of(field: &str, word: &str, errors: &mut Vec<FieldError>) -> Option<Availability> {
    let found = Availability::ALL.iter().copied().find(|availability| availability.as_str() == word);
    if found.is_none() {
        let words: Vec<&str> = Availability::ALL.iter().map(|availability| availability.as_str()).collect();
        errors.push(FieldError::new(field, format!("use {}", words.join(", "))));
    }
    found
}

impl BoardQuery {
    fn into_request(self) -> Result<BoardRequest, Problem> {
        let mut errors = Vec::new();
        let texts = FilterTexts {
            tag: self.tag,
            marketplace: self.marketplace,
            status: self.status,
            text: self.text,
            availability: self.availability,
            failing: self.failing.as_deref().and_then(|text| truth("failing", text, &mut errors)),
            is_competitor: self.competitor.as_deref().and_then(|text| truth("competitor", text, &mut errors)),
        };
        let filter = texts.filter("", &mut errors);
        let wants_at_low = match self.at_low.as_deref() {
            None => false,
            Some("true") => true,
            Some(_) => {
                errors.push(FieldError::new("at_low", "must be true, or left out"));
                false
            }
        };
        let ids = self.ids.as_deref().and_then(|ids| ids_of(ids, &mut errors));
        let order = self.sort.as_deref().map_or(BoardOrder::default(), |sort| order_of(sort, &mut errors));
        let limit = match self.limit.as_deref().map(str::parse) {
            None => DEFAULT_ROWS,
            Some(Ok(limit @ 1..=MAX_BOARD_ROWS)) => limit,
            Some(_) => {
                errors.push(FieldError::new("limit", format!("must be an integer from 1 to {MAX_BOARD_ROWS}")));
                DEFAULT_ROWS
            }
        };
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let filter = ProductFilter { ids, ..filter };
        Ok(BoardRequest { filter, wants_at_low, order, cursor: self.cursor, limit })
    }
}

fn ids_of(text: &str, errors: &mut Vec<FieldError>) -> Option<Vec<ProductId>> {
    let ids: Result<Vec<ProductId>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    match ids {
        Ok(ids) if ids.len() <= MAX_IDS => Some(ids),
        _ => {
            errors.push(FieldError::new("ids", format!("must be 1 to {MAX_IDS} ids, separated by commas")));
            None
        }
    }
}

fn order_of(word: &str, errors: &mut Vec<FieldError>) -> BoardOrder {
    let stored = match word {
        "average" => return BoardOrder::AgainstAverage { falls: false },
        "-average" => return BoardOrder::AgainstAverage { falls: true },
        "title" => ProductOrder::Title,
        "-title" => ProductOrder::TitleFalling,
        "price" => ProductOrder::PriceRising,
        "-price" => ProductOrder::PriceFalling,
        "change" => ProductOrder::ChangeRising,
        "-change" => ProductOrder::ChangeFalling,
        "rank" => ProductOrder::RankRising,
        "-rank" => ProductOrder::RankFalling,
        "stock" => ProductOrder::StockRising,
        "-stock" => ProductOrder::StockFalling,
        "seller" => ProductOrder::Seller,
        "-seller" => ProductOrder::SellerFalling,
        "changed" => ProductOrder::ChangedRising,
        "-changed" => ProductOrder::ChangedFalling,
        "next_crawl" => ProductOrder::NextCrawlRising,
        "-next_crawl" => ProductOrder::NextCrawlFalling,
        _ => {
            let message =
                "use title, price, change, average, stock, rank, seller, changed or next_crawl, also with a leading -";
            errors.push(FieldError::new("sort", message));
            ProductOrder::default()
        }
    };
    BoardOrder::Stored(stored)
}

/// List products with all that a board shows of them.
///
/// Filters and orders hold for all products, and a cursor stays valid while products change. With `at_low` a page can have fewer rows
/// than asked for although there is a next one.
#[utoipa::path(get, path = "/api/v1/board", tag = "products", params(BoardQuery), responses(
    (status = 200, description = "A page", body = WireBoard),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn board(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<BoardQuery>,
) -> Result<impl Responder, Problem> {
    Ok(WireBoard::from(shared.service.board(caller.tenant_id, query.into_request()?).await?))
}
