//! `/keepa/tracking`: alert rules as Keepa's trackings.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::envelope::{KeepaError, Tokens};
use super::parameters::Parameters;
use super::tracking_view::{Notifications, Trackings, WireTracking, notification};
use crate::domain::{Listing, Scope};
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::strict::{AnyJson, List, StrictQuery};
use crate::keepa::{Slot, Watch, marketplace_of, time_of};
use crate::service::{Caller, FieldError, ServiceError, SetTracking, Tracking};

/// Trackings of one request.
const MAX_TRACKINGS: usize = 100;
/// Thresholds of one tracking.
const MAX_THRESHOLDS: usize = 50;
/// How long a tracking lasts unless it says otherwise: two years.
const DEFAULT_TTL_HOURS: i64 = 2 * 365 * 24;
const SECS_PER_MINUTE: u32 = 60;
/// Characters of the name of an alert.
const MAX_NAME_CHARS: usize = 200;

/// What is asked about trackings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct TrackingQuery {
    /// `list`, `get`, `remove` or `notification`; of `POST`: `add`.
    r#type: Option<String>,
    /// The product, of `get` and `remove`.
    asin: Option<String>,
    /// The marketplace, of `get` and `remove`; default: that of the only product with this ASIN that is tracked.
    domain: Option<String>,
    /// `1`: `list` has the ASINs alone.
    #[serde(rename = "asins-only")]
    asins_only: Option<String>,
    /// Of `notification`: since this minute after 2011.
    since: Option<String>,
}

/// Get, list or remove trackings, or get the notifications of them. Removing requires the scope `alert:write`.
#[utoipa::path(get, path = "/keepa/tracking", tag = "keepa", params(TrackingQuery), responses(
    (status = 200, description = "Trackings, ASINs or notifications, with the envelope", body = Trackings),
    (status = 400, description = "The key or a parameter is wrong", body = KeepaError),
    (status = 404, description = "None of your products", body = KeepaError),
))]
pub(in crate::http) async fn read(
    shared: Data<Shared>,
    caller: Caller,
    tokens: Tokens,
    StrictQuery(query): StrictQuery<TrackingQuery>,
) -> Result<impl Responder, Problem> {
    match query.r#type.as_deref() {
        Some("list") => list(&shared, &caller, tokens, &query).await,
        Some("get") => {
            let tracking = named(&shared, &caller, &query).await?;
            let found = [tracking].into_iter().filter(|tracking| !tracking.rules.is_empty());
            Ok(tokens.reply(&Trackings { trackings: found.map(WireTracking::from).collect() }))
        }
        Some("remove") => {
            caller.require(Scope::AlertWrite)?;
            let Tracking { product, .. } = named(&shared, &caller, &query).await?;
            shared.service.remove_tracking(caller, product.listing.marketplace, product.listing.asin).await?;
            Ok(tokens.reply(&json!({})))
        }
        Some("notification") => notifications(&shared, &caller, tokens, &query).await,
        Some("removeAll") => {
            caller.require(Scope::AlertWrite)?;
            for Tracking { product, .. } in shared.service.trackings(caller.tenant_id).await? {
                let listing = product.listing;
                shared.service.remove_tracking(caller.clone(), listing.marketplace, listing.asin).await?;
            }
            Ok(tokens.reply(&json!({})))
        }
        Some("add") => Err(Problem::invalid_field("type", "`add` needs POST")),
        _ => Err(Problem::invalid_field("type", "must be list, get, remove, removeAll or notification")),
    }
}

async fn list(
    shared: &Shared,
    caller: &Caller,
    tokens: Tokens,
    query: &TrackingQuery,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::default();
    let asins_only = parameters.flag("asins-only", query.asins_only.as_deref(), false);
    parameters.check()?;
    let trackings = shared.service.trackings(caller.tenant_id).await?;
    if asins_only {
        let asins: Vec<String> = trackings.iter().map(|it| it.product.listing.asin.to_string()).collect();
        return Ok(tokens.reply(&json!({ "asinList": asins })));
    }
    Ok(tokens.reply(&Trackings { trackings: trackings.into_iter().map(WireTracking::from).collect() }))
}

/// The tracking that a request names.
async fn named(shared: &Shared, caller: &Caller, query: &TrackingQuery) -> Result<Tracking, Problem> {
    let mut parameters = Parameters::default();
    let asin = parameters.asin(query.asin.as_deref());
    let marketplace = query.domain.as_deref().and_then(|domain| parameters.domain(Some(domain)));
    parameters.check()?;
    // Checked: a missing ASIN is an error.
    let asin = asin.ok_or(ServiceError::Internal)?;
    if let Some(marketplace) = marketplace {
        return Ok(shared.service.tracking(caller.tenant_id, marketplace, asin).await?);
    }
    // Keepa's clients name no domain here.
    let trackings = shared.service.trackings(caller.tenant_id).await?;
    let mut of_asin = trackings.into_iter().filter(|it| it.product.listing.asin == asin);
    match (of_asin.next(), of_asin.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(ServiceError::NotFound("tracking").into()),
        (Some(_), Some(_)) => {
            Err(Problem::invalid_field("domain", "is required: this ASIN is tracked on several marketplaces"))
        }
    }
}

async fn notifications(
    shared: &Shared,
    caller: &Caller,
    tokens: Tokens,
    query: &TrackingQuery,
) -> Result<HttpResponse, Problem> {
    let since = query.since.as_deref().unwrap_or("0").parse().ok().and_then(time_of);
    let since = since.ok_or_else(|| Problem::invalid_field("since", "must be minutes since 2011"))?;
    let events = shared.service.tracking_events(caller.tenant_id, since).await?;
    Ok(tokens.reply(&Notifications { notifications: events.iter().map(notification).collect() }))
}

/// A tracking to be set: it replaces the one of the product. Other fields of Keepa's are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaTrackingBody)]
pub(in crate::http) struct TrackingBody {
    /// One of your products.
    asin: String,
    /// Its marketplace.
    main_domain_id: i64,
    /// Hours until it ends; default two years, 0: never.
    #[serde(default)]
    ttl: Option<i64>,
    /// A name for people, at most 200 characters.
    #[serde(default)]
    meta_data: Option<String>,
    /// At most 50.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ThresholdBody>>, max_items = 50)]
    threshold_values: Option<List<ThresholdBody, MAX_THRESHOLDS>>,
    /// At most 50.
    #[serde(default)]
    #[schema(value_type = Option<Vec<NotifyIfBody>>, max_items = 50)]
    notify_if: Option<List<NotifyIfBody, MAX_THRESHOLDS>>,
    /// Minutes in which further notifications wait; -1: none.
    #[serde(default)]
    individual_notification_interval: Option<i64>,
}

/// A value to wait for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaThresholdBody)]
struct ThresholdBody {
    /// In minor units, ranks, counts or tenths of a star.
    threshold_value: i64,
    /// As `mainDomainId`.
    domain: i64,
    /// The index of the series in `csv`.
    csv_type: i64,
    /// From above; otherwise from below.
    is_drop: bool,
}

/// A state to wait for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaNotifyIfBody)]
struct NotifyIfBody {
    /// As `mainDomainId`.
    domain: i64,
    /// The index of the series in `csv`: that of the Buy Box, 18, whatever it says.
    #[serde(default)]
    #[expect(dead_code, reason = "only the featured offer has an availability")]
    csv_type: i64,
    /// 0: sold out; 1: back.
    notify_if_type: i64,
}

/// Set trackings.
#[utoipa::path(post, path = "/keepa/tracking", tag = "keepa", params(TrackingQuery), request_body = Vec<TrackingBody>, responses(
    (status = 200, description = "The trackings, with the envelope", body = Trackings),
    (status = 400, description = "The key, a parameter or a tracking is wrong", body = KeepaError),
    (status = 402, description = "The plan allows no more alerts", body = KeepaError),
))]
pub(in crate::http) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    tokens: Tokens,
    StrictQuery(query): StrictQuery<TrackingQuery>,
    body: AnyJson,
) -> Result<impl Responder, Problem> {
    if query.r#type.as_deref() != Some("add") {
        return Err(Problem::invalid_field("type", "must be `add`"));
    }
    // Clients send a list; one tracking alone is taken, too.
    let bodies: Vec<TrackingBody> = if body.0.is_array() { body.read()? } else { vec![body.read()?] };
    if bodies.len() > MAX_TRACKINGS {
        return Err(Problem::invalid_field("body", format!("must have at most {MAX_TRACKINGS} trackings")));
    }
    let (mut requests, mut errors) = (Vec::new(), Vec::new());
    for (n, body) in bodies.into_iter().enumerate() {
        let mut wrong = Vec::new();
        requests.extend(body.request(&mut wrong));
        errors.extend(wrong.into_iter().map(|(field, message)| FieldError::new(&format!("[{n}].{field}"), message)));
    }
    // All are checked before the first one is set.
    valid(errors)?;
    valid(strangers(&shared, &caller, &requests).await?)?;
    let mut trackings = Vec::new();
    for request in requests {
        trackings.push(WireTracking::from(shared.service.set_tracking(caller.clone(), request).await?));
    }
    Ok(tokens.reply(&Trackings { trackings }))
}

fn valid(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// The trackings of what is none of the caller's products, as errors.
async fn strangers(shared: &Shared, caller: &Caller, requests: &[SetTracking]) -> Result<Vec<FieldError>, Problem> {
    let mut errors = Vec::new();
    for (n, request) in requests.iter().enumerate() {
        match shared.service.product_of_listing(caller.tenant_id, Listing::new(request.marketplace, request.asin)).await
        {
            Ok(_) => {}
            Err(ServiceError::NotFound(_)) => {
                errors.push(FieldError::new(&format!("[{n}].asin"), "is none of your products; add it first"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(errors)
}

impl TrackingBody {
    /// The tracking, or what is wrong with which field.
    fn request(self, wrong: &mut Vec<(String, String)>) -> Option<SetTracking> {
        let mut error = |field: &str, message: &str| wrong.push((field.to_owned(), message.to_owned()));
        let marketplace = marketplace_of(self.main_domain_id);
        if marketplace.is_none() {
            error("mainDomainId", "must be the number of a marketplace: 1 to 6, or 8 to 12");
        }
        let asin = self.asin.parse();
        if asin.is_err() {
            error("asin", "is not an ASIN");
        }
        let List(thresholds) = self.threshold_values.unwrap_or_default();
        let List(states) = self.notify_if.unwrap_or_default();
        if !(1..=MAX_THRESHOLDS).contains(&(thresholds.len() + states.len())) {
            error("thresholdValues", "must have 1 to 50 values, together with `notifyIf`");
        }
        let mut watches = Vec::new();
        for (n, threshold) in thresholds.iter().enumerate() {
            let field = |name: &str| format!("thresholdValues[{n}].{name}");
            if threshold.domain != self.main_domain_id {
                error(&field("domain"), "must be `mainDomainId`");
            }
            let slot = Slot::of_index(threshold.csv_type);
            let watch = slot.map(|slot| {
                let (value, is_drop) = (threshold.threshold_value, threshold.is_drop);
                Watch::Threshold { slot, value, is_drop }
            });
            let is_possible = |watch: &Watch| marketplace.is_none_or(|it| watch.condition(it.currency()).is_some());
            match watch.filter(is_possible) {
                Some(watch) if !watches.contains(&watch) => watches.push(watch),
                Some(_) => {}
                None => error(&field("csvType"), "must be 0, 1, 3, 4, 11, 16, 17 or 18"),
            }
        }
        for (n, state) in states.iter().enumerate() {
            let field = |name: &str| format!("notifyIf[{n}].{name}");
            if state.domain != self.main_domain_id {
                error(&field("domain"), "must be `mainDomainId`");
            }
            match state.notify_if_type {
                0 | 1 => watches.push(Watch::Stock { is_back: state.notify_if_type == 1 }),
                _ => error(&field("notifyIfType"), "must be 0 or 1"),
            }
        }
        let expires_at = match self.ttl.unwrap_or(DEFAULT_TTL_HOURS) {
            0 => None,
            // Keepa keeps the end of a tracking that exists; here each threshold begins anew.
            ..0 => Timestamp::now().checked_add(SignedDuration::from_hours(DEFAULT_TTL_HOURS)).ok(),
            hours => match SignedDuration::try_from_hours(hours).and_then(|ttl| Timestamp::now().checked_add(ttl).ok())
            {
                Some(at) => Some(at),
                None => {
                    error("ttl", "is too large");
                    None
                }
            },
        };
        let minutes = self.individual_notification_interval.unwrap_or(-1).max(0);
        let cooldown_secs = u32::try_from(minutes).unwrap_or(u32::MAX).saturating_mul(SECS_PER_MINUTE);
        let name = self.meta_data.filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME_CHARS) {
            error("metaData", "must have at most 200 characters");
        }
        let (marketplace, asin) = (marketplace?, asin.ok()?);
        Some(SetTracking { marketplace, asin, watches, name, expires_at, cooldown_secs })
    }
}
