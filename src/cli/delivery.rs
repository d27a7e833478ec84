//! `delivery`: deliveries of webhooks.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::DatabaseArgs;
use super::user::{on_store, settings_of};
use crate::domain::DeliveryId;

#[derive(Debug, Args)]
pub(super) struct DeliveryArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: DeliveryAction,
}

#[derive(Debug, Subcommand)]
enum DeliveryAction {
    /// Send a dead delivery of any tenant again.
    Retry {
        /// The id of the delivery, as `GET /api/v1/alerts/events` shows it.
        id: DeliveryId,
    },
}

pub(super) fn run(folder: &Path, args: DeliveryArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(folder, args.database)?;
    let DeliveryAction::Retry { id } = args.action;
    on_store(&settings, async |store, _| {
        if !store.retry_delivery(None, id).await? {
            bail!("{id}: no dead delivery with this id, or its alert was deleted");
        }
        Ok(format!("delivery {id} is pending again\n"))
    })
}
