//! `listing`: failing and parked listings.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::DatabaseArgs;
use super::table::rows_of;
use super::user::{on_store, settings_of};
use crate::domain::{Asin, Listing, ListingId, Marketplace};
use crate::keepa::domain_of;
use crate::store::{FailingListing, SharedStore};

const BATCH_ROWS: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct ListingArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: ListingAction,
}

#[derive(Debug, Subcommand)]
enum ListingAction {
    /// Show the listings of all tenants that fail: reason, attempts and next attempt.
    Failing {
        /// Only on this marketplace: com, co.uk, de, …
        #[arg(long)]
        marketplace: Option<Marketplace>,
    },
    /// Fetch the past of a listing again from Keepa, by the running daemon.
    RefetchHistory {
        /// com, co.uk, de, …
        marketplace: Marketplace,
        /// The ASIN.
        asin: Asin,
    },
    /// Release a parked listing: it is due immediately, and its attempt count is reset.
    Release {
        /// com, co.uk, de, …
        marketplace: Marketplace,
        /// The ASIN.
        asin: Asin,
    },
}

pub(super) fn run(folder: &Path, args: ListingArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(folder, args.database)?;
    on_store(&settings, async |store, _| match args.action {
        ListingAction::Failing { marketplace } => failing(&store, marketplace).await,
        ListingAction::RefetchHistory { marketplace, asin } => {
            refetch_history(&store, Listing::new(marketplace, asin)).await
        }
        ListingAction::Release { marketplace, asin } => release(&store, Listing::new(marketplace, asin)).await,
    })
}

/// A listing as it is named for people, and its row.
async fn named(store: &SharedStore, listing: Listing) -> anyhow::Result<(String, ListingId)> {
    let name = format!("{} on {}", listing.asin, listing.marketplace);
    let listing_id = store.listing_id(listing).await.with_context(|| name.clone())?;
    Ok((name, listing_id))
}

async fn refetch_history(store: &SharedStore, listing: Listing) -> anyhow::Result<String> {
    if domain_of(listing.marketplace).is_none() {
        bail!("{}: Keepa does not watch this marketplace", listing.marketplace);
    }
    let (name, listing_id) = named(store, listing).await?;
    if !store.refetch_history(listing_id).await? {
        bail!("{name}: its past is being fetched");
    }
    Ok(format!("the past of {name} is fetched again, if keepa.enabled is true\n"))
}

async fn release(store: &SharedStore, listing: Listing) -> anyhow::Result<String> {
    let (name, listing_id) = named(store, listing).await?;
    if !store.unpark(listing_id).await? {
        bail!("{name}: the listing is not parked, or no active product watches it");
    }
    Ok(format!("{name} is due now\n"))
}

async fn failing(store: &SharedStore, marketplace: Option<Marketplace>) -> anyhow::Result<String> {
    let header = ["MARKETPLACE", "ASIN", "REASON", "FAILURES", "ATTEMPTS", "SINCE", "NEXT ATTEMPT", "EXPLANATION"];
    let mut rows = vec![header.map(str::to_owned)];
    let mut after = ListingId(0);
    loop {
        let page = store.failing_listings(marketplace, after, BATCH_ROWS).await?;
        let Some(last) = page.last() else { break };
        after = last.listing_id;
        rows.extend(page.into_iter().map(row));
    }
    Ok(if rows.len() == 1 { "no listing fails\n".to_owned() } else { rows_of(&rows) })
}

fn row(FailingListing { listing, failure, .. }: FailingListing) -> [String; 8] {
    let time = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}"));
    [
        listing.marketplace.to_string(),
        listing.asin.to_string(),
        failure.reason,
        failure.consecutive_failures.to_string(),
        failure.attempts.to_string(),
        time(failure.last_success_at).unwrap_or_else(|| "never observed".to_owned()),
        time(failure.next_attempt_at).unwrap_or_else(|| "parked".to_owned()),
        failure.explanation.to_owned(),
    ]
}
