//! Reports in their wire form.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    JobId, JobStatus, ReportId, ReportInfo, ReportOutput, ReportPeriod, ReportSpec, ReportSubject, ReportWindow,
    ScheduleId,
};
use crate::service::ReportLink;

/// A report without its document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub(super) struct WireReport {
    #[schema(value_type = Uuid)]
    id: ReportId,
    /// `pending`, `running`, `done`, `failed` or `cancelled`: that of its job.
    #[schema(value_type = String, example = "done")]
    status: JobStatus,
    #[schema(value_type = Uuid)]
    job_id: JobId,
    /// The schedule that asked for it.
    #[schema(value_type = Option<Uuid>)]
    schedule_id: Option<ScheduleId>,
    /// Null until it is done.
    title: Option<String>,
    /// As in the request.
    #[schema(value_type = Object)]
    subject: ReportSubject,
    /// As in the request.
    #[schema(value_type = Object)]
    period: ReportPeriod,
    window: WireWindow,
    /// Whether anything is known of the window; null until it is done.
    has_data: Option<bool>,
    /// Bytes of the stored document, compressed; 0 until it is done.
    size_bytes: u64,
    /// Why it could not be made.
    error: Option<String>,
    /// `user:ID`, `key:ID` or `schedule:ID`.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// When it is deleted; null until it is done.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// The time that a report covers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportWindow)]
pub(super) struct WireWindow {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Not included.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    time_zone: String,
    /// For people.
    #[schema(example = "week 48 of 2026 (23–29 November)")]
    name: String,
}

impl From<ReportWindow> for WireWindow {
    fn from(window: ReportWindow) -> Self {
        let ReportWindow { from, to, time_zone, name } = window;
        Self { from, to, time_zone, name }
    }
}

impl From<ReportInfo> for WireReport {
    fn from(report: ReportInfo) -> Self {
        Self {
            id: report.id,
            status: report.status,
            job_id: report.job_id,
            schedule_id: report.schedule_id,
            title: report.title,
            subject: report.subject,
            period: report.period,
            window: report.window.into(),
            has_data: report.has_data,
            size_bytes: report.size_bytes,
            error: report.error,
            created_by: report.created_by,
            created_at: report.created_at,
            finished_at: report.finished_at,
            expires_at: report.expires_at,
        }
    }
}

/// What the job of a report does.
pub(super) fn report_parameters(spec: ReportSpec) -> serde_json::Value {
    let ReportSpec { subject, period, output, formats, recipients } = spec;
    let (report_id, window) = match output {
        Some(ReportOutput { report_id, window, .. }) => (Some(report_id), Some(WireWindow::from(window))),
        None => (None, None),
    };
    serde_json::json!({ "report_id": report_id, "subject": subject, "period": period, "window": window,
        "formats": formats, "recipients": recipients })
}

/// A link to a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportLink)]
pub(super) struct WireReportLink {
    /// Whoever has it can read the report.
    url: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<ReportLink> for WireReportLink {
    fn from(link: ReportLink) -> Self {
        Self { url: link.url, expires_at: link.expires_at }
    }
}
