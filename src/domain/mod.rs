//! Pure types and rules of the trade: no I/O, no async, no clock of its own. Imports nothing of ours.

mod asin;
mod availability;
mod ids;
mod listing;
mod marketplace;
mod money;
pub mod numbers;
mod observation;
mod outcome;

pub use asin::{Asin, AsinError};
pub use availability::Availability;
pub use ids::{DeliveryId, EventId, ListingId, ProductId, RuleId, TaskId, TenantId};
pub use listing::{Listing, ListingUrlError};
pub use marketplace::{Marketplace, MarketplaceError, NumberFormat};
pub use money::{Currency, CurrencyError, Money};
pub use observation::{Observation, Rank, Rating, Reading};
pub use outcome::{Block, Failure, Outcome};
