//! What a listing's content breaks, as a table.

use super::document::{Block, Cell, ColumnKind, Section, Table};
use super::wording::count;
use crate::domain::plain_text::{clean, shorten};
use crate::insight::listing_rules::{Finding, FindingSeverity, ListingCheck};

/// A finding may quote a text of the listing.
const MAX_FINDING_CHARS: usize = 500;

/// The outcome of a check.
pub(super) fn findings_section(check: &ListingCheck) -> Section {
    let kept = count(check.passed.len(), "rule is kept", "rules are kept");
    let unknown = count(check.not_checked.len(), "cannot be checked", "cannot be checked");
    let broken = count(check.findings.len(), "finding", "findings");
    let mut blocks = vec![Block::text(format!(
        "{broken}; {kept}, {unknown}. The rules are those of the day on which the report was made."
    ))];
    if !check.findings.is_empty() {
        let columns = ["Severity", "Finding", "Rule", "Source"].map(|name| (name, ColumnKind::Text));
        let mut findings: Vec<&Finding> = check.findings.iter().collect();
        findings.sort_by_key(|finding| severity_order(finding.rule.severity));
        let rows = findings.into_iter().map(row).collect();
        blocks.push(Block::Table(Table { rows, ..Table::new(&columns) }));
    }
    Section::new("listing_check", "Listing check", blocks)
}

/// A sentence about the findings; `None`: there are none.
pub(super) fn findings_sentence(check: &ListingCheck) -> Option<String> {
    let errors = check.findings.iter().filter(|finding| finding.rule.severity == FindingSeverity::Error).count();
    let findings = count(check.findings.len(), "finding", "findings");
    let errors = count(errors, "of them an error", "of them errors");
    (!check.findings.is_empty()).then(|| format!("The listing check has {findings}, {errors}."))
}

fn severity_order(severity: FindingSeverity) -> u8 {
    match severity {
        FindingSeverity::Error => 0,
        FindingSeverity::Warning => 1,
        FindingSeverity::Notice => 2,
    }
}

fn row(finding: &Finding) -> Vec<Cell> {
    let severity: &'static str = finding.rule.severity.into();
    let message = shorten(&clean(&finding.message()), MAX_FINDING_CHARS);
    [severity, &message, finding.rule.id, finding.rule.source.name].map(Cell::text).to_vec()
}
