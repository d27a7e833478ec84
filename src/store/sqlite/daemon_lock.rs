//! Notices a second daemon on the same file. SQLite itself lets several processes write in turn.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::database_file;
use crate::config::DatabaseSettings;

/// Held for the life of a daemon. A file of its own beside the database, because closing any handle of the database
/// would end SQLite's locks.
#[derive(Debug)]
pub struct DaemonLock(#[expect(dead_code, reason = "closing the file ends the lock")] Option<File>);

impl DaemonLock {
    /// Takes the lock. `None` if another process holds it. Where files cannot be locked, nobody is noticed.
    pub fn take(settings: &DatabaseSettings) -> Option<Self> {
        let file = database_file(settings).and_then(|file| {
            let mut path = file.into_os_string();
            path.push(".lock");
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(PathBuf::from(path)).ok()
        });
        let is_held = |file: &File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if file.as_ref().is_some_and(is_held) { None } else { Some(Self(file)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_second_daemon_is_noticed_and_a_database_in_memory_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = Secret::from(format!("sqlite://{}", folder.path().join("tracker.sqlite").display()));
        let settings = |url: Secret| DatabaseSettings { url, ..DatabaseSettings::default() };
        let first = DaemonLock::take(&settings(file.clone())).unwrap();
        assert!(DaemonLock::take(&settings(file.clone())).is_none());
        drop(first);
        assert!(DaemonLock::take(&settings(file)).is_some());
        let memory = settings(Secret::from("sqlite::memory:".to_owned()));
        let (_one, _two) = (DaemonLock::take(&memory).unwrap(), DaemonLock::take(&memory).unwrap());
    }
}
