//! `migrate-store`: copies an SQLite database to PostgreSQL.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::table::rows_of;
use super::{Flags, prepare, print_result, progress};
use crate::config::{DatabaseSettings, Secret};
use crate::store::{self, MigrationProgress};

#[derive(Debug, Args)]
pub(super) struct MigrateStoreArgs {
    /// The SQLite database (`sqlite://PATH`). No process may have it open. It is not changed.
    #[arg(long)]
    from: String,
    /// The PostgreSQL database (`postgres://…`), with an empty schema; default: DATABASE_URL.
    #[arg(long)]
    to: Option<String>,
}

pub(super) fn run(folder: &Path, args: MigrateStoreArgs) -> anyhow::Result<ExitCode> {
    let to = prepare(folder, Flags::default().with("database.url", args.to))?.database;
    let from = DatabaseSettings { url: Secret::from(args.from), ..to.clone() };
    let bar = progress::bar(Some(0), "rows");
    let show = |progress: MigrationProgress| {
        bar.set_length(progress.total_rows);
        bar.set_position(progress.rows);
    };
    let moved = tokio::runtime::Runtime::new()?.block_on(store::migrate_store(&from, &to, show));
    bar.finish_and_clear();
    let moved = moved?;
    let heading = ["table", "rows", "checksum"].map(str::to_owned);
    let rows = moved
        .iter()
        .map(|table| [table.name.to_owned(), table.checksum.rows.to_string(), table.checksum.checksum.to_string()]);
    let table = rows_of(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    print_result(&format!("{table}all tables were copied; the checksums match\n"))
}
