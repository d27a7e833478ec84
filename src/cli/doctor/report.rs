//! What was found, as a table or as JSON.

use std::fmt;

use serde::Serialize;

use crate::cli::table::rows_of;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(super) enum Verdict {
    /// It works.
    Ok,
    /// It works, but not as it should.
    Warning,
    /// It does not work.
    Fault,
    /// It is not set up, or could not be checked.
    Skipped,
}

/// The result of one check.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: String,
    result: Verdict,
    detail: String,
    /// What to do about it, in one sentence.
    remedy: Option<&'static str>,
}

impl Finding {
    pub fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { check: check.into(), result: Verdict::Ok, detail: detail.into(), remedy: None }
    }

    pub fn skipped(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { check: check.into(), result: Verdict::Skipped, detail: detail.into(), remedy: None }
    }

    pub fn warning(check: impl Into<String>, detail: impl Into<String>, remedy: &'static str) -> Self {
        Self { check: check.into(), result: Verdict::Warning, detail: detail.into(), remedy: Some(remedy) }
    }

    pub fn fault(check: impl Into<String>, detail: impl Into<String>, remedy: &'static str) -> Self {
        Self { check: check.into(), result: Verdict::Fault, detail: detail.into(), remedy: Some(remedy) }
    }
}

/// The results in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// True without faults; a warning is none.
    pub fn healthy(&self) -> bool {
        self.0.iter().all(|finding| finding.result != Verdict::Fault)
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut report = serializer.serialize_struct("Report", 2)?;
        report.serialize_field("healthy", &self.healthy())?;
        report.serialize_field("checks", &self.0)?;
        report.end()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |finding: &Finding| {
            let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let first = [finding.result.to_string(), finding.check.clone(), line(&finding.detail)];
            let remedy = finding.remedy.map(|remedy| [String::new(), String::new(), format!("-> {remedy}")]);
            std::iter::once(first).chain(remedy)
        };
        f.write_str(&rows_of(&self.0.iter().flat_map(row).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_no_fault_and_a_fault_shows_its_remedy() {
        let mut report = Report::default();
        report.add(Finding::ok("database", "sqlite"));
        report.add(Finding::warning("disk", "1 MB\nfree", "free some space"));
        assert!(report.healthy());
        report.add(Finding::fault("redis", "no answer", "start it"));
        assert!(!report.healthy());
        let text = report.to_string();
        assert!(text.contains("warning  disk      1 MB free\n") && text.contains("-> start it\n"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["healthy"], &json["checks"][2]["result"]), (&false.into(), &"fault".into()));
    }
}
