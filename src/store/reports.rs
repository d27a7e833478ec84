//! Reports and the steps that make them.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::{JobLease, Page, StoreResult};
use crate::domain::{EmailAddress, JobStatus, MailAttachment, ReportId, ReportInfo, ReportTopic, ScheduleId, TenantId};

/// The input of the item that stands for the report itself, after those of its products.
pub const REPORT_ITEM: &str = "report";
/// Reports of one tenant.
pub const MAX_REPORTS: u32 = 1000;
/// Bytes of a document, compressed.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Which reports to list: all conditions that are set must hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportFilter {
    /// About this kind of subject.
    pub topic: Option<ReportTopic>,
    /// In this status.
    pub status: Option<JobStatus>,
    /// That this schedule asked for.
    pub schedule_id: Option<ScheduleId>,
}

/// What a step found out about one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemSummary {
    /// The place of its item.
    pub place: u32,
    /// As JSON; `None`: there is no such product any more.
    pub summary: Option<String>,
}

/// A report that is done.
#[derive(Debug, Clone)]
pub struct FinishedReport {
    /// Its title.
    pub title: String,
    /// Whether anything is known of its window.
    pub has_data: bool,
    /// JSON, compressed (gzip); at most [`MAX_DOCUMENT_BYTES`].
    pub document: Vec<u8>,
    /// How long it is kept.
    pub kept_for: Duration,
    /// The e-mail about it.
    pub mail: Option<ReportMail>,
}

/// An e-mail about a report, to several people.
#[derive(Debug, Clone)]
pub struct ReportMail {
    /// To whom; those who are no active users of the tenant with a verified address are left out.
    pub recipients: Vec<EmailAddress>,
    /// Subject line.
    pub subject: String,
    /// Plain-text body.
    pub text: String,
    /// The same as a page of HTML.
    pub html: String,
    /// The report as a file.
    pub attachment: Option<MailAttachment>,
    /// When its link expires.
    pub useless_after: Timestamp,
}

/// The reports of tenants. A report is created with the job that makes it ([`Jobs::create_job`](super::Jobs::create_job)).
#[async_trait]
pub trait Reports: Send + Sync {
    /// A page of a tenant's reports, newest first.
    async fn reports(
        &self,
        tenant_id: TenantId,
        filter: ReportFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<ReportInfo>>;

    /// One report of a tenant, or [`NotFound`](super::StoreError::NotFound).
    async fn report(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<ReportInfo>;

    /// The document of a report as in [`FinishedReport::document`]; `None`: it is not done.
    async fn report_document(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<Option<Vec<u8>>>;

    /// Deletes a report. A job that is making it ends without one.
    async fn remove_report(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<()>;

    /// Those of some addresses that belong to active users of the tenant and were verified.
    async fn mail_recipients(&self, tenant_id: TenantId, addresses: &[EmailAddress]) -> StoreResult<Vec<EmailAddress>>;

    // Steps. Each ends the lease.
    //
    // Errors: `NotFound("job")`, the lease was lost, and nothing was done.

    /// Adds up to `limit` active products with this tag, or of all, as items, and after `most` of them or the last one the item of the
    /// report itself.
    async fn expand_report(&self, lease: &JobLease, tag: Option<&str>, limit: u32, most: u32) -> StoreResult<()>;

    /// Keeps what was found out about some products.
    async fn keep_summaries(&self, lease: &JobLease, summaries: Vec<ItemSummary>) -> StoreResult<()>;

    /// What was found out about the products, in their order. No step: the lease goes on.
    async fn report_summaries(&self, lease: &JobLease) -> StoreResult<Vec<String>>;

    /// How many active products with this tag there are, or of all. No step: the lease goes on.
    async fn count_active(&self, lease: &JobLease, tag: Option<&str>) -> StoreResult<u64>;

    /// Stores the report and its e-mails, and ends the job. Of a report that was deleted meanwhile, nothing is stored or sent.
    async fn finish_report(&self, lease: &JobLease, report: FinishedReport) -> StoreResult<()>;
}
