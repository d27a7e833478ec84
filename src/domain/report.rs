//! Reports: what they are about, and what a job is to make.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::email::EmailAddress;
use super::ids::{CompetitorSetId, ProductId, ReportId, ScheduleId};
use super::report_format::ReportFormat;
use super::report_period::{ReportPeriod, ReportWindow};

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportSubject {
    /// One product.
    Product {
        /// The product.
        product_id: ProductId,
    },
    /// A product beside its competitors.
    CompetitorSet {
        /// The set.
        set_id: CompetitorSetId,
    },
    /// All active products with a tag.
    Tag {
        /// The tag.
        tag: String,
    },
    /// All active products of the tenant.
    Tenant,
}

impl ReportSubject {
    /// The kind of subject.
    pub fn topic(&self) -> ReportTopic {
        match self {
            Self::Product { .. } => ReportTopic::Product,
            Self::CompetitorSet { .. } => ReportTopic::CompetitorSet,
            Self::Tag { .. } => ReportTopic::Tag,
            Self::Tenant => ReportTopic::Tenant,
        }
    }

    /// True if it is about as many products as there happen to be: each is summarised on its own.
    pub fn is_of_many(&self) -> bool {
        matches!(self, Self::Tag { .. } | Self::Tenant)
    }
}

/// The kind of what a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = ReportTopicError, parse_err_fn = ReportTopicError::of)]
pub enum ReportTopic {
    /// One product.
    Product,
    /// A competitor set.
    CompetitorSet,
    /// The products with a tag.
    Tag,
    /// The products of a tenant.
    Tenant,
}

impl ReportTopic {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The text is not a kind of subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown subject `{0}`; valid subjects: product, competitor_set, tag, tenant")]
pub struct ReportTopicError(String);

impl ReportTopicError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The report that a job is to make, or that a schedule makes again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSpec {
    /// What it is about.
    pub subject: ReportSubject,
    /// Which time it covers.
    pub period: ReportPeriod,
    /// Of a job: the report that it makes. A schedule has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ReportOutput>,
    /// The formats that the e-mail offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<ReportFormat>,
    /// Who gets an e-mail when it is done: those who are active users of the tenant then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<EmailAddress>,
}

/// The report that a job makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportOutput {
    /// Its identifier.
    pub report_id: ReportId,
    /// The time that it covers.
    pub window: ReportWindow,
    /// The schedule that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
}
