//! `check_listing`: a listing against Amazon's rules.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ProductId, Scope};
use crate::insight::listing_rules::{Finding, Limit, NotChecked};
use crate::mcp::call::Call;
use crate::mcp::tool::{Effect, Tool};
use crate::service::{CheckListing, CheckedListing, ServiceResult};

/// Offending texts of a finding are cut to this many characters.
const MAX_TEXT_CHARS: usize = 200;

pub(super) struct CheckListingTool;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[schemars(with = "String")]
    product_id: ProductId,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The day whose rules apply.
    #[schemars(with = "String")]
    on: Date,
    #[schemars(with = "Option<String>")]
    content_since: Option<Timestamp>,
    findings: Vec<Broken>,
    not_checked: Vec<Unchecked>,
    passed: Vec<&'static str>,
}

#[derive(Serialize, JsonSchema)]
struct Broken {
    rule: &'static str,
    severity: &'static str,
    message: String,
    observed_amount: Option<u64>,
    observed_texts: Vec<String>,
    min: Option<u64>,
    max: Option<u64>,
    source: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Unchecked {
    rule: &'static str,
    why: String,
}

impl From<Finding> for Broken {
    fn from(finding: Finding) -> Self {
        let Limit { min, max, .. } = finding.rule.check.limit();
        let shortened = |text: &String| text.chars().take(MAX_TEXT_CHARS).collect();
        Self {
            rule: finding.rule.id,
            severity: finding.rule.severity.into(),
            message: finding.message(),
            observed_amount: finding.observed.amount,
            observed_texts: finding.observed.texts.iter().map(shortened).collect(),
            min,
            max,
            source: finding.rule.source.name,
        }
    }
}

impl From<NotChecked> for Unchecked {
    fn from(not_checked: NotChecked) -> Self {
        Self { rule: not_checked.rule.id, why: not_checked.message() }
    }
}

impl Tool for CheckListingTool {
    type Arguments = Arguments;
    type Answer = Answer;

    const NAME: &'static str = "check_listing";
    const TITLE: &'static str = "Check a listing";
    const DESCRIPTION: &'static str = "A listing against Amazon's rules for title, bullets, images, A+: what breaks a rule, what could not be checked.";
    const SCOPE: Scope = Scope::ProductRead;
    const WEIGHT: u32 = 2;
    const EFFECT: Effect = Effect::Reads;

    async fn call(call: Call, arguments: Arguments) -> ServiceResult<Answer> {
        let request = CheckListing { product_id: arguments.product_id, on: None, group: None, is_vendor: None };
        let CheckedListing { content_since, checked, .. } =
            call.service.check_listing(call.caller.tenant_id, request).await?;
        let outcome = checked.outcome;
        Ok(Answer {
            on: checked.on,
            content_since,
            findings: outcome.findings.into_iter().map(Broken::from).collect(),
            not_checked: outcome.not_checked.into_iter().map(Unchecked::from).collect(),
            passed: outcome.passed.into_iter().map(|rule| rule.id).collect(),
        })
    }
}
