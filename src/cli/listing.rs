//! `listing`: parked listings.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::DatabaseArgs;
use super::user::{on_store, settings_of};
use crate::domain::{Asin, Listing, Marketplace};

#[derive(Debug, Args)]
pub(super) struct ListingArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: ListingAction,
}

#[derive(Debug, Subcommand)]
enum ListingAction {
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
    let ListingAction::Release { marketplace, asin } = args.action;
    on_store(&settings, async |store, _| {
        let name = format!("{asin} on {marketplace}");
        let found = store.listing_id(Listing::new(marketplace, asin)).await;
        let listing_id = found.with_context(|| name.clone())?;
        if !store.unpark(listing_id).await? {
            bail!("{name}: the listing is not parked, or no active product watches it");
        }
        Ok(format!("{name} is due now\n"))
    })
}
