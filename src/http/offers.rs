//! `/api/v1/products/{id}/offers` and `/api/v1/products/{id}/content`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Shared;
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::product_view::WireMoney;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::{Fulfillment, Offer, OfferCondition, ProductId, Reading, Scope, SellerId};
use crate::service::{Caller, Offers, StoredContent};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/offers", |path| path.get(Scope::ProductRead, offers));
    routes.path("/products/{id}/content", |path| path.get(Scope::ProductRead, content));
}

/// One seller's offer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
struct WireOffer {
    /// The seller's name, as displayed.
    seller: Option<String>,
    /// Amazon's id of the seller.
    #[schema(value_type = Option<String>, example = "A1TJP2EKS10VL4")]
    seller_id: Option<SellerId>,
    /// `new`, `used`, `refurbished`, `collectible` or `unknown`.
    #[schema(value_type = String, example = "new")]
    condition: OfferCondition,
    /// The condition with its grade, as displayed.
    condition_text: Option<String>,
    /// The price without shipping.
    price: WireMoney,
    /// Shipping; 0 when it is free, null when it is not known.
    shipping: Option<WireMoney>,
    /// The price with shipping; null when the shipping is not known.
    landed_price: Option<WireMoney>,
    /// Who ships it: `amazon`, `merchant` or `unknown`.
    #[schema(value_type = String, example = "amazon")]
    fulfilled_by: Fulfillment,
    /// It carries the Prime badge.
    is_prime: bool,
    /// It is the featured offer (Buy Box).
    is_featured: bool,
}

impl From<Offer> for WireOffer {
    fn from(offer: Offer) -> Self {
        let money = |amount_minor| WireMoney { amount_minor, currency: offer.price.currency };
        Self {
            landed_price: offer.landed_minor().map(money),
            shipping: match offer.shipping {
                Reading::Unknown => None,
                Reading::Absent => Some(money(0)),
                Reading::Is(shipping) => Some(shipping.into()),
            },
            price: offer.price.into(),
            seller: offer.seller,
            seller_id: offer.seller_id,
            condition: offer.condition,
            condition_text: offer.condition_text,
            fulfilled_by: offer.fulfilled_by,
            is_prime: offer.is_prime,
            is_featured: offer.is_featured,
        }
    }
}

/// The offers of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfferList)]
pub(super) struct WireOffers {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// When they were read; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// The list was read to its end.
    is_complete: bool,
    /// In the order of Amazon's list, the featured one first. At most 100.
    offers: Vec<WireOffer>,
}

/// A version of the content of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContentVersion)]
pub(super) struct WireContent {
    /// From when on it holds, until the next version.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The fields that differ from the version before; in the first version all that were read.
    #[schema(example = json!(["title", "image_ids"]))]
    changed: Vec<String>,
    /// All fields that are known: `title`, `brand`, `bullets`, `image_ids`, `description`, `category_path`, `has_a_plus`, `has_video`,
    /// `parent_asin`, `variation_count`.
    #[schema(value_type = Object)]
    content: Map<String, Value>,
}

impl From<StoredContent> for WireContent {
    fn from(version: StoredContent) -> Self {
        let StoredContent { at, changed, content } = version;
        Self { at, changed, content }
    }
}

/// List the offers of all sellers.
///
/// They are read for products with `watch_offers`, so often as `offers_frequency` says.
#[utoipa::path(get, path = "/api/v1/products/{id}/offers", tag = "history", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The offers, as they were last read", body = WireOffers),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn offers(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let Offers { listing_id, as_of, list } = shared.service.offers(caller.tenant_id, id).await?;
    let offers = WireOffers {
        product_id: id,
        as_of,
        is_complete: list.is_complete,
        offers: list.offers.into_iter().map(WireOffer::from).collect(),
    };
    Ok(tagged(CacheTags { product_id: id, listing_id }, HttpResponse::Ok().json(offers)))
}

/// List the versions of a listing's content, the newest first.
///
/// At most 25 are on a page.
#[utoipa::path(get, path = "/api/v1/products/{id}/content", tag = "history", params(("id" = Uuid, Path), PageQuery), responses(
    (status = 200, description = "The versions", body = WirePage<WireContent>),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn content(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    let (listing_id, page) = shared.service.content_versions(caller.tenant_id, id, cursor, limit).await?;
    let page: WirePage<WireContent> = paged(page);
    Ok(tagged(CacheTags { product_id: id, listing_id }, page.respond_to(&request)))
}
