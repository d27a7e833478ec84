//! `create_report`: a report about a product, a competitor set, the products with a tag, or all. It is read as a resource.

use rmcp::model::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    CompetitorSetId, JobId, JobSpec, JobStatus, ProductId, ReportFormat, ReportId, ReportPeriod, ReportSubject, Scope,
};
use crate::mcp::call::Call;
use crate::mcp::resources::{MARKDOWN, report_uri};
use crate::mcp::tool::{Effect, Tool};
use crate::service::{Creation, FieldError, ReportRequest, ServiceError, ServiceResult};

pub(super) struct CreateReport;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "Option<String>")]
    product_id: Option<ProductId>,
    /// Instead: a competitor set
    #[schemars(with = "Option<String>")]
    set_id: Option<CompetitorSetId>,
    /// Instead: all products with it
    tag: Option<String>,
    period: Period,
    /// Of last_days
    days: Option<u32>,
    /// IANA name; default UTC
    time_zone: Option<String>,
    /// Of `file`; default html
    #[schemars(with = "Option<Format>")]
    format: Option<ReportFormat>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names of the API")]
enum Period {
    LastWeek,
    LastMonth,
    LastDays,
}

/// The names of the formats, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Format {
    Json,
    Markdown,
    Html,
    Csv,
    Xlsx,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    #[schemars(with = "String")]
    report_id: ReportId,
    #[schemars(with = "String")]
    job_id: JobId,
    #[schemars(with = "String")]
    status: JobStatus,
    window: String,
    /// A resource
    uri: String,
    /// A path of the API
    file: String,
}

impl Tool for CreateReport {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "create_report";
    const TITLE: &'static str = "Make a report";
    const DESCRIPTION: &'static str = "Makes a report about a product, a set, a tag, or by default all products. It takes seconds to \
        minutes; then read the resource `uri`, as Markdown.";
    const SCOPE: Scope = Scope::ReportCreate;
    const WEIGHT: u32 = 10;
    const EFFECT: Effect = Effect::Adds;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let format = arguments.format.unwrap_or(ReportFormat::Html);
        let request = arguments.request()?;
        let created = call.service.create_report(call.caller, request, None).await;
        let job = match created.map_err(by_arguments)? {
            Creation::Created(job) => job,
            // Only requests with an idempotency key are replayed.
            Creation::Replayed(_) => return Err(ServiceError::Internal),
        };
        let JobSpec::Report(spec) = job.spec else { return Err(ServiceError::Internal) };
        let output = spec.output.ok_or(ServiceError::Internal)?;
        let id = output.report_id;
        Ok(Answer {
            report_id: id,
            job_id: job.id,
            status: job.status,
            window: output.window.name,
            uri: report_uri(id),
            file: format!("/api/v1/reports/{id}/file?format={}", format.as_str()),
        })
    }

    fn links(answer: &Answer) -> Vec<Resource> {
        vec![Resource::new(answer.uri.clone(), "report").with_title("The report").with_mime_type(MARKDOWN)]
    }
}

/// The API has its fields in objects, which the tool does not.
fn by_arguments(error: ServiceError) -> ServiceError {
    let named = |error: FieldError| {
        let field = error.field.rsplit('.').next().unwrap_or_default();
        FieldError::new(field, error.message.clone())
    };
    match error {
        ServiceError::Invalid(errors) => ServiceError::Invalid(errors.into_iter().map(named).collect()),
        ServiceError::InvalidReference(errors) => {
            ServiceError::InvalidReference(errors.into_iter().map(named).collect())
        }
        other => other,
    }
}

impl Arguments {
    fn request(self) -> ServiceResult<ReportRequest> {
        let subject = match (self.product_id, self.set_id, self.tag) {
            (Some(product_id), None, None) => ReportSubject::Product { product_id },
            (None, Some(set_id), None) => ReportSubject::CompetitorSet { set_id },
            (None, None, Some(tag)) => ReportSubject::Tag { tag },
            (None, None, None) => ReportSubject::Tenant,
            _ => return Err(ServiceError::invalid("product_id", "give one of product_id, set_id and tag")),
        };
        let period = match (self.period, self.days) {
            (Period::LastWeek, None) => ReportPeriod::LastWeek,
            (Period::LastMonth, None) => ReportPeriod::LastMonth,
            (Period::LastDays, Some(days)) => ReportPeriod::LastDays { days },
            (Period::LastDays, None) => return Err(ServiceError::invalid("days", "is required by last_days")),
            _ => return Err(ServiceError::invalid("days", "belongs to last_days")),
        };
        Ok(ReportRequest { subject, period, time_zone: self.time_zone.unwrap_or_else(|| "UTC".to_owned()) })
    }
}
