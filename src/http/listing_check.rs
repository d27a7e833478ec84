//! `/api/v1/products/{id}/listing-check` and `/api/v1/products/listing-check`: listings and drafts against Amazon's rules.

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::{parsed, truth};
use super::listing_draft::ListingDraftBody;
use super::problem::Problem;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Marketplace, ProductId, Scope};
use crate::insight::listing_rules::{
    Confidence, Finding, FindingSeverity, Limit, ListingField, ListingRule, NotChecked, Observed, ProductGroup,
    RULES_VERSION, Reason, SourceKind, Unit,
};
use crate::service::{Caller, CheckListing, CheckedContent, CheckedListing};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/listing-check", |path| path.post(Scope::ProductRead, check_draft));
    routes.path("/products/{id}/listing-check", |path| path.get(Scope::ProductRead, check_listing));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListingCheckQuery {
    /// The day whose rules apply; default today (UTC).
    #[param(value_type = Option<String>, format = Date, example = "2026-07-27")]
    on: Option<String>,
    /// `media` (books, music, films) or `other`; default: what the page tells.
    #[param(value_type = Option<String>, example = "other")]
    product_group: Option<String>,
    /// Whether the listing is a vendor's: vendors may have more bullets.
    #[param(value_type = Option<bool>)]
    is_vendor: Option<String>,
}

impl ListingCheckQuery {
    fn request(self, product_id: ProductId) -> Result<CheckListing, Problem> {
        let mut errors = Vec::new();
        let on = parsed("on", self.on.as_deref(), &mut errors);
        let group = match self.product_group.as_deref() {
            None => None,
            Some("media") => Some(ProductGroup::Media),
            Some("other") => Some(ProductGroup::Other),
            Some(_) => {
                errors.push(crate::service::FieldError::new("product_group", "must be `media` or `other`"));
                None
            }
        };
        let is_vendor = self.is_vendor.as_deref().and_then(|text| truth("is_vendor", text, &mut errors));
        if errors.is_empty() {
            Ok(CheckListing { product_id, on, group, is_vendor })
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

/// Who says that there is a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingRuleSource)]
struct WireSource {
    /// `amazon` or `third_party`.
    #[schema(value_type = String, example = "amazon")]
    kind: SourceKind,
    name: &'static str,
    url: Option<&'static str>,
    /// When it was read.
    #[schema(value_type = String, format = Date)]
    read_on: Date,
    /// How sure it is: `high` (Amazon says so), `medium` (several third parties, or one that quotes Amazon) or `low`.
    #[schema(value_type = String, example = "high")]
    confidence: Confidence,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingRule)]
struct WireRule {
    /// Its name, which never changes its meaning.
    #[schema(example = "title_length_75")]
    id: &'static str,
    /// `title`, `item_highlights`, `bullets`, `description`, `images` or `a_plus`.
    #[schema(value_type = String, example = "title")]
    field: ListingField,
    /// What it asks for, in words.
    #[schema(example = "at most 75 characters, with spaces")]
    requirement: &'static str,
    /// `error`: Amazon refuses, hides or changes it. `warning`: it does not always. `notice`: a recommendation.
    #[schema(value_type = String, example = "error")]
    severity: FindingSeverity,
    /// The first day on which it applies; null: not known.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The first day on which it does not apply any more.
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    source: WireSource,
}

impl From<&ListingRule> for WireRule {
    fn from(rule: &ListingRule) -> Self {
        let (source, confidence) = (rule.source, rule.confidence);
        Self {
            id: rule.id,
            field: rule.field,
            requirement: rule.requirement,
            severity: rule.severity,
            from: rule.from,
            to: rule.to,
            source: WireSource {
                kind: source.kind,
                name: source.name,
                url: source.url,
                read_on: source.read_on,
                confidence,
            },
        }
    }
}

/// The amounts that a rule allows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingRuleLimit)]
struct WireLimit {
    /// At least.
    min: Option<u64>,
    /// At most.
    max: Option<u64>,
    /// The unit of the limit and of what was observed: `characters` (Unicode code points, with spaces), `bytes`, `items`, `times`,
    /// `pixels` or `percent`.
    #[schema(value_type = Option<String>, example = "characters")]
    unit: Option<Unit>,
}

/// What was observed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingRuleObserved)]
struct WireObserved {
    /// The amount, in the unit of the limit.
    amount: Option<u64>,
    /// The offending parts of the text, at most five.
    texts: Vec<String>,
}

/// Something that breaks a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingFinding)]
struct WireFinding {
    rule: WireRule,
    /// Which bullet, image or text of the A+ content, from 0; null: the field as a whole.
    item: Option<usize>,
    observed: WireObserved,
    limit: WireLimit,
    /// The finding as a sentence.
    message: String,
}

impl From<Finding> for WireFinding {
    fn from(finding: Finding) -> Self {
        let Limit { min, max, unit } = finding.rule.check.limit();
        let message = finding.message();
        let Observed { amount, texts } = finding.observed;
        Self {
            rule: finding.rule.into(),
            item: finding.item,
            observed: WireObserved { amount, texts },
            limit: WireLimit { min, max, unit },
            message,
        }
    }
}

/// A rule of which it is not known whether it is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingRuleNotChecked)]
struct WireNotChecked {
    rule: WireRule,
    /// `not_observed`, `not_known`, `not_given`, `group_unknown`, `brand_unknown`, `account_unknown`, `competitors_unknown`,
    /// `no_word_boundaries` or `not_as_written`.
    #[schema(value_type = String, example = "not_observed")]
    reason: Reason,
    /// The reason as a sentence.
    message: String,
}

impl From<NotChecked> for WireNotChecked {
    fn from(not_checked: NotChecked) -> Self {
        Self { rule: not_checked.rule.into(), reason: not_checked.reason, message: not_checked.message() }
    }
}

/// A listing or a draft against the rules of a day. Rules about what there is none of are in none of the lists.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingCheck)]
pub(super) struct WireListingCheck {
    /// Null: a draft.
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    #[schema(value_type = String, example = "com")]
    marketplace: Marketplace,
    /// The day whose rules were applied.
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// The version of the rules.
    rules_version: &'static str,
    /// `media` or `other`; null: not known.
    #[schema(value_type = Option<String>, example = "other")]
    product_group: Option<ProductGroup>,
    /// From when on the content holds; null: a draft, or none has been read yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    content_since: Option<Timestamp>,
    /// What breaks a rule.
    findings: Vec<WireFinding>,
    /// Rules of which it is not known whether they are kept.
    not_checked: Vec<WireNotChecked>,
    /// The ids of the rules that are kept.
    #[schema(example = json!(["title_characters"]))]
    passed: Vec<&'static str>,
}

impl WireListingCheck {
    fn new(product_id: Option<ProductId>, content_since: Option<Timestamp>, checked: CheckedContent) -> Self {
        let CheckedContent { content, on, outcome } = checked;
        Self {
            product_id,
            marketplace: content.marketplace,
            on,
            rules_version: RULES_VERSION,
            product_group: content.group,
            content_since,
            findings: outcome.findings.into_iter().map(WireFinding::from).collect(),
            not_checked: outcome.not_checked.into_iter().map(WireNotChecked::from).collect(),
            passed: outcome.passed.into_iter().map(|rule| rule.id).collect(),
        }
    }
}

/// Check the content of a product's listing against Amazon's rules.
///
/// The content is the last version that was read. A finding is a fact; what cannot be decided is in `not_checked` with the reason.
#[utoipa::path(get, path = "/api/v1/products/{id}/listing-check", tag = "insight", params(("id" = Uuid, Path), ListingCheckQuery),
    responses(
        (status = 200, description = "What breaks a rule, what could not be checked, and what is kept", body = WireListingCheck),
        (status = 404, description = "No such product", body = Problem),
        (status = 422, description = "A parameter is wrong", body = Problem),
    ))]
pub(super) async fn check_listing(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictQuery(query): StrictQuery<ListingCheckQuery>,
) -> Result<impl Responder, Problem> {
    let checked = shared.service.check_listing(caller.tenant_id, query.request(id)?).await?;
    let CheckedListing { listing_id, content_since, checked } = checked;
    let wire = WireListingCheck::new(Some(id), content_since, checked);
    Ok(tagged(CacheTags { product_id: id, listing_id }, HttpResponse::Ok().json(wire)))
}

/// Check a draft of a listing against Amazon's rules. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/products/listing-check", tag = "insight", request_body = ListingDraftBody, responses(
    (status = 200, description = "What breaks a rule, what could not be checked, and what is kept", body = WireListingCheck),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn check_draft(
    shared: Data<Shared>,
    _caller: Caller,
    StrictJson(body): StrictJson<ListingDraftBody>,
) -> Result<impl Responder, Problem> {
    let (draft, on) = body.draft()?;
    let checked = shared.service.check_draft(draft, on).await?;
    Ok(HttpResponse::Ok().json(WireListingCheck::new(None, None, checked)))
}
