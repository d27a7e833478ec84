//! `/c/{token}`: a shared product for everybody who has the link, as a page without a script and as a picture.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::charts::{Picture, has_rank, theme_of};
use super::dashboard;
use super::etag::tagged_response;
use super::field_parsing::parsed;
use super::html_text::escaped;
use super::problem::Problem;
use super::public_path::public_path;
use super::routes::{Access, Routes};
use super::share_text::Texts;
use super::strict::StrictQuery;
use crate::domain::stats::Extreme;
use crate::domain::{Money, Series};
use crate::service::{ChartLanguage, ChartLook, FieldError, Origin, ServiceError, SharedChartRequest, SharedProduct};

/// Our own styles and pictures, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'";
/// A picture that is opened by itself is a document: it runs nothing and loads nothing. Its colours can be a style within it.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// Not served while it is renewed: proxies of pictures would show the price of yesterday.
const PICTURE_CACHING: &str = "public, max-age=300, s-maxage=300";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NO_INDEX: HeaderValue = HeaderValue::from_static("noindex");
const DEFAULT_DAYS: u32 = 90;
const DEFAULT_SIZE: (u32, u32) = (640, 240);

pub(super) fn routes(routes: &mut Routes<'_>) {
    // Before the page: routes are matched in this order.
    routes.path("/c/{token}.svg", |path| path.get(Access::Open, svg));
    routes.path("/c/{token}.png", |path| path.get(Access::Open, png));
    routes.path("/c/{token}", |path| path.get(Access::Open, page));
}

/// What the picture of a share shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShareChartQuery {
    /// `7d`, `30d`, `90d` (default), `180d`, `1y` or `all`: up to now.
    range: Option<String>,
    /// `price` (default), or `price,sales_rank` with the rank in the widest category.
    series: Option<String>,
    /// Width in pixels, 200 to 1600; default 640.
    w: Option<String>,
    /// Height in pixels, 100 to 800; default 240.
    h: Option<String>,
    /// Device pixels of a PNG per pixel, 1 (default) or 2; it has at most 2000 x 1000 of them.
    scale: Option<String>,
    /// `light` (default) or `dark`; `auto` of an SVG is as its reader prefers.
    theme: Option<String>,
    /// The language of its words: `en` (default), `de`, `ja` (English as PNG) or `pt`.
    lang: Option<String>,
    /// The time zone of the dates, `Europe/Berlin`; default UTC.
    tz: Option<String>,
    /// `1`: the amounts begin at zero.
    zero: Option<String>,
    /// `0`: without a heading.
    title: Option<String>,
    /// `0`: without the target, if the share shows it.
    target: Option<String>,
}

impl ShareChartQuery {
    fn request(self, is_png: bool) -> Result<SharedChartRequest, Problem> {
        let mut errors = Vec::new();
        let mut number = |field: &str, text: Option<String>, default: u32, allowed: std::ops::RangeInclusive<u32>| {
            let number = parsed::<u32>(field, text.as_deref(), &mut errors).unwrap_or(default);
            if !allowed.contains(&number) {
                errors.push(FieldError::new(field, format!("must be {} to {}", allowed.start(), allowed.end())));
            }
            number
        };
        let width = number("w", self.w, DEFAULT_SIZE.0, 200..=1600);
        let height = number("h", self.h, DEFAULT_SIZE.1, 100..=800);
        let scale = number("scale", self.scale, 1, 1..=2);
        let from_zero = number("zero", self.zero, 0, 0..=1) == 1;
        let has_title = number("title", self.title, 1, 0..=1) == 1;
        let has_target = number("target", self.target, 1, 0..=1) == 1;
        let mut wrong = |field: &str, message: &str| errors.push(FieldError::new(field, message));
        let days = match self.range.as_deref() {
            None => Some(DEFAULT_DAYS),
            Some("7d") => Some(7),
            Some("30d") => Some(30),
            Some("90d") => Some(90),
            Some("180d") => Some(180),
            Some("1y") => Some(365),
            Some("all") => None,
            Some(_) => {
                wrong("range", "use 7d, 30d, 90d, 180d, 1y or all");
                None
            }
        };
        let language = match self.lang.as_deref() {
            None | Some("en") => ChartLanguage::English,
            Some("de") => ChartLanguage::German,
            Some("ja") => ChartLanguage::Japanese,
            Some("pt") => ChartLanguage::Portuguese,
            Some(_) => {
                wrong("lang", "must be `en`, `de`, `ja` or `pt`");
                ChartLanguage::English
            }
        };
        let zone = self.tz.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get).unwrap_or_else(|_| {
            wrong("tz", "is not a time zone");
            TimeZone::UTC
        });
        let theme = theme_of(self.theme.as_deref(), is_png, &mut errors);
        let has_rank = has_rank(self.series.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let look = ChartLook { days, theme, has_rank, width, height, is_png, scale, zone, from_zero, language };
        Ok(SharedChartRequest { look, has_title, has_target })
    }
}

/// Get the chart of a shared product as SVG. It needs no credentials: whoever has the link can see it.
#[utoipa::path(get, path = "/c/{token}.svg", tag = "pages", params(("token" = String, Path), ShareChartQuery), responses(
    (status = 200, description = "A picture", content_type = "image/svg+xml", body = String),
    (status = 304, description = "`If-None-Match` has the `ETag` of the picture"),
    (status = 404, description = "There is no such share, or not any more", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
    (status = 429, description = "Too many requests from this address", body = Problem),
))]
pub(super) async fn svg(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    token: Path<String>,
    StrictQuery(query): StrictQuery<ShareChartQuery>,
) -> Result<HttpResponse, Problem> {
    picture(&shared, &request, origin, token.into_inner(), query.request(false)?, "image/svg+xml").await
}

/// Get the chart of a shared product as PNG. It needs no credentials: whoever has the link can see it.
#[utoipa::path(get, path = "/c/{token}.png", tag = "pages", params(("token" = String, Path), ShareChartQuery), responses(
    (status = 200, description = "A picture", content_type = "image/png", body = Picture),
    (status = 304, description = "`If-None-Match` has the `ETag` of the picture"),
    (status = 404, description = "There is no such share, or not any more", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
    (status = 429, description = "Too many requests from this address", body = Problem),
))]
pub(super) async fn png(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    token: Path<String>,
    StrictQuery(query): StrictQuery<ShareChartQuery>,
) -> Result<HttpResponse, Problem> {
    picture(&shared, &request, origin, token.into_inner(), query.request(true)?, "image/png").await
}

async fn picture(
    shared: &Shared,
    request: &HttpRequest,
    origin: Origin,
    token: String,
    chart: SharedChartRequest,
    content_type: &'static str,
) -> Result<HttpResponse, Problem> {
    shared.service.view_of_share(origin.address).await?;
    let drawn = shared.service.shared_chart(token, chart).await?;
    let head = HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, PICTURE_CACHING))
        .finish()
        .drop_body();
    let mut response = tagged_response(request, head, Bytes::copy_from_slice(&drawn));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_POLICY));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(ROBOTS, NO_INDEX);
    Ok(response)
}

/// Get the page of a shared product. It needs no credentials: whoever has the link can see it.
#[utoipa::path(get, path = "/c/{token}", tag = "pages", params(("token" = String, Path)), responses(
    (status = 200, description = "A page", content_type = "text/html", body = String),
    (status = 304, description = "`If-None-Match` has the `ETag` of the page"),
    (status = 404, description = "A page that says that there is no such share, or not any more", content_type = "text/html", body = String),
    (status = 429, description = "Too many requests from this address", body = Problem),
))]
pub(super) async fn page(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    token: Path<String>,
) -> Result<HttpResponse, Problem> {
    shared.service.view_of_share(origin.address).await?;
    let texts = Texts::of(request.headers());
    let token = token.into_inner();
    let (status, caching, document) = match shared.service.shared_product(token.clone()).await {
        Ok(product) => {
            let picture = shared.service.share_url(&format!("{token}.png"));
            let page = Page { texts: &texts, request: &request, token: &token, picture: picture.map(String::from) };
            (StatusCode::OK, "private, no-cache", page.of(&product))
        }
        Err(ServiceError::NotFound(_)) => (StatusCode::NOT_FOUND, "no-store", gone(&texts, &request)),
        Err(error) => return Err(error.into()),
    };
    let mut head = HttpResponse::build(status);
    head.content_type(ContentType::html()).insert_header((CACHE_CONTROL, caching));
    let mut response = match status {
        StatusCode::OK => tagged_response(&request, head.finish().drop_body(), document),
        _ => head.body(document),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(ROBOTS, NO_INDEX);
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}

fn document(texts: &Texts, request: &HttpRequest, title: &str, meta: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n{meta}<link rel=\"icon\" href=\"{assets}/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"{assets}/app.css\">\n</head>\n<body class=\"shared\">\n<main>\n{main}</main>\n\
         <footer class=\"muted\">{made_by}</footer>\n</body>\n</html>\n",
        language = texts.language,
        title = escaped(title),
        assets = dashboard::assets(request),
        made_by = escaped(&texts.get("share.made_by")),
    )
}

fn gone(texts: &Texts, request: &HttpRequest) -> String {
    let sentence = escaped(&texts.get("share.gone"));
    document(texts, request, "amazon-tracker", "", &format!("<p class=\"empty\">{sentence}</p>\n"))
}

/// The page of one share.
struct Page<'p> {
    texts: &'p Texts,
    request: &'p HttpRequest,
    token: &'p str,
    /// The public address of its picture, for previews of links.
    picture: Option<String>,
}

impl Page<'_> {
    fn of(&self, shared: &SharedProduct) -> String {
        let title = escaped(&shared.title);
        let price = self.price(shared);
        let mut meta = format!("<meta property=\"og:title\" content=\"{title}\">\n");
        if let Some(picture) = &self.picture {
            let picture = escaped(picture);
            meta.push_str(&format!("<meta property=\"og:image\" content=\"{picture}?w=1200&amp;h=630\">\n"));
        }
        let main = format!(
            "<header class=\"product-head\"><div><h1>{title}</h1><p class=\"about\">{about}</p></div>{price}</header>\n\
             {facts}{chart}{source}",
            about = self.about(shared),
            facts = self.facts(shared),
            chart = self.chart(shared),
            source = self.source(shared),
        );
        document(self.texts, self.request, &shared.title, &meta, &main)
    }

    fn price(&self, SharedProduct { product, .. }: &SharedProduct) -> String {
        let currency = product.listing.marketplace.currency();
        let price = product.state.money(Series::Price, currency);
        let price = price.map_or_else(|| "–".to_owned(), |price| self.texts.money(price));
        format!("<p class=\"price\">{}</p>", escaped(&price))
    }

    fn about(&self, SharedProduct { product, tags, .. }: &SharedProduct) -> String {
        let name: &'static str = product.state.availability().into();
        let stock = self.texts.get(&format!("availability.{name}"));
        let assets = dashboard::assets(self.request);
        let listing = product.listing;
        let tags: String = tags.iter().map(|tag| format!("<span class=\"tag\">{}</span>", escaped(tag))).collect();
        format!(
            "<span class=\"stock {name}\"><svg class=\"icon\" aria-hidden=\"true\"><use href=\"{assets}/icons.svg#stock-{name}\"/>\
             </svg>{stock}</span><span>{asin} · {host}</span>{tags}",
            stock = escaped(&stock),
            asin = listing.asin,
            host = listing.marketplace.host().trim_start_matches("www."),
        )
    }

    fn facts(&self, SharedProduct { product, stats, target, .. }: &SharedProduct) -> String {
        let currency = product.listing.marketplace.currency();
        let amount = |minor| escaped(&self.texts.money(Money::new(minor, currency)));
        let fact = |key: &str, value: &str| format!("<dt>{}</dt><dd>{value}</dd>", escaped(&self.texts.get(key)));
        let dated = |key: &str, extreme: Option<Extreme>| {
            let value = |extreme: Extreme| {
                format!("{} <small>{}</small>", amount(extreme.amount_minor), self.texts.date(extreme.at))
            };
            extreme.map(|extreme| fact(key, &value(extreme))).unwrap_or_default()
        };
        let average = stats.average_minor.map(|average| fact("product.average", &amount(average))).unwrap_or_default();
        let target = target.map(|target| fact("share.target", &amount(target.amount_minor))).unwrap_or_default();
        format!(
            "<dl class=\"facts short\">{}{average}{}{target}</dl>\n",
            dated("product.low", stats.minimum),
            dated("product.high", stats.maximum)
        )
    }

    fn chart(&self, shared: &SharedProduct) -> String {
        let (base, token, language) = (public_path(self.request), escaped(self.token), self.texts.language);
        let picture = format!("{base}/c/{token}.svg?w=960&amp;h=320&amp;title=0&amp;lang={language}");
        let name = self.texts.with("share.chart", "title", &shared.title);
        format!(
            "<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"{picture}&amp;theme=dark\">\
             <img src=\"{picture}\" width=\"960\" height=\"320\" alt=\"{}\"></picture>\n",
            escaped(&name)
        )
    }

    fn source(&self, SharedProduct { product, .. }: &SharedProduct) -> String {
        let as_of = product.state.as_of(Series::Price).or(product.state.checked_at);
        let as_of = as_of.map(|at| self.texts.with("share.as_of", "at", &self.texts.date_time(at)));
        format!(
            "<p><a class=\"button\" href=\"{}\" rel=\"noopener noreferrer nofollow\">{}</a> <span class=\"muted\">{}</span></p>\n",
            escaped(&product.listing.url()),
            escaped(&self.texts.get("product.on_amazon")),
            escaped(&as_of.unwrap_or_default()),
        )
    }
}
