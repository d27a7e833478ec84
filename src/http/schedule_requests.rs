//! The bodies of requests about schedules.

use serde::Deserialize;
use utoipa::ToSchema;

use super::crawl::batch_target;
use super::field_parsing::parsed;
use super::problem::Problem;
use super::product_defaults::BatchAdd;
use super::report_requests::{PeriodBody, SubjectBody};
use super::strict::{List, optional_object};
use crate::domain::{CronTimes, Marketplace, Overrun, Recurrence, ReportFormat};
use crate::service::{
    CategoryTarget, FieldError, MAX_LISTINGS_PER_SCHEDULE, MAX_RECIPIENTS, ReportAction, ScheduleAction, ScheduleChange,
};

/// When a schedule is due: `every`, or `cron` with `time_zone`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin" }))]
pub(super) struct RecurrenceBody {
    /// `hourly`, `daily`, `weekly`, `monthly`, or an interval such as `6h`.
    every: Option<String>,
    /// A cron expression of five fields, or six with seconds in front. Days of the week are 0 to 7 or names; 0 and 7 are Sunday.
    cron: Option<String>,
    /// The time zone of the expression, by its name in the IANA database.
    time_zone: Option<String>,
}

impl RecurrenceBody {
    /// The recurrence.
    pub(super) fn parsed(&self) -> Result<Recurrence, Problem> {
        let mut errors = Vec::new();
        let recurrence = match (&self.every, &self.cron, &self.time_zone) {
            (Some(every), None, None) => {
                parsed("recurrence.every", Some(every), &mut errors).map(|every| Recurrence::Every { every })
            }
            (None, Some(cron), Some(time_zone)) => match CronTimes::new(cron, time_zone) {
                Ok(times) => Some(Recurrence::Cron(times)),
                Err(error) => {
                    let field = if error.is_about_time_zone() { "recurrence.time_zone" } else { "recurrence.cron" };
                    errors.push(FieldError::new(field, error));
                    None
                }
            },
            _ => {
                errors.push(FieldError::new("recurrence", "give either `every`, or `cron` with `time_zone`"));
                None
            }
        };
        recurrence.ok_or_else(|| Problem::invalid(errors))
    }
}

/// What a schedule does. `crawl`: exactly one of `listings`, `tag` and `all`; `category`: a list of products, with `url`; `report`: a
/// report, with `subject` and `period`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "crawl", "tag": "toys" }))]
pub(super) struct ActionBody {
    kind: ActionKind,
    /// 1 to 1,000 ASINs, or URLs of product pages, of products that you track.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    listings: Option<List<String, MAX_LISTINGS_PER_SCHEDULE>>,
    /// All active products with this tag.
    tag: Option<String>,
    /// `true`: all active products.
    all: Option<bool>,
    /// The marketplace of ASINs; default: that of the installation.
    #[schema(value_type = Option<String>, example = "de")]
    marketplace: Option<Marketplace>,
    /// Of `category`: the URL of a bestseller list or of search results.
    url: Option<String>,
    /// Of `category`: how many pages to read, 1 to 20; default 1.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 20)]
    pages: Option<u32>,
    /// Of `category`: adds the listings that are not tracked yet, with these settings.
    #[serde(default, deserialize_with = "optional_object")]
    add: Option<BatchAdd>,
    /// Of `report`: what it is about.
    #[serde(default, deserialize_with = "optional_object")]
    subject: Option<SubjectBody>,
    /// Of `report`: which time it covers, as it is when the schedule is due, in its time zone (UTC if it has none). Not `dates`.
    #[serde(default, deserialize_with = "optional_object")]
    period: Option<PeriodBody>,
    /// Of `report`: the formats that its e-mail offers, of `json`, `markdown`, `html`, `csv` and `xlsx`; default: `html` and `xlsx`,
    /// which is attached if it has at most 5 MB.
    #[schema(value_type = Option<Vec<String>>, max_items = 5)]
    formats: Option<List<ReportFormat, 5>>,
    /// Of `report`: the addresses of up to 20 users of your tenant who get an e-mail when it is done.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    recipients: Option<List<String, MAX_RECIPIENTS>>,
}

impl ActionBody {
    fn action(self) -> Result<ScheduleAction, Problem> {
        let names_report = self.subject.is_some() || self.period.is_some();
        let names_report = names_report || self.formats.is_some() || self.recipients.is_some();
        let names_listings = self.listings.is_some() || self.tag.is_some() || self.all.is_some();
        let names_list = self.url.is_some() || self.pages.is_some() || self.add.is_some();
        if names_report && !matches!(self.kind, ActionKind::Report) {
            return Err(Problem::invalid_field("action.kind", "some fields belong to another kind"));
        }
        match self.kind {
            ActionKind::Report if !names_list && !names_listings && self.marketplace.is_none() => {
                let required = |field: &str| Problem::invalid_field(field, "is required");
                let subject = self.subject.ok_or_else(|| required("action.subject"))?;
                let period = self.period.ok_or_else(|| required("action.period"))?;
                Ok(ScheduleAction::Report(ReportAction {
                    subject: subject.subject("action.subject.")?,
                    period: period.period("action.period.")?,
                    formats: self.formats.map(|formats| formats.0).unwrap_or_default(),
                    recipients: self.recipients.map(|recipients| recipients.0).unwrap_or_default(),
                }))
            }
            ActionKind::Crawl if !names_list => {
                let listings = self.listings.map(|listings| listings.0);
                let target = batch_target(listings, self.tag, self.all, "action.")?;
                Ok(ScheduleAction::Crawl(target, self.marketplace))
            }
            ActionKind::Category if !names_listings && self.marketplace.is_none() => {
                let url = self.url.ok_or_else(|| Problem::invalid_field("action.url", "is required"))?;
                let add = self.add.map(|add| add.defaults(None));
                Ok(ScheduleAction::Category(CategoryTarget { url, pages: self.pages.unwrap_or(1), add }))
            }
            ActionKind::Crawl | ActionKind::Category | ActionKind::Report => {
                Err(Problem::invalid_field("action.kind", "some fields belong to another kind"))
            }
        }
    }
}

/// The kind of an action.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionKind {
    /// Crawl products.
    Crawl,
    /// Read a list of products, and add what it shows if asked to.
    Category,
    /// Make a report.
    Report,
}

/// A schedule to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleBody {
    /// Its name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "optional_object")]
    recurrence: Option<RecurrenceBody>,
    #[serde(default, deserialize_with = "optional_object")]
    action: Option<ActionBody>,
    /// What happens when it is due and the job that it started before has not ended: `skip` (default) leaves the run out, `queue`
    /// starts one when that job has ended.
    #[schema(value_type = Option<String>, example = "skip")]
    overrun: Option<Overrun>,
    /// `false`: it starts nothing by itself.
    is_enabled: Option<bool>,
}

impl ScheduleBody {
    /// What it changes.
    pub(super) fn change(self) -> Result<ScheduleChange, Problem> {
        Ok(ScheduleChange {
            name: self.name,
            recurrence: self.recurrence.as_ref().map(RecurrenceBody::parsed).transpose()?,
            action: self.action.map(ActionBody::action).transpose()?,
            overrun: self.overrun,
            is_enabled: self.is_enabled,
        })
    }
}
