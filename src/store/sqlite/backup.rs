//! A copy of the file, taken while others read and write it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::config::DatabaseSettings;
use crate::store::{Engine, StoreError, StoreResult};

/// Writes a snapshot of an SQLite store to a new file, completely or not at all. A daemon may continue to write meanwhile.
///
/// # Errors
/// [`StoreError::Schema`] for another engine, [`StoreError::Unavailable`] when the file cannot be created or exists already, and
/// errors of the database.
pub async fn back_up(settings: &DatabaseSettings, to: &Path) -> StoreResult<()> {
    if Engine::of(settings)? != Engine::Sqlite {
        return Err(StoreError::Schema("a server is backed up by pg_dump".to_owned()));
    }
    let partial = to.with_added_extension("part");
    let copied = copy(settings, to, &partial).await;
    if copied.is_err() {
        // It may not exist.
        let _ = fs::remove_file(&partial);
    }
    copied
}

async fn copy(settings: &DatabaseSettings, to: &Path, partial: &Path) -> StoreResult<()> {
    let no_file = |error: io::Error| StoreError::Unavailable(error.into());
    // Empty, and readable by its owner only: it will hold secrets.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(no_file)?;
    let options: SqliteConnectOptions = settings.url.reveal().parse().map_err(StoreError::Refused)?;
    // Not read-only: such a connection would leave its files behind if no other process has the database open.
    let mut conn = options.disable_statement_logging().connect().await?;
    let name = partial.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO $1").bind(name).execute(&mut conn).await?;
    conn.close().await?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(no_file)?;
    // A rename would replace another backup.
    fs::hard_link(partial, to).and_then(|()| fs::remove_file(partial)).map_err(no_file)
}
