//! What is known of a report without its document.

use jiff::Timestamp;

use super::ids::{JobId, ReportId, ScheduleId, TenantId};
use super::job::JobStatus;
use super::report::ReportSubject;
use super::report_period::{ReportPeriod, ReportWindow};

/// What is known of a report without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportInfo {
    /// Identifier.
    pub id: ReportId,
    /// The owner.
    pub tenant_id: TenantId,
    /// The job that makes it.
    pub job_id: JobId,
    /// The schedule that asked for it.
    pub schedule_id: Option<ScheduleId>,
    /// What it is about.
    pub subject: ReportSubject,
    /// The period that was asked for.
    pub period: ReportPeriod,
    /// The time that it covers.
    pub window: ReportWindow,
    /// Its title; `None`: it is not done.
    pub title: Option<String>,
    /// The status of its job, and done once there is a document.
    pub status: JobStatus,
    /// Why it could not be made.
    pub error: Option<String>,
    /// Whether anything is known of the window; `None`: it is not done.
    pub has_data: Option<bool>,
    /// Bytes of its document, compressed; 0: it is not done.
    pub size_bytes: u64,
    /// Who asked for it: `user:ID`, `key:ID` or `schedule:ID`.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
    /// When it is deleted; `None`: it is not done.
    pub expires_at: Option<Timestamp>,
}
