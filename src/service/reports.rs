//! Reports: asked for, listed, read in a format, and read by a link without a sign-in.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::access::Caller;
use super::jobs::tidy_tag;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::{
    EmailAddress, Job, JobSpec, LINK_KEY, LinkAction, LinkTarget, ReportFormat, ReportId, ReportInfo, ReportOutput,
    ReportPeriod, ReportPeriodError, ReportSpec, ReportSubject, ReportWindow, Scope, TenantId, sign_link,
};
use crate::files::report::{ReportRenderError, content_security_policy, csv_sections, render, render_csv, unpack};
use crate::insight::report::{Block, Report};
use crate::store::{Creation, IdempotencyClaim, Page, ReportFilter, idempotently};

/// Maximum recipients of the reports of a schedule.
pub const MAX_RECIPIENTS: usize = 20;
/// The longest that a link is valid, in hours.
pub const MAX_LINK_HOURS: u32 = 30 * 24;
/// Rows of each table of a report that has to be short, from the most to the fewest.
const ROWS_OF_SHORT_TABLES: [usize; 5] = [200, 50, 20, 5, 0];

/// A report to make.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// What it is about.
    pub subject: ReportSubject,
    /// Which time it covers.
    pub period: ReportPeriod,
    /// The time zone of its days, by its name in the IANA database.
    pub time_zone: String,
}

/// The reports that a schedule makes.
#[derive(Debug, Clone)]
pub struct ReportAction {
    /// What they are about.
    pub subject: ReportSubject,
    /// Which time each covers, as it is when the schedule is due, in its time zone.
    pub period: ReportPeriod,
    /// The formats that the e-mail offers; none: HTML and a spreadsheet.
    pub formats: Vec<ReportFormat>,
    /// Addresses of users, as they were given.
    pub recipients: Vec<String>,
}

/// A report in a format.
#[derive(Debug, Clone)]
pub struct RenderedReport {
    /// The name of the file.
    pub file_name: String,
    /// The format.
    pub format: ReportFormat,
    /// The content.
    pub body: Vec<u8>,
}

impl RenderedReport {
    /// The value of `Content-Security-Policy` for a page.
    pub fn content_security_policy(&self) -> Option<&'static str> {
        (self.format == ReportFormat::Html).then(content_security_policy)
    }
}

/// A link to a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLink {
    /// Its URL. Whoever has it can read the report.
    pub url: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Service {
    /// Creates a report, and the job that makes it.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::InvalidReference`]; [`ServiceError::Conflict`] `too_many_jobs`, `too_many_reports`.
    pub async fn create_report(
        &self,
        caller: Caller,
        request: ReportRequest,
        claim: Option<IdempotencyClaim<Job>>,
    ) -> ServiceResult<Creation<Job>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let subject = deps.checked_subject(caller.tenant_id, request.subject, "subject.").await?;
            let window = checked_window(request.period, &request.time_zone, deps.store.now().await?)?;
            let spec = JobSpec::Report(Box::new(ReportSpec {
                subject,
                period: request.period,
                output: Some(ReportOutput { report_id: ReportId::new(), window, schedule_id: None }),
                formats: Vec::new(),
                recipients: Vec::new(),
            }));
            let created = idempotently(claim, deps.store.create_job(deps.new_job(&caller, spec, Vec::new(), false)));
            let created = created.await.map_err(|error| deps.job_error(error))?;
            if let Creation::Created(job) = &created {
                deps.job_started(&caller, job, "report.create").await;
            }
            Ok(created)
        })
        .await
    }

    /// A page of reports, newest first.
    pub async fn reports(
        &self,
        tenant_id: TenantId,
        filter: ReportFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<ReportInfo>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.reports(tenant_id, filter, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// One report.
    pub async fn report(&self, tenant_id: TenantId, id: ReportId) -> ServiceResult<ReportInfo> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.report(tenant_id, id).await?)).await
    }

    /// A report in a format; as CSV the table of a section, by default the main one.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `report_not_done`; [`ServiceError::Invalid`]: it has no such section.
    pub async fn report_file(
        &self,
        tenant_id: TenantId,
        id: ReportId,
        format: ReportFormat,
        section: Option<String>,
    ) -> ServiceResult<RenderedReport> {
        self.run(async move |deps: Arc<Dependencies>| {
            let report = deps.store.report(tenant_id, id).await?;
            deps.rendered(&report, format, section).await
        })
        .await
    }

    /// A report as Markdown of at most so many bytes: its tables have fewer rows if it must be. `None`: it is not done.
    pub async fn short_report(
        &self,
        tenant_id: TenantId,
        id: ReportId,
        max_bytes: usize,
    ) -> ServiceResult<(ReportInfo, Option<String>)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let report = deps.store.report(tenant_id, id).await?;
            let Some(document) = deps.store.report_document(tenant_id, id).await? else { return Ok((report, None)) };
            let text = tokio::task::spawn_blocking(move || short_text(&document, max_bytes)).await;
            let text = text.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
            Ok((report, Some(text)))
        })
        .await
    }

    /// The whole document of a report as JSON; `None`: it is not done.
    pub async fn report_json(&self, tenant_id: TenantId, id: ReportId) -> ServiceResult<Option<serde_json::Value>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let Some(document) = deps.store.report_document(tenant_id, id).await? else { return Ok(None) };
            let value = tokio::task::spawn_blocking(move || {
                let report = unpack(&document).map_err(|error| error.to_string())?;
                serde_json::to_value(report).map_err(|error| error.to_string())
            });
            value.await.map_err(|error| internal(&error))?.map(Some).map_err(|error| internal(&error))
        })
        .await
    }

    /// Deletes a report. The job that is making it is cancelled.
    pub async fn remove_report(&self, caller: Caller, id: ReportId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let report = deps.store.report(caller.tenant_id, id).await?;
            if !report.status.is_final() {
                let job = deps.store.cancel_job(caller.tenant_id, report.job_id).await?;
                deps.job_changed(&job);
            }
            deps.store.remove_report(caller.tenant_id, id).await?;
            deps.audit(caller.audit_event("report.delete", Some(format!("report:{id}")))).await;
            Ok(())
        })
        .await
    }

    /// A link by which a report can be read without a sign-in, for so many hours or until it is deleted.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `report_not_done`; [`ServiceError::Invalid`] for too many hours.
    pub async fn link_to_report(
        &self,
        caller: Caller,
        id: ReportId,
        format: ReportFormat,
        hours: u32,
    ) -> ServiceResult<ReportLink> {
        self.run(async move |deps: Arc<Dependencies>| {
            if !(1..=MAX_LINK_HOURS).contains(&hours) {
                return Err(ServiceError::invalid("hours", format!("must be from 1 to {MAX_LINK_HOURS}")));
            }
            let report = deps.store.report(caller.tenant_id, id).await?;
            let Some(deleted_at) = report.expires_at else { return Err(not_done(&report)) };
            let lasts = SignedDuration::from_hours(hours.into());
            let expires_at = deps.store.now().await?.checked_add(lasts).unwrap_or(Timestamp::MAX).min(deleted_at);
            let key = deps.store.installation_key(LINK_KEY).await?;
            let about = LinkTarget { action: LinkAction::ReadReport, tenant_id: caller.tenant_id, id: id.0 };
            let token = sign_link(key.as_bytes(), about, expires_at);
            let path = format!("auth/reports/{token}?format={}", format.as_str());
            let url = deps.public_url.join(&path).map_err(|error| internal(&error))?.to_string();
            deps.audit(caller.audit_event("report.link", Some(format!("report:{id}")))).await;
            Ok(ReportLink { url, expires_at })
        })
        .await
    }

    /// The report that a link is about, in a format.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: the link was not made here or has expired, or the report was deleted.
    pub async fn linked_report(
        &self,
        token: String,
        format: ReportFormat,
        section: Option<String>,
    ) -> ServiceResult<RenderedReport> {
        self.run(async move |deps: Arc<Dependencies>| {
            let target = deps.read_link(&token).await?;
            if target.action != LinkAction::ReadReport {
                return Err(ServiceError::NotFound("link"));
            }
            let report = deps.store.report(target.tenant_id, ReportId(target.id)).await;
            let report = report.map_err(ServiceError::from).map_err(|error| match error {
                ServiceError::NotFound(_) => ServiceError::NotFound("link"),
                other => other,
            })?;
            deps.rendered(&report, format, section).await
        })
        .await
    }
}

impl Dependencies {
    /// The job of a schedule that makes reports. Errors name fields within `action.`.
    pub(super) async fn scheduled_report(&self, caller: &Caller, action: ReportAction) -> ServiceResult<JobSpec> {
        caller.require(Scope::ReportCreate)?;
        let ReportAction { subject, period, formats, recipients } = action;
        let subject = self.checked_subject(caller.tenant_id, subject, "action.").await?;
        if let ReportPeriod::Dates { .. } = period {
            return Err(ServiceError::invalid(
                "action.period.kind",
                "must be a period that moves: these dates pass once",
            ));
        }
        period.check().map_err(|error| ServiceError::invalid(field_of(period, &error, "action."), error))?;
        let recipients = self.checked_recipients(caller.tenant_id, recipients).await?;
        let formats = if formats.is_empty() { vec![ReportFormat::Html, ReportFormat::Xlsx] } else { formats };
        Ok(JobSpec::Report(Box::new(ReportSpec { subject, period, output: None, formats, recipients })))
    }

    /// What a report is about, if the tenant has it. Errors name fields `within` an object.
    async fn checked_subject(
        &self,
        tenant_id: TenantId,
        subject: ReportSubject,
        within: &str,
    ) -> ServiceResult<ReportSubject> {
        match &subject {
            ReportSubject::Product { product_id } => {
                let found = self.store.products_of_ids(tenant_id, &[*product_id]).await?;
                if found.is_empty() {
                    return Err(ServiceError::invalid_reference(&format!("{within}product_id"), "product"));
                }
            }
            ReportSubject::CompetitorSet { set_id } => match self.store.competitor_set(tenant_id, *set_id).await {
                Err(crate::store::StoreError::NotFound(_)) => {
                    return Err(ServiceError::invalid_reference(&format!("{within}set_id"), "competitor set"));
                }
                found => drop(found?),
            },
            ReportSubject::Tag { tag } => return Ok(ReportSubject::Tag { tag: tidy_tag(tag.clone(), within)? }),
            ReportSubject::Tenant => {}
        }
        Ok(subject)
    }

    /// Addresses of active users of the tenant. Nothing is sent to anybody else.
    async fn checked_recipients(&self, tenant_id: TenantId, given: Vec<String>) -> ServiceResult<Vec<EmailAddress>> {
        if given.len() > MAX_RECIPIENTS {
            let message = format!("must be at most {MAX_RECIPIENTS} addresses");
            return Err(ServiceError::invalid("action.recipients", message));
        }
        if !given.is_empty() && !self.sends_mail {
            return Err(ServiceError::invalid("action.recipients", "this installation has no mail server"));
        }
        let mut errors = Vec::new();
        let mut addresses: Vec<EmailAddress> = Vec::with_capacity(given.len());
        for (place, text) in given.iter().enumerate() {
            let field = format!("action.recipients[{place}]");
            match text.parse::<EmailAddress>() {
                Ok(address) if addresses.contains(&address) => errors.push(FieldError::new(&field, "is named twice")),
                Ok(address) => addresses.push(address),
                Err(error) => errors.push(FieldError::new(&field, error)),
            }
        }
        valid(errors)?;
        let known = self.store.mail_recipients(tenant_id, &addresses).await?;
        let unknown = addresses.iter().enumerate().filter(|(_, address)| !known.contains(address));
        let message = "must be the verified address of an active user of your tenant";
        valid(unknown.map(|(n, _)| FieldError::new(&format!("action.recipients[{n}]"), message)).collect())?;
        Ok(addresses)
    }

    /// A report in a format.
    async fn rendered(
        &self,
        report: &ReportInfo,
        format: ReportFormat,
        section: Option<String>,
    ) -> ServiceResult<RenderedReport> {
        if section.is_some() && format != ReportFormat::Csv {
            return Err(ServiceError::invalid("section", "belongs to the format csv"));
        }
        let document = self.store.report_document(report.tenant_id, report.id).await?;
        let document = document.ok_or_else(|| not_done(report))?;
        let body = tokio::task::spawn_blocking(move || written(&document, format, section.as_deref())).await;
        let body = body.map_err(|error| internal(&error))??;
        Ok(RenderedReport { file_name: file_name(report, format), format, body })
    }
}

fn written(document: &[u8], format: ReportFormat, section: Option<&str>) -> ServiceResult<Vec<u8>> {
    let report = unpack(document).map_err(|error| internal(&error))?;
    let body = match (format, section) {
        (ReportFormat::Csv, Some(section)) => render_csv(&report, Some(section)),
        _ => render(&report, format),
    };
    body.map_err(|error| match error {
        ReportRenderError::NoTable(_) => {
            let sections = csv_sections(&report).join(", ");
            ServiceError::invalid("section", format!("the report has no such table; it has: {sections}"))
        }
        other => internal(&other),
    })
}

/// A report as Markdown with as many rows of each table as fit.
fn short_text(document: &[u8], max_bytes: usize) -> Result<String, String> {
    let mut report = unpack(document).map_err(|error| error.to_string())?;
    let markdown = |report: &Report| {
        let text = render(report, ReportFormat::Markdown).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    };
    let whole = markdown(&report)?;
    if whole.len() <= max_bytes {
        return Ok(whole);
    }
    for rows in ROWS_OF_SHORT_TABLES {
        let is_cut = cut(&mut report, rows);
        let text = markdown(&report)?;
        let note = if is_cut {
            format!("\nTables are cut to {rows} rows; the whole report is at the API.\n")
        } else {
            String::new()
        };
        if text.len() + note.len() <= max_bytes {
            return Ok(text + &note);
        }
    }
    let mut text = markdown(&report)?;
    text.truncate(text.floor_char_boundary(max_bytes));
    Ok(text)
}

/// Leaves so many rows of each table. True if there were more.
fn cut(report: &mut Report, rows: usize) -> bool {
    let mut is_cut = false;
    for section in &mut report.sections {
        for block in &mut section.blocks {
            if let Block::Table(table) = block {
                is_cut |= table.rows.len() > rows;
                table.rows.truncate(rows);
            }
        }
    }
    is_cut
}

/// The window of a period, unless it lies ahead.
fn checked_window(period: ReportPeriod, time_zone: &str, now: Timestamp) -> ServiceResult<ReportWindow> {
    let window = period.window(now, time_zone);
    let window = window.map_err(|error| ServiceError::invalid(field_of(period, &error, ""), error))?;
    if window.from >= now {
        return Err(ServiceError::invalid("period.from", "must not lie in the future"));
    }
    Ok(window)
}

fn field_of(period: ReportPeriod, error: &ReportPeriodError, within: &str) -> &'static str {
    match (error, period, within) {
        (ReportPeriodError::TimeZone(_), ..) => "time_zone",
        (_, ReportPeriod::LastDays { .. }, "") => "period.days",
        (_, _, "") => "period.to",
        (_, ReportPeriod::LastDays { .. }, _) => "action.period.days",
        _ => "action.period.kind",
    }
}

fn not_done(report: &ReportInfo) -> ServiceError {
    let detail = format!("the report is not done; the status of its job is {}", report.status.as_str());
    ServiceError::Conflict("report_not_done", detail)
}

/// Plain characters: the title may have any.
fn file_name(report: &ReportInfo, format: ReportFormat) -> String {
    let zone = TimeZone::get(&report.window.time_zone).unwrap_or(TimeZone::UTC);
    let day = report.window.from.to_zoned(zone).date();
    format!("report-{}-{day}.{}", report.subject.topic().as_str().replace('_', "-"), format.ending())
}

fn internal(error: &impl std::fmt::Display) -> ServiceError {
    tracing::error!(%error, "a report could not be read or written");
    ServiceError::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::report::pack;
    use crate::insight::report::{Cell, ColumnKind, Section, Table};

    #[test]
    fn a_long_report_has_fewer_rows_where_it_must_be_short() {
        let mut table = Table::new(&[("Product", ColumnKind::Text)]);
        table.rows = (0..2000).map(|n| vec![Cell::text(format!("{n} {}", "ä".repeat(60)))]).collect();
        let at = Timestamp::UNIX_EPOCH;
        let window = ReportPeriod::LastWeek.window(at, "UTC").unwrap();
        let report = Report {
            title: "All products".to_owned(),
            made_at: at,
            window,
            coverage: Vec::new(),
            summary: vec!["One sentence.".to_owned()],
            main_section: "products".to_owned(),
            sections: vec![Section::new("products", "Products", vec![Block::Table(table)])],
            exclusions: Vec::new(),
            method: Vec::new(),
        };
        let packed = pack(&report).unwrap();
        assert_eq!(unpack(&packed).unwrap(), report);
        let whole = short_text(&packed, 1_000_000).unwrap();
        assert!(whole.contains("1999 ") && !whole.contains("are cut"));
        let short = short_text(&packed, 39_000).unwrap();
        assert!(short.len() <= 39_000 && short.contains("Tables are cut to 200 rows"), "{}", short.len());
        assert!(short.contains("One sentence") && short.contains("199 ") && !short.contains("200 ä"));
        assert!(short_text(&packed, 100).unwrap().len() <= 100);
    }
}
