//! Requests about reports: what they are about and which time they cover, strictly.

use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;

use super::field_parsing::parsed;
use super::problem::Problem;
use super::strict::object;
use crate::domain::{CompetitorSetId, ProductId, ReportPeriod, ReportSubject, ReportTopic};
use crate::service::ReportRequest;

/// A report to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": { "kind": "tag", "tag": "toys" }, "period": { "kind": "last_week" }, "time_zone": "Asia/Shanghai"
}))]
pub(super) struct ReportBody {
    #[serde(deserialize_with = "object")]
    subject: SubjectBody,
    #[serde(deserialize_with = "object")]
    period: PeriodBody,
    /// The time zone of its days, by its name in the IANA database; default: UTC.
    time_zone: Option<String>,
}

impl ReportBody {
    pub(super) fn request(self) -> Result<ReportRequest, Problem> {
        let subject = self.subject.subject("subject.")?;
        let period = self.period.period("period.")?;
        Ok(ReportRequest { subject, period, time_zone: self.time_zone.unwrap_or_else(|| "UTC".to_owned()) })
    }
}

/// What a report is about: `product` with `product_id`, `competitor_set` with `set_id`, `tag` with `tag`, or `tenant`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "tag", "tag": "toys" }))]
pub(super) struct SubjectBody {
    /// `product`, `competitor_set`, `tag` (all active products with it) or `tenant` (all active products).
    #[schema(value_type = String, example = "tag")]
    kind: ReportTopic,
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    #[schema(value_type = Option<Uuid>)]
    set_id: Option<CompetitorSetId>,
    tag: Option<String>,
}

impl SubjectBody {
    /// Errors name fields `within` an object.
    pub(super) fn subject(self, within: &str) -> Result<ReportSubject, Problem> {
        let required = |field: &str| Problem::invalid_field(&format!("{within}{field}"), "is required");
        match (self.kind, self.product_id, self.set_id, self.tag) {
            (ReportTopic::Product, Some(product_id), None, None) => Ok(ReportSubject::Product { product_id }),
            (ReportTopic::CompetitorSet, None, Some(set_id), None) => Ok(ReportSubject::CompetitorSet { set_id }),
            (ReportTopic::Tag, None, None, Some(tag)) => Ok(ReportSubject::Tag { tag }),
            (ReportTopic::Tenant, None, None, None) => Ok(ReportSubject::Tenant),
            (ReportTopic::Product, None, None, None) => Err(required("product_id")),
            (ReportTopic::CompetitorSet, None, None, None) => Err(required("set_id")),
            (ReportTopic::Tag, None, None, None) => Err(required("tag")),
            _ => Err(Problem::invalid_field(&format!("{within}kind"), "some fields belong to another kind")),
        }
    }
}

/// Which time a report covers, in whole days: `last_week`, `last_month`, `last_days` with `days`, or `dates` with `from` and `to`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "last_week" }))]
pub(super) struct PeriodBody {
    kind: PeriodKind,
    /// Of `last_days`: how many before today, 1 to 3,660.
    #[schema(minimum = 1, maximum = 3660)]
    days: Option<u32>,
    /// Of `dates`: the first day.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<String>,
    /// Of `dates`: the last day.
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<String>,
}

/// The kind of a period.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PeriodKind {
    /// The last whole week, Monday to Sunday.
    LastWeek,
    /// The last whole month.
    LastMonth,
    /// The last days before today.
    LastDays,
    /// Certain days.
    Dates,
}

impl PeriodBody {
    /// Errors name fields `within` an object.
    pub(super) fn period(self, within: &str) -> Result<ReportPeriod, Problem> {
        let field = |name: &str| format!("{within}{name}");
        let required = |name: &str| Problem::invalid_field(&field(name), "is required");
        match (self.kind, self.days, self.from, self.to) {
            (PeriodKind::LastWeek, None, None, None) => Ok(ReportPeriod::LastWeek),
            (PeriodKind::LastMonth, None, None, None) => Ok(ReportPeriod::LastMonth),
            (PeriodKind::LastDays, Some(days), None, None) => Ok(ReportPeriod::LastDays { days }),
            (PeriodKind::LastDays, None, None, None) => Err(required("days")),
            (PeriodKind::Dates, None, from, to) => {
                let mut errors = Vec::new();
                let first = parsed::<Date>(&field("from"), from.as_deref(), &mut errors);
                let last = parsed::<Date>(&field("to"), to.as_deref(), &mut errors);
                if !errors.is_empty() {
                    return Err(Problem::invalid(errors));
                }
                let (from, to) = (first.ok_or_else(|| required("from"))?, last.ok_or_else(|| required("to"))?);
                Ok(ReportPeriod::Dates { from, to })
            }
            _ => Err(Problem::invalid_field(&field("kind"), "some fields belong to another kind")),
        }
    }
}
