//! `/api/v1/products/{id}/chart.svg` and `.png`: the price as a picture.

use std::borrow::Cow;

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, Object, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictQuery};
use crate::domain::{ProductId, Scope};
use crate::service::{Caller, ChartLook, ChartRequest, ChartTheme, FieldError};

const DEFAULT_DAYS: u32 = 90;
const MAX_DAYS: u32 = 3650;
const DEFAULT_SIZE: (u32, u32) = (640, 240);

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/chart.svg", |path| path.get(Scope::ProductRead, svg));
    routes.path("/products/{id}/chart.png", |path| path.get(Scope::ProductRead, png));
}

/// The bytes of a picture, as the document describes them.
pub(super) struct Picture;

impl ToSchema for Picture {
    fn name() -> Cow<'static, str> {
        "Picture".into()
    }
}

impl PartialSchema for Picture {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        Object::builder().schema_type(Type::String).format(Some(binary)).into()
    }
}

/// What a chart shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChartQuery {
    /// How far back, 1 to 3650; default 90.
    days: Option<String>,
    /// `price` (default), or `price,sales_rank` with the rank in the widest category.
    series: Option<String>,
    /// `light` (default) or `dark`; `auto` of an SVG is as its reader prefers.
    theme: Option<String>,
    /// In pixels, 200 to 2000; default 640.
    width: Option<String>,
    /// In pixels, 100 to 1000; default 240.
    height: Option<String>,
}

impl ChartQuery {
    fn request(self, product_id: ProductId, is_png: bool) -> Result<ChartRequest, Problem> {
        let mut errors = Vec::new();
        let mut number = |field: &str, text: Option<String>, default: u32, allowed: std::ops::RangeInclusive<u32>| {
            let number = parsed::<u32>(field, text.as_deref(), &mut errors).unwrap_or(default);
            if !allowed.contains(&number) {
                let message = format!("must be between {} and {}", allowed.start(), allowed.end());
                errors.push(FieldError::new(field, message));
            }
            number
        };
        let days = number("days", self.days, DEFAULT_DAYS, 1..=MAX_DAYS);
        let width = number("width", self.width, DEFAULT_SIZE.0, 200..=2000);
        let height = number("height", self.height, DEFAULT_SIZE.1, 100..=1000);
        let theme = theme_of(self.theme.as_deref(), is_png, &mut errors);
        let has_rank = has_rank(self.series.as_deref(), &mut errors);
        if errors.is_empty() {
            let look = ChartLook { theme, has_rank, ..ChartLook::new(days, width, height, is_png) };
            Ok(ChartRequest { product_id, look })
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

/// The colours that a picture should have.
pub(super) fn theme_of(text: Option<&str>, is_png: bool, errors: &mut Vec<FieldError>) -> ChartTheme {
    match text {
        None | Some("light") => ChartTheme::Light,
        Some("dark") => ChartTheme::Dark,
        Some("auto") if !is_png => ChartTheme::Auto,
        Some(_) => {
            let message = if is_png { "must be `light` or `dark`" } else { "must be `light`, `dark` or `auto`" };
            errors.push(FieldError::new("theme", message));
            ChartTheme::Light
        }
    }
}

/// Whether a picture should show the sales rank.
pub(super) fn has_rank(series: Option<&str>, errors: &mut Vec<FieldError>) -> bool {
    let wants_rank = series == Some("price,sales_rank");
    if !wants_rank && series.is_some_and(|series| series != "price") {
        errors.push(FieldError::new("series", "must be `price` or `price,sales_rank`"));
    }
    wants_rank
}

/// Get a chart of a product's price as SVG.
#[utoipa::path(get, path = "/api/v1/products/{id}/chart.svg", tag = "history", params(("id" = Uuid, Path), ChartQuery), responses(
    (status = 200, description = "A picture", content_type = "image/svg+xml", body = String),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn svg(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<ChartQuery>,
) -> Result<impl Responder, Problem> {
    let drawn = shared.service.chart(caller.tenant_id, query.request(id, false)?).await?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(drawn))
}

/// Get a chart of a product's price as PNG.
#[utoipa::path(get, path = "/api/v1/products/{id}/chart.png", tag = "history", params(("id" = Uuid, Path), ChartQuery), responses(
    (status = 200, description = "A picture", content_type = "image/png", body = Picture),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn png(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<ChartQuery>,
) -> Result<impl Responder, Problem> {
    let drawn = shared.service.chart(caller.tenant_id, query.request(id, true)?).await?;
    Ok(HttpResponse::Ok().content_type("image/png").body(drawn))
}
