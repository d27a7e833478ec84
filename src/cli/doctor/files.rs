//! Folders: may they be written, and is there room?

use std::path::{Path, PathBuf};

use super::report::{Finding, Report};
use crate::config::Settings;
use crate::store::sqlite_file;

const MIB: u64 = 1024 * 1024;
/// A day of an installation with many listings, and room to vacuum.
const WARN_BELOW: u64 = 1024 * MIB;
/// SQLite needs it for its log, spreadsheets for their rows.
const FAIL_BELOW: u64 = 64 * MIB;

/// The folder of the database file, and that of temporary files, which exports use.
pub(super) fn check(settings: &Settings, report: &mut Report) {
    let data = sqlite_file(&settings.database).map(|file| file.parent().map_or_else(PathBuf::new, Path::to_path_buf));
    match data {
        Some(folder) => report.add(folder_of("disk/data", &folder)),
        None => report.add(Finding::skipped("disk/data", "this process keeps no files of its own")),
    }
    report.add(folder_of("disk/temporary", &std::env::temp_dir()));
}

fn folder_of(check: &'static str, folder: &Path) -> Finding {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // A folder that is missing is created at the first start.
    let Some(existing) = folder.ancestors().map(or_here).find(|ancestor| ancestor.is_dir()) else {
        return Finding::fault(check, format!("{} does not exist", folder.display()), "create the folder");
    };
    if let Err(error) = write_probe(existing) {
        return Finding::fault(
            check,
            format!("{} cannot be written: {error}", existing.display()),
            "give the user of the daemon write permission on the folder, or mount it writable",
        );
    }
    let free = match rustix::fs::statvfs(existing) {
        Ok(volume) => volume.f_bavail.saturating_mul(volume.f_frsize),
        Err(error) => {
            let detail = format!("{} is writable; free space unknown: {error}", existing.display());
            return Finding::ok(check, detail);
        }
    };
    let detail = format!("{} is writable, {} MB free", existing.display(), free / MIB);
    match free {
        free if free < FAIL_BELOW => {
            Finding::fault(check, detail, "free disk space, or move the folder to a larger volume")
        }
        free if free < WARN_BELOW => {
            Finding::warning(check, detail, "free disk space, or shorten the periods of `[retention]`")
        }
        _ => Finding::ok(check, detail),
    }
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Writes and removes a file: permissions alone do not tell about read-only volumes.
fn write_probe(folder: &Path) -> std::io::Result<()> {
    let file = folder.join(format!(".amazon-tracker-doctor-{}", std::process::id()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&file);
    let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, b"probe"));
    let removed = std::fs::remove_file(&file);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_judged_by_the_one_it_will_be_created_in_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let found = format!("{:?}", folder_of("disk/data", &folder.path().join("new/deeper")));
        assert!(found.contains("is writable"), "{found}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
