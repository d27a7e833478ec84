//! `migrate`: migrates the database schema.

use std::path::Path;
use std::process::ExitCode;

use super::{DatabaseArgs, Flags, prepare};
use crate::store::{self, StoreClock};

pub(super) fn run(folder: &Path, args: DatabaseArgs) -> anyhow::Result<ExitCode> {
    let settings = prepare(folder, Flags::default().with("database.url", args.database_url))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let store = store::open(&settings.database, StoreClock::real()).await?;
        store.migrate().await?;
        store.close().await;
        println!("the schema is up to date");
        Ok(ExitCode::SUCCESS)
    })
}
