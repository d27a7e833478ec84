//! Jobs: durable long work of a tenant.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::access::Scope;
use super::frequency::Frequency;
use super::ids::{JobId, ProductId, TenantId};
use super::interval::Interval;
use super::marketplace::Marketplace;
use super::report::ReportSpec;

/// The status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = JobStatusError, parse_err_fn = JobStatusError::of)]
pub enum JobStatus {
    /// Its items are still being uploaded.
    Receiving,
    /// Not started.
    Pending,
    /// In progress.
    Running,
    /// Ended, and no item has failed.
    Done,
    /// Ended, and at least one item has failed, or the job as a whole.
    Failed,
    /// Cancelled: by a user, or because its products were deleted.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: &[JobStatus] =
        &[Self::Receiving, Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True when the job has ended. A retry starts it again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// The text is not the status of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown status `{0}`; valid statuses: receiving, pending, running, done, failed, cancelled")]
pub struct JobStatusError(String);

impl JobStatusError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The status of one item of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = ItemStatusError, parse_err_fn = ItemStatusError::of)]
pub enum ItemStatus {
    /// Not started.
    Pending,
    /// Its crawl is in progress.
    Running,
    /// It succeeded.
    Done,
    /// There was nothing to do.
    Skipped,
    /// It failed for good.
    Failed,
    /// The job was cancelled, or the product deleted.
    Cancelled,
}

impl ItemStatus {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True when the status can no longer change, unless the job is retried.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// The text is not the status of an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown status `{0}`; valid statuses: pending, running, done, skipped, failed, cancelled")]
pub struct ItemStatusError(String);

impl ItemStatusError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a kind of job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = JobKindError, parse_err_fn = JobKindError::of)]
pub enum JobKind {
    /// Crawls some products now.
    Crawl,
    /// Crawls many listings.
    CrawlBatch,
    /// Adds products.
    Import,
    /// Reads a list of products.
    Category,
    /// Makes a report.
    Report,
}

impl JobKind {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The scope that starts, cancels and retries such a job.
    pub fn scope(self) -> Scope {
        match self {
            Self::Crawl | Self::CrawlBatch | Self::Category => Scope::CrawlCreate,
            Self::Import => Scope::ProductWrite,
            Self::Report => Scope::ReportCreate,
        }
    }
}

/// The text is not a kind of job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of job `{0}`; valid kinds: crawl, crawl_batch, import, category, report")]
pub struct JobKindError(String);

impl JobKindError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a job is to do. Its items are stored beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// Crawl the products of the items now.
    Crawl,
    /// Crawl listings.
    CrawlBatch {
        /// Which.
        target: CrawlTarget,
        /// With these settings, listings that the tenant does not watch are added as products; otherwise their items fail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        add: Option<ProductDefaults>,
    },
    /// Add the products of the items.
    Import {
        /// Check the items, and add nothing.
        dry_run: bool,
        /// For what an item does not say.
        defaults: ProductDefaults,
    },
    /// Read a list of products: each becomes an item.
    Category {
        /// The list: see [`ListUrl`](super::ListUrl).
        url: String,
        /// How many of its pages.
        pages: u32,
        /// With these settings, listings that the tenant does not watch are added as products.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        add: Option<ProductDefaults>,
    },
    /// Make a report. The items are its products, if it is about many, and the report itself.
    Report(Box<ReportSpec>),
}

impl JobSpec {
    /// The kind of job.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Crawl => JobKind::Crawl,
            Self::CrawlBatch { .. } => JobKind::CrawlBatch,
            Self::Import { .. } => JobKind::Import,
            Self::Category { .. } => JobKind::Category,
            Self::Report(_) => JobKind::Report,
        }
    }
}

/// The listings of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrawlTarget {
    /// Those of the items.
    Listings,
    /// Of all active products with this tag.
    Tag(String),
    /// Of all active products.
    All,
}

/// Settings of products that are added together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductDefaults {
    /// The marketplace of an ASIN without one.
    pub marketplace: Option<Marketplace>,
    /// How often to crawl them; default daily.
    #[serde(flatten, with = "super::frequency::stored")]
    pub frequency: Option<Frequency>,
    /// Tags, beside those of the item.
    pub tags: Vec<String>,
    /// Competitors' products.
    pub is_competitor: bool,
    /// How often their offer lists are read; `None`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers_interval: Option<Interval>,
}

/// How many items of a job are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// All that are known.
    pub total: u64,
    /// Succeeded.
    pub done: u64,
    /// Nothing to do.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

impl JobCounts {
    /// Items that have ended.
    pub fn ended(&self) -> u64 {
        self.done + self.skipped + self.failed + self.cancelled
    }

    /// Items that have not ended.
    pub fn remaining(&self) -> u64 {
        self.total.saturating_sub(self.ended())
    }

    /// Counts one more item that has ended.
    pub fn add(&mut self, status: ItemStatus) {
        match status {
            ItemStatus::Done => self.done += 1,
            ItemStatus::Skipped => self.skipped += 1,
            ItemStatus::Failed => self.failed += 1,
            ItemStatus::Cancelled => self.cancelled += 1,
            ItemStatus::Pending | ItemStatus::Running => {}
        }
    }
}

/// A job and its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Identifier.
    pub id: JobId,
    /// The owner.
    pub tenant_id: TenantId,
    /// What it does.
    pub spec: JobSpec,
    /// Who created it: `user:ID`, `api_key:ID` or `schedule:ID`.
    pub created_by: Option<String>,
    /// The status.
    pub status: JobStatus,
    /// Its items.
    pub counts: JobCounts,
    /// Items that had ended when it was started, or started again.
    pub ended_before: u64,
    /// Why it ended before its items did.
    pub error: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its first step, or the first one of its last retry, was taken.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its status or its counts last changed.
    pub updated_at: Timestamp,
}

/// How fast a job proceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobPace {
    /// Items per second since it was started.
    pub items_per_second: f64,
    /// When it will end at this rate.
    pub ends_at: Timestamp,
}

impl Job {
    /// How fast it proceeds, by the counts of its last change; `None` before the first item, and after the end.
    pub fn pace(&self) -> Option<JobPace> {
        let ended = self.counts.ended().saturating_sub(self.ended_before);
        let elapsed_secs = self.updated_at.duration_since(self.started_at?).as_secs_f64();
        if self.status.is_final() || ended == 0 || elapsed_secs <= 0.0 {
            return None;
        }
        let items_per_second = ended as f64 / elapsed_secs;
        let left = SignedDuration::try_from_secs_f64(self.counts.remaining() as f64 / items_per_second).ok()?;
        Some(JobPace { items_per_second, ends_at: self.updated_at.checked_add(left).ok()? })
    }
}

/// One item of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobItem {
    /// Its place: the line of a file, or the position in the request from 0 on.
    pub place: u32,
    /// What the request said of it.
    pub input: Option<String>,
    /// The status.
    pub status: ItemStatus,
    /// The product, once it is known.
    pub product_id: Option<ProductId>,
    /// The outcome of its crawl: the name of an [`Outcome`](super::Outcome).
    pub outcome: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ReportFormat, ReportPeriod, ReportSubject};

    fn job(total: u64, done: u64, ended_before: u64, secs: i64) -> Job {
        Job {
            id: JobId::new(),
            tenant_id: TenantId::BUILT_IN,
            spec: JobSpec::Crawl,
            created_by: None,
            status: JobStatus::Running,
            counts: JobCounts { total, done, ..JobCounts::default() },
            ended_before,
            error: None,
            created_at: Timestamp::UNIX_EPOCH,
            started_at: Some(Timestamp::UNIX_EPOCH),
            finished_at: None,
            updated_at: Timestamp::from_second(secs).unwrap(),
        }
    }

    #[test]
    fn the_pace_counts_the_items_since_the_start() {
        let pace = job(1000, 300, 100, 20).pace().unwrap();
        assert_eq!((pace.items_per_second, pace.ends_at.as_second()), (10.0, 20 + 70));
        assert_eq!(job(1000, 100, 100, 20).pace(), None, "nothing has ended yet");
        assert_eq!(job(1000, 200, 100, 0).pace(), None, "no time has passed");
        let ended = Job { status: JobStatus::Done, ..job(10, 10, 0, 20) };
        assert_eq!(ended.pace(), None);
    }

    #[test]
    fn the_specification_of_a_job_survives_its_own_text() {
        let defaults = ProductDefaults { tags: vec!["toys".into()], ..ProductDefaults::default() };
        for spec in [
            JobSpec::Crawl,
            JobSpec::CrawlBatch { target: CrawlTarget::Tag("toys".into()), add: None },
            JobSpec::CrawlBatch { target: CrawlTarget::Listings, add: Some(defaults.clone()) },
            JobSpec::Category { url: "https://www.amazon.de/s?k=x".into(), pages: 2, add: Some(defaults.clone()) },
            JobSpec::Import { dry_run: true, defaults },
            JobSpec::Report(Box::new(ReportSpec {
                subject: ReportSubject::Tag { tag: "toys".into() },
                period: ReportPeriod::LastDays { days: 7 },
                output: None,
                formats: vec![ReportFormat::Xlsx],
                recipients: vec!["jo@example.com".parse().unwrap()],
            })),
        ] {
            let text = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<JobSpec>(&text).unwrap(), spec, "{text}");
            assert!(text.contains(&format!(r#""kind":"{}""#, spec.kind().as_str())), "{text}");
        }
    }
}
