//! The routes: product pages, and `/_truth`, `/_catalogue` and `/_control` for tests.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Compress, Condition};
use actix_web::web::{self, Bytes, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer};
use futures_util::{StreamExt, stream};

use crate::domain::{ListUrl, Listing, ListingUrlError, Marketplace};

use super::apify::{self, SimulatedApify};
use super::catalogue::Product;
use super::control::{Control, ControlError};
use super::page::{self, Scene};
use super::picture::picture;
use super::saved_pages::{SavedPage, SavedPages};
use super::truth::Answer;
use super::world::{Decision, PageSource, World};

/// Number of truth log lines that are read while holding the lock once.
const TRUTH_PAGE_LINES: usize = 500;
/// Enough time for the beginning of a page to leave the compressor and the socket buffer.
const PAUSE_BEFORE_ABORT: Duration = Duration::from_millis(10);
/// Generated pages are UTF-8. Saved pages are served without a charset.
const HTML_UTF8: &str = "text/html;charset=UTF-8";
/// Response header with the sequence number of the response in the truth log.
const SEQ_HEADER: &str = "x-simulated-seq";

/// The state that all workers share.
pub(super) struct Market {
    pub(super) world: Arc<World>,
    pub(super) saved: Option<SavedPages>,
    pub(super) slow_for: Duration,
    pub(super) page_kb: usize,
    pub(super) apify: SimulatedApify,
}

/// Starts the server. It does not handle signals.
pub(super) fn run(market: Market, listener: TcpListener, compress: bool, workers: usize) -> io::Result<Server> {
    let (apify, market) = (Data::new(market.apify.clone()), Data::new(market));
    let app = move || {
        App::new()
            .app_data(market.clone())
            .app_data(apify.clone())
            .configure(apify::routes)
            .wrap(Condition::new(compress, Compress::default()))
            .route("/_truth", web::get().to(truth))
            .route("/_catalogue", web::get().to(catalogue))
            .route("/_control", web::post().to(control))
            .route("/images/I/{name}", web::get().to(image))
            .default_service(web::to(product))
    };
    // Without TCP_NODELAY, the end of a compressed page waits about 40 ms for the client's delayed acknowledgement.
    let server = HttpServer::new(app).workers(workers.max(1)).tcp_nodelay(true).disable_signals();
    Ok(server.listen(listener)?.run())
}

/// A picture on Amazon's hosts for pictures; its name is what stands before the first dot.
async fn image(name: web::Path<String>) -> HttpResponse {
    let name = name.split('.').next().unwrap_or_default();
    HttpResponse::Ok().content_type("image/png").body(picture(name))
}

async fn product(request: HttpRequest, market: Data<Market>) -> HttpResponse {
    if let Some(target) = short_link_target(&request) {
        return HttpResponse::MovedPermanently().insert_header((header::LOCATION, target)).finish();
    }
    let site = marketplace_of(&request);
    if let Some(list) = list_page(&request, &market, site) {
        return html(StatusCode::OK).body(list);
    }
    if let Some((listing, page)) = offer_list_request(&request, site) {
        return offer_list(&market, listing, page).await;
    }
    let Ok(listing) = Listing::from_url(&format!("https://{}{}", site.host(), request.path())) else {
        return html(StatusCode::NOT_FOUND).body(page::not_found());
    };
    let saved = market.saved.as_ref().map(|saved| saved.find(listing));
    let page_source = match &saved {
        None => PageSource::Generated,
        Some(Some(_)) => PageSource::Saved,
        Some(None) => PageSource::None,
    };
    let decision = market.world.answer(listing, page_source);
    let mut response = match decision.answer {
        Answer::Captcha => html(StatusCode::OK).body(page::captcha(listing, decision.request.is_multiple_of(2))),
        Answer::Unavailable => html(StatusCode::SERVICE_UNAVAILABLE).body(page::unavailable(site)),
        Answer::NotFound => html(StatusCode::NOT_FOUND).body(page::not_found()),
        Answer::Page | Answer::Slow | Answer::Truncated => {
            if decision.answer == Answer::Slow {
                tokio::time::sleep(market.slow_for).await;
            }
            product_page(&market, listing, &decision, saved.flatten().as_deref())
        }
    };
    response.headers_mut().insert(header::HeaderName::from_static(SEQ_HEADER), decision.seq.into());
    response
}

/// The page of a list that a request asks for: products of the catalogue in their order.
fn list_page(request: &HttpRequest, market: &Market, site: Marketplace) -> Option<String> {
    let asked = format!("https://{}{}?{}", site.host(), request.path(), request.query_string());
    let is_search = request.path() == "/s";
    ListUrl::parse(&asked).ok()?;
    let (per_page, pages, name) = if is_search { (16, 3, "page") } else { (50, 2, "pg") };
    let query = Query::<HashMap<String, String>>::from_query(request.query_string()).ok()?;
    let page: u32 = query.get(name).and_then(|page| page.parse().ok()).unwrap_or(1);
    let first = per_page * page.saturating_sub(1);
    let shown = if page <= pages { per_page } else { 0 };
    let products: Vec<Product> =
        market.world.catalogue().products(first + shown).skip(first as usize).take(shown as usize).collect();
    Some(match is_search {
        true => page::search(site, &products),
        false => page::bestsellers(site, first as usize + 1, &products),
    })
}

/// The listing and the page of the offer list that a request asks for.
fn offer_list_request(request: &HttpRequest, site: Marketplace) -> Option<(Listing, usize)> {
    request.path().strip_prefix("/gp/product/ajax/aodAjaxMain")?;
    let query = Query::<HashMap<String, String>>::from_query(request.query_string()).ok()?;
    let page = query.get("pageno").and_then(|page| page.parse().ok()).unwrap_or(1);
    Some((Listing::new(site, query.get("asin")?.parse().ok()?), page))
}

async fn offer_list(market: &Market, listing: Listing, page: usize) -> HttpResponse {
    let Listing { marketplace, asin } = listing;
    let (answer, offers) = market.world.answer_offers(listing);
    match answer {
        Answer::Captcha => html(StatusCode::OK).body(page::captcha(listing, false)),
        Answer::Unavailable => html(StatusCode::SERVICE_UNAVAILABLE).body(page::unavailable(marketplace)),
        Answer::NotFound => html(StatusCode::NOT_FOUND).body(page::not_found()),
        Answer::Truncated => {
            let body = Bytes::from(page::offers(marketplace, asin, page, &offers));
            truncated(&mut html(StatusCode::OK), body)
        }
        Answer::Page | Answer::Slow => {
            if answer == Answer::Slow {
                tokio::time::sleep(market.slow_for).await;
            }
            html(StatusCode::OK).body(page::offers(marketplace, asin, page, &offers))
        }
    }
}

/// Where a request to the host of short links leads: `/d/ASIN` to the listing on amazon.com.
fn short_link_target(request: &HttpRequest) -> Option<String> {
    let info = request.connection_info();
    let is_short =
        matches!(Listing::from_url(&format!("https://{}/", info.host())), Err(ListingUrlError::ShortLink(_)));
    let asin = request.path().strip_prefix("/d/").filter(|_| is_short)?.parse().ok()?;
    Some(Listing::new(Marketplace::Us, asin).url())
}

fn product_page(market: &Market, listing: Listing, decision: &Decision, saved: Option<&SavedPage>) -> HttpResponse {
    let (content_type, body) = match saved.map(SavedPage::bytes) {
        None => (HTML_UTF8, generated(market, listing, decision)),
        Some(Ok(bytes)) => ("text/html", bytes),
        Some(Err(error)) => return HttpResponse::InternalServerError().body(error.to_string()),
    };
    let mut response = HttpResponse::Ok();
    response.content_type(content_type);
    if decision.answer == Answer::Truncated { truncated(&mut response, body) } else { response.body(body) }
}

fn generated(market: &Market, listing: Listing, decision: &Decision) -> Bytes {
    let catalogue = market.world.catalogue();
    let scene = Scene {
        listing,
        product: &catalogue.product(listing.asin),
        facts: &decision.facts,
        usual_price: catalogue.baseline(listing).price,
        compared_with: &catalogue.compared_with(listing.asin),
        chance: catalogue.chance(listing).of("page"),
    };
    Bytes::from(page::product(&scene, market.page_kb))
}

/// Sends a tenth of the body and then aborts the connection. More of it could contain all facts of the page.
fn truncated(response: &mut HttpResponseBuilder, body: Bytes) -> HttpResponse {
    let beginning = body.slice(..body.len() / 10);
    response.streaming(stream::unfold(Some(beginning), |beginning| async move {
        match beginning {
            Some(beginning) => Some((Ok(beginning), None)),
            None => {
                // Without a pause, the beginning would still be buffered when the connection is aborted.
                tokio::time::sleep(PAUSE_BEFORE_ABORT).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
        }
    }))
}

/// The marketplace of the request's host, or `com` for any other host, such as an IP address.
fn marketplace_of(request: &HttpRequest) -> Marketplace {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().host().or(named).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    Marketplace::from_host(name).unwrap_or(Marketplace::Us)
}

fn html(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.content_type(HTML_UTF8);
    response
}

/// `GET /_truth?after=SEQ`: the log up to the time of the request, as newline-delimited JSON.
async fn truth(query: Query<HashMap<String, String>>, market: Data<Market>) -> HttpResponse {
    let after: u64 = match query_field(&query, "after", 0) {
        Ok(after) => after,
        Err(error) => return invalid(&error),
    };
    let (first, last) = market.world.truth_range();
    let gap = (after < first - 1).then(|| Ok(Bytes::from(format!("{{\"truncated_before\":{first}}}\n"))));
    let lines = stream::unfold((market, after), move |(market, after)| async move {
        let mut page = market.world.truth_after(after, TRUTH_PAGE_LINES);
        page.retain(|line| line.seq <= last);
        let reached = page.last()?.seq;
        let mut text = Vec::new();
        for line in &page {
            serde_json::to_writer(&mut text, line).ok()?;
            text.push(b'\n');
        }
        Some((Ok::<_, io::Error>(Bytes::from(text)), (market, reached)))
    });
    let body = stream::iter(gap).chain(lines);
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(body)
}

/// `GET /_catalogue?marketplace=com&count=20`: listings of the catalogue.
async fn catalogue(query: Query<HashMap<String, String>>, market: Data<Market>) -> HttpResponse {
    let wanted = query_field(&query, "marketplace", Marketplace::Us)
        .and_then(|site| Ok((site, query_field(&query, "count", 20u32)?)));
    let (site, count) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return invalid(&error),
    };
    match &market.saved {
        Some(saved) => {
            let here = saved.listings().filter(|listing| listing.marketplace == site).take(count as usize);
            let rows = here.map(|listing| serde_json::json!({"marketplace": site, "asin": listing.asin}));
            HttpResponse::Ok().json(rows.collect::<Vec<_>>())
        }
        None => HttpResponse::Ok().json(catalogue_rows(&market.world, site, count)),
    }
}

fn catalogue_rows(world: &World, site: Marketplace, count: u32) -> Vec<serde_json::Value> {
    let row = |product: Product| {
        let listing = Listing::new(site, product.asin);
        let facts = world.facts(listing);
        serde_json::json!({
            "marketplace": site, "asin": product.asin, "brand": product.brand, "title": product.title,
            "price": facts.price, "availability": facts.availability, "url": listing.url(),
        })
    };
    world.catalogue().products(count).map(row).collect()
}

/// `POST /_control`: see [`Control`].
async fn control(body: Bytes, market: Data<Market>) -> HttpResponse {
    match Control::parse(&body) {
        Err(error) => invalid(&error),
        Ok(command) => {
            command.execute(&market.world);
            let (_, seq) = market.world.truth_range();
            HttpResponse::Ok().json(serde_json::json!({ "step": market.world.step(), "seq": seq }))
        }
    }
}

fn query_field<T>(query: &HashMap<String, String>, field: &str, default: T) -> Result<T, ControlError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    query.get(field).map_or(Ok(default), |text| text.parse()).map_err(|error| ControlError::new(field, error))
}

fn invalid(error: &ControlError) -> HttpResponse {
    HttpResponse::UnprocessableEntity().content_type("application/problem+json").json(serde_json::json!({
        "type": "about:blank", "title": "Unprocessable Content", "status": 422,
        "detail": error.to_string(), "field": error.field,
    }))
}
