//! `backup`: a copy of an SQLite database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::{DatabaseArgs, Flags, prepare};
use crate::store;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The file to create.
    #[arg(long)]
    to: PathBuf,
}

pub(super) fn run(folder: &Path, args: BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = prepare(folder, Flags::default().with("database.url", args.database.database_url))?;
    let backup = store::back_up(&settings.database, &args.to);
    tokio::runtime::Runtime::new()?.block_on(backup).with_context(|| args.to.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
