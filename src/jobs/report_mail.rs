//! The e-mail about a report that was made by schedule.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::JobTools;
use crate::domain::{
    LINK_KEY, LinkAction, LinkTarget, MailAttachment, ReportFormat, ReportOutput, ReportSpec, sign_link,
};
use crate::files::report::email;
use crate::insight::report::Report;
use crate::store::{ClaimedJob, ReportMail, StoreResult};

/// How long the link of an e-mail is valid, unless the report is deleted before.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The e-mail about a report: its summary, links to it, and the spreadsheet.
pub(super) async fn mail_of(
    tools: &JobTools,
    job: &ClaimedJob,
    spec: &ReportSpec,
    output: &ReportOutput,
    (report, spreadsheet): (&Report, Option<&[u8]>),
) -> StoreResult<ReportMail> {
    let key = tools.store.installation_key(LINK_KEY).await?;
    let kept_for = SignedDuration::try_from(tools.reports.kept_for).unwrap_or(LINK_LASTS);
    let expires_at = tools.store.now().await?.checked_add(kept_for.min(LINK_LASTS)).unwrap_or(Timestamp::MAX);
    let about = LinkTarget { action: LinkAction::ReadReport, tenant_id: job.lease.tenant_id, id: output.report_id.0 };
    let token = sign_link(key.as_bytes(), about, expires_at);
    let url = |format: ReportFormat| {
        let path = format!("auth/reports/{token}?format={}", format.as_str());
        tools.reports.public_url.join(&path).map(|url| url.to_string()).unwrap_or_default()
    };
    let links: Vec<(&str, String)> = spec.formats.iter().map(|format| (label_of(*format), url(*format))).collect();
    let until = expires_at.to_zoned(output.window.zone()).strftime("%-d %B %Y, %H:%M %Z").to_string();
    let summary = email(report);
    Ok(ReportMail {
        recipients: spec.recipients.clone(),
        subject: summary.subject,
        text: text_of(&summary.text, &links, &until),
        html: html_of(&summary.html, &links, &until),
        attachment: spreadsheet.map(|file| MailAttachment {
            name: format!("report.{}", ReportFormat::Xlsx.ending()),
            content_type: ReportFormat::Xlsx.content_type().to_owned(),
            base64: BASE64_STANDARD.encode(file),
        }),
        useless_after: expires_at,
    })
}

fn label_of(format: ReportFormat) -> &'static str {
    match format {
        ReportFormat::Json => "As JSON",
        ReportFormat::Markdown => "As Markdown",
        ReportFormat::Html => "The whole report",
        ReportFormat::Csv => "As CSV",
        ReportFormat::Xlsx => "As a spreadsheet",
    }
}

/// Why somebody gets it.
const REASON: &str = "You get this e-mail because a schedule of your organisation sends this report to your address.";

fn text_of(summary: &str, links: &[(&str, String)], until: &str) -> String {
    let links: String = links.iter().map(|(label, url)| format!("{label}: {url}\n")).collect();
    format!("{}\n\n{links}\nThe links work without a sign-in until {until}.\n\n{REASON}\n", summary.trim_end())
}

/// The labels are fixed texts, and URLs have no quotes.
fn html_of(summary: &str, links: &[(&str, String)], until: &str) -> String {
    let link =
        |(label, url): &(&str, String)| format!("<li><a href=\"{}\">{label}</a></li>", url.replace('&', "&amp;"));
    let links: String = links.iter().map(link).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"></head><body>{summary}<ul>{links}</ul>\
         <p>The links work without a sign-in until {until}.</p><p>{REASON}</p></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_has_its_links_in_both_forms() {
        let links = [("The whole report", "https://example.com/auth/reports/x?format=html&a=b".to_owned())];
        let text = text_of("One sentence.\n", &links, "1 May 2026, 00:00 UTC");
        assert!(
            text.starts_with("One sentence.\n\nThe whole report: https://example.com/auth/reports/x?format=html&a=b\n")
        );
        let html = html_of("<p>One sentence.</p>", &links, "1 May 2026, 00:00 UTC");
        assert!(
            html.contains("<a href=\"https://example.com/auth/reports/x?format=html&amp;a=b\">The whole report</a>")
        );
        assert!(text.contains("until 1 May 2026") && html.contains("until 1 May 2026"));
    }
}
