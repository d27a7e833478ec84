//! Pure types and business rules: no I/O, no async, no clock. Imports no other module of the crate.

mod access;
mod account;
mod address;
mod advice_budget;
mod advice_request;
mod alert_message;
mod asin;
mod authorization;
mod availability;
mod backoff;
mod budget;
mod change_rate;
mod channel;
mod client;
mod competitor_set;
mod content;
mod crawl_allocation;
mod crawl_demand;
mod drift;
mod email;
mod event;
mod feed_token;
mod frequency;
mod ids;
mod import_line;
mod interval;
mod job;
mod judgement;
mod known_content;
mod list_url;
mod listing;
mod listing_failure;
mod listing_image;
mod marketplace;
mod money;
pub mod numbers;
mod observation;
mod offer;
mod outbox_message;
mod outcome;
mod page_sample;
mod past;
mod peak_hours;
mod pkce;
pub mod plain_text;
mod plausibility;
mod policy;
mod preferences;
mod price_marks;
pub mod product;
mod reading;
mod recent_crawls;
mod recurrence;
mod report;
mod report_format;
mod report_info;
mod report_period;
pub mod rule;
pub mod sampling;
mod schedule;
mod series;
mod series_values;
mod share;
mod signed_link;
mod source_run;
mod state;
pub mod stats;
pub mod steps;
mod task;
pub mod thin;
mod webhook_url;

pub use access::{Role, RoleError, Scope, ScopeError, Scopes};
pub use account::{ApiKey, LinkPurpose, Session, Tenant, TokenHash, User, UserStatus, UserStatusError};
pub use address::is_public;
pub use advice_budget::{AdviceLimits, AdviceSpent};
pub use advice_request::{AdviceFailureCode, AdviceRequest, AdviceStatus, AdviceTokens};
pub use alert_message::{
    AlertMessage, MessageChart, MessageEvent, MessageFact, MessageItem, MessageKind, MessageLink, NoticeFacts,
    OutboundMessage,
};
pub use asin::{Asin, AsinError};
pub use authorization::{AuthorizationRequest, ClientGrant, ConsentTicket, grantable};
pub use availability::Availability;
pub use backoff::{Backoff, parse_retry_after};
pub use budget::{
    BudgetOwner, BudgetRefusal, OverBudget, PaidListing, Payer, Reservation, RunBudget, RunRequest, SourcePrice,
    SourceSpending, SpendingLimits, Spent, TenantSpending, reserve, reserve_items, split,
};
pub use change_rate::ChangeRate;
pub use channel::{
    AppriseTarget, AtomTarget, Channel, ChannelConfig, ChannelKind, ChannelStatus, DiscordTarget, EmailTarget,
    GotifyTarget, HomeAssistantTarget, HookTarget, Language, MatrixTarget, NtfyTarget, PushoverTarget, TelegramTarget,
    WebhookTarget,
};
pub use client::{ClientDocument, ClientDocumentError, ClientId, ClientIdError};
pub use competitor_set::{CompetitorSet, MAX_COMPETITORS};
pub use content::{Content, ContentChange, ContentDigest, ContentField};
pub use crawl_allocation::{CrawlAllocation, CrawlBudget, IntervalBounds};
pub use crawl_demand::{AdaptiveDemand, CrawlDemand};
pub use drift::{FieldCount, FieldDrift, MIN_RECENT_PAGES, drift_begins};
pub use email::{EmailAddress, EmailAddressError};
pub use event::{Delivery, DeliveryStatus, Event, EventFacts};
pub use feed_token::{FeedSecret, FeedToken, FeedTokenError};
pub use frequency::{Frequency, FrequencyError};
pub use ids::{
    AdviceRequestId, ApiKeyId, ChannelId, CompetitorSetId, DeliveryId, EventId, JobId, ListingId, MessageId, ProductId,
    ReportId, RuleId, ScheduleId, ScheduleRunId, SessionId, ShareId, TenantId, UserId,
};
pub use import_line::ImportLine;
pub use interval::{Interval, IntervalError};
pub use job::{
    CrawlTarget, ItemStatus, ItemStatusError, Job, JobCounts, JobItem, JobKind, JobKindError, JobPace, JobSpec,
    JobStatus, JobStatusError, ProductDefaults,
};
pub use judgement::{Judged, Verdict};
pub use list_url::ListUrl;
pub use listing::{Listing, ListingUrlError};
pub use listing_failure::{CrawlRecord, ListingFailure};
pub use listing_image::{ImageType, ImageUrl, ListingImage, MAX_IMAGE_BYTES};
pub use marketplace::{Marketplace, MarketplaceError, NumberFormat};
pub use money::{Currency, CurrencyError, Money};
pub use observation::{ListPriceKind, Observation, Rank, Rating};
pub use offer::{Fulfillment, Offer, OfferCondition, OfferList, SellerId, SellerIdError, is_amazon};
pub use outbox_message::{Email, MailAttachment, OutboxMessage};
pub use outcome::{Block, Failure, Outcome, OutcomeClass};
pub use page_sample::PageSample;
pub use past::Past;
pub use peak_hours::{PeakHours, PeakHoursError};
pub use pkce::PkceChallenge;
pub use plausibility::Held;
pub use policy::{Day, Digest, DuringQuiet, Gate, HeldFor, Policy, QuietHours, SentSoFar, WallTime};
pub use preferences::{DashboardLanguage, MAX_VIEWS, Preferences, PreferencesPatch, SavedView, Theme};
pub use price_marks::PriceMarks;
pub use product::{Product, ProductSettings, ProductStatus, ProductStatusError};
pub use reading::Reading;
pub use recent_crawls::{RecentCrawl, RecentCrawls};
pub use recurrence::{CronTimes, Recurrence, RecurrenceError};
pub use report::{ReportOutput, ReportSpec, ReportSubject, ReportTopic, ReportTopicError};
pub use report_format::{ReportFormat, ReportFormatError};
pub use report_info::ReportInfo;
pub use report_period::{MAX_REPORT_DAYS, ReportPeriod, ReportPeriodError, ReportWindow};
pub use rule::{Condition, Crossing, Rule, RuleScope, RuleSettings, RuleState, Severity};
pub use schedule::{Overrun, RunResult, Schedule, ScheduleRun, ScheduleSettings};
pub use series::{Point, PointValue, Series, SeriesError, SeriesKey};
pub use share::{Share, SharedParts};
pub use signed_link::{LINK_KEY, LinkAction, LinkTarget, address_proof, read_link, sign_link};
pub use source_run::{JobStep, OpenedListRun, OpenedRuns, RunEnd, SourceRun};
pub use state::ListingState;
pub use task::{Task, TaskItem};
pub use webhook_url::{WebhookUrl, WebhookUrlError};
