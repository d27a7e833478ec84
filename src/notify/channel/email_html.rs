//! The one template of e-mails. Its styles are inline, since several clients drop style sheets; the sheet only adds the
//! dark mode.

use std::fmt::Write;

use crate::domain::{MessageChart, MessageLink, Severity};

use super::brief::{Brief, BriefItem};
use super::text::html;

const STYLE_SHEET: &str = "\
:root{color-scheme:light dark;supported-color-schemes:light dark}\
@media (prefers-color-scheme:dark){\
.page{background:#15181c!important}\
.card{background:#1f242a!important;border-left-color:#323941!important;border-right-color:#323941!important;\
border-bottom-color:#323941!important}\
.text,.title a{color:#e8eaed!important}.quiet{color:#a3abb5!important}\
.link{color:#8ab4f8!important}.line{border-color:#323941!important}\
.chart{background:#ffffff!important}}\
@media (max-width:620px){.card{width:100%!important}.thumb{width:56px!important}\
.side{padding-left:16px!important;padding-right:16px!important}}";

const FONT: &str = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/// The page. A chart is referred to by its content id, as pictures of `data:` URLs are not shown.
pub(super) fn page(
    brief: &Brief,
    severity: Severity,
    charts: &[Option<&MessageChart>],
    unsubscribe: Option<&MessageLink>,
) -> String {
    let title = html(&brief.title);
    let mut page = format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE_SHEET}</style></head>\n\
         <body class=\"page\" style=\"margin:0;padding:0;background:#f3f4f6;-webkit-text-size-adjust:100%\">\n{}\
         <table role=\"presentation\" class=\"page\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"background:#f3f4f6\">\
         <tr><td align=\"center\" style=\"padding:24px 12px\">\n\
         <table role=\"presentation\" class=\"card\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"width:600px;max-width:100%;background:#ffffff;border:1px solid #e2e5e9;border-radius:10px;\
         border-top:4px solid {};overflow-wrap:anywhere;word-break:break-word;{FONT}\">\n\
         <tr><td class=\"side\" style=\"padding:24px 28px 8px\"><h1 class=\"text\" style=\"margin:0;font-size:20px;\
         line-height:1.35;\
         font-weight:600;color:#16191d\"><span dir=\"auto\">{title}</span></h1></td></tr>\n",
        preheader(brief),
        accent(severity),
    );
    for (n, item) in brief.items.iter().enumerate() {
        write_item(&mut page, item, charts.get(n).copied().flatten().map(|chart| (n, chart)));
    }
    for remark in brief.remarks() {
        let remark = html(remark).replace('\n', "<br>");
        let _ = writeln!(
            page,
            "<tr><td class=\"side text\" style=\"padding:14px 28px;font-size:15px;line-height:1.5;\
             color:#2b3036\">{remark}</td></tr>"
        );
    }
    write_footer(&mut page, brief, unsubscribe);
    page.push_str("</table>\n</td></tr></table>\n</body></html>\n");
    page
}

/// The name under which the page refers to a chart.
pub(super) fn content_id(n: usize) -> String {
    format!("chart-{}@amazon-tracker", n + 1)
}

/// What lists of mails show beside the subject; it is not visible in the mail itself.
fn preheader(brief: &Brief) -> String {
    let first = brief.items.first().and_then(|item| item.summary.as_deref());
    let Some(text) = first.or(brief.note.as_deref()) else { return String::new() };
    format!(
        "<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">{}</div>\n",
        html(&super::text::one_line(text))
    )
}

fn accent(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "#8a8f98",
        Severity::Normal => "#1f7a4d",
        Severity::Urgent => "#c2410c",
    }
}

fn write_item(page: &mut String, item: &BriefItem, chart: Option<(usize, &MessageChart)>) {
    page.push_str("<tr><td class=\"side line\" style=\"padding:16px 28px;border-bottom:1px solid #eceef1\">\n");
    page.push_str("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr>");
    if let Some(image) = &item.image_url {
        let _ = write!(
            page,
            "<td class=\"thumb\" width=\"84\" valign=\"top\" \
             style=\"padding-right:16px;vertical-align:top\"><img class=\"thumb\" src=\"{}\" width=\"84\" alt=\"\" \
             style=\"display:block;width:84px;height:auto;border-radius:6px;background:#ffffff\"></td>",
            html(image)
        );
    }
    let title = html(&item.title);
    let title = match item.url() {
        Some(url) => format!("<a href=\"{}\" style=\"color:#16191d;text-decoration:none\">{title}</a>", html(url)),
        None => title,
    };
    let _ = write!(
        page,
        "<td valign=\"top\" style=\"vertical-align:top\"><div class=\"title text\" dir=\"auto\" \
         style=\"font-size:16px;line-height:1.4;\
         font-weight:600;\
         color:#16191d\">{title}</div>"
    );
    if let Some(summary) = &item.summary {
        let _ = write!(
            page,
            "<div class=\"text\" dir=\"auto\" style=\"margin-top:4px;font-size:15px;line-height:1.45;\
             color:#2b3036\">{}</div>",
            html(summary)
        );
    }
    write_facts(page, item);
    page.push_str("</td></tr></table>\n");
    if let Some((n, chart)) = chart {
        let _ = writeln!(
            page,
            "<img class=\"chart\" src=\"cid:{}\" width=\"544\" alt=\"{}\" style=\"display:block;width:100%;\
             max-width:544px;\
             height:auto;margin-top:14px;border-radius:6px;background:#ffffff\">",
            content_id(n),
            html(&super::text::cut(&super::text::one_line(&chart.alt), 500, super::text::Unit::Chars))
        );
    }
    write_links(page, item);
    page.push_str("</td></tr>\n");
}

fn write_facts(page: &mut String, item: &BriefItem) {
    if item.facts.is_empty() {
        return;
    }
    page.push_str("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"margin-top:8px\">");
    for (label, value) in &item.facts {
        let _ = write!(
            page,
            "<tr><td class=\"quiet\" valign=\"top\" style=\"padding:2px 14px 2px 0;font-size:13px;line-height:1.4;\
             overflow-wrap:normal;word-break:normal;color:#6a717b\">{}</td>\
             <td class=\"text\" dir=\"auto\" style=\"padding:2px 0;font-size:14px;line-height:1.4;\
             color:#16191d\">{}</td></tr>",
            html(label),
            html(value)
        );
    }
    page.push_str("</table>");
}

/// The first link is a button.
fn write_links(page: &mut String, item: &BriefItem) {
    let Some((first, others)) = item.links.split_first() else { return };
    let _ = write!(
        page,
        "<div style=\"margin-top:14px;font-size:14px;line-height:2\"><a href=\"{}\" style=\"display:inline-block;\
         padding:4px 16px;\
         border-radius:6px;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600\">{}</a>",
        html(&first.url),
        html(&first.label)
    );
    for link in others {
        let _ = write!(
            page,
            " &nbsp; <a class=\"link\" href=\"{}\" style=\"color:#1f5fbf;text-decoration:underline\">{}</a>",
            html(&link.url),
            html(&link.label)
        );
    }
    page.push_str("</div>\n");
}

fn write_footer(page: &mut String, brief: &Brief, unsubscribe: Option<&MessageLink>) {
    let link = |link: &MessageLink| {
        format!(
            "<a class=\"quiet\" href=\"{}\" style=\"color:#6a717b;text-decoration:underline\">{}</a>",
            html(&link.url),
            html(&link.label)
        )
    };
    let parts: Vec<String> = brief.footer.as_deref().map(html).into_iter().chain(unsubscribe.map(link)).collect();
    if !parts.is_empty() {
        let _ = writeln!(
            page,
            "<tr><td class=\"side quiet\" style=\"padding:16px 28px 22px;font-size:12px;line-height:1.5;\
             color:#6a717b\">{}</td></tr>",
            parts.join("<br>")
        );
    }
}
