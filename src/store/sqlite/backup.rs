//! A copy of the file, taken while others read and write it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::config::DatabaseSettings;
use crate::store::{Engine, StoreError, StoreResult};

/// Writes what an SQLite store holds at this moment to a new file, which is there whole or not at all. A daemon may go
/// on writing meanwhile.
///
/// # Errors
/// [`StoreError::Schema`] for another engine, [`StoreError::Unavailable`] when a file cannot be made or is there
/// already, and whatever the database says.
pub async fn back_up(settings: &DatabaseSettings, to: &Path) -> StoreResult<()> {
    if Engine::of(settings)? != Engine::Sqlite {
        return Err(StoreError::Schema("a server is backed up by pg_dump".to_owned()));
    }
    let in_the_making = to.with_added_extension("part");
    let copied = copy(settings, to, &in_the_making).await;
    if copied.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&in_the_making);
    }
    copied
}

async fn copy(settings: &DatabaseSettings, to: &Path, in_the_making: &Path) -> StoreResult<()> {
    let no_file = |error: io::Error| StoreError::Unavailable(error.into());
    // Empty, and for nobody else: it will hold secrets.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(in_the_making).map_err(no_file)?;
    let options: SqliteConnectOptions = settings.url.reveal().parse().map_err(StoreError::Refused)?;
    // Not for reading only: such a connection would leave its files beside a database that nobody else has open.
    let mut conn = options.disable_statement_logging().connect().await?;
    let name = in_the_making.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO $1").bind(name).execute(&mut conn).await?;
    conn.close().await?;
    File::open(in_the_making).and_then(|file| file.sync_all()).map_err(no_file)?;
    // Not a renaming, which would replace another backup.
    fs::hard_link(in_the_making, to).and_then(|()| fs::remove_file(in_the_making)).map_err(no_file)
}
