//! Pure types and rules of the trade: no I/O, no async, no clock of its own. Imports nothing of ours.

mod asin;
mod availability;
mod event;
mod frequency;
mod ids;
mod listing;
mod marketplace;
mod money;
pub mod numbers;
mod observation;
mod outcome;
mod plausibility;
mod product;
pub mod rule;
mod series;
mod state;
pub mod stats;
mod task;

pub use asin::{Asin, AsinError};
pub use availability::Availability;
pub use event::{Delivery, DeliveryStatus, Event, EventFacts};
pub use frequency::{Frequency, FrequencyError};
pub use ids::{DeliveryId, EventId, ListingId, ProductId, RuleId, TaskId, TenantId};
pub use listing::{Listing, ListingUrlError};
pub use marketplace::{Marketplace, MarketplaceError, NumberFormat};
pub use money::{Currency, CurrencyError, Money};
pub use observation::{Observation, Rank, Rating, Reading};
pub use outcome::{Block, Failure, Outcome};
pub use plausibility::Held;
pub use product::{Product, ProductSettings, ProductStatus, ProductStatusError};
pub use rule::{Arming, Condition, Crossing, Rule};
pub use series::{Point, PointValue, Series, SeriesError, SeriesKey};
pub use state::{Judged, ListingState, Verdict};
pub use task::{Task, TaskItem, TaskStatus};
