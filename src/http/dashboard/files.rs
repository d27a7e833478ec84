//! The files of the dashboard, as they are in `src/web`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files by their names, as they were when the program was built.
        const FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../../web/", $name)))),*];
    };
}

files! {
    "app.css",
    "app/action.js",
    "app/api.js",
    "app/base.js",
    "app/conditions.js",
    "app/dialog.js",
    "app/dom.js",
    "app/enter.js",
    "app/form.js",
    "app/format.js",
    "app/i18n.js",
    "app/keys.js",
    "app/list.js",
    "app/live.js",
    "app/main.js",
    "app/notice.js",
    "app/parts.js",
    "app/preferences.js",
    "app/router.js",
    "app/state.js",
    "chart/chart.js",
    "chart/crosshair.js",
    "chart/scale.js",
    "chart/spark.js",
    "chart/steps.js",
    "chart/table.js",
    "forms.json",
    "i18n/de.json",
    "i18n/en.json",
    "i18n/ja.json",
    "i18n/pt.json",
    "icon.svg",
    "icons.svg",
    "index.html",
    "manifest.json",
    "pages/add.js",
    "pages/alert-builder.js",
    "pages/alerts.js",
    "pages/alerts.json",
    "pages/board-bulk.js",
    "pages/board-filters.js",
    "pages/board-list.js",
    "pages/board-row.js",
    "pages/board.js",
    "pages/channels.js",
    "pages/entry.js",
    "pages/first-run.js",
    "pages/insight-list.js",
    "pages/picture.js",
    "pages/product-advice.js",
    "pages/product-competitors.js",
    "pages/product-content.js",
    "pages/product-edit.js",
    "pages/product-sections.js",
    "pages/product.js",
    "pages/schedules.js",
    "pages/settings.js",
    "pages/share.js",
    "pages/system.js",
    "pages/verdict.js",
    "pages/work.js",
}

/// The hash of all files.
static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (name, bytes) in FILES {
        hash.update(name);
        hash.update(bytes);
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
});

/// The compressed files, in their order.
static COMPRESSED: LazyLock<Vec<Bytes>> = LazyLock::new(|| FILES.iter().map(|(_, bytes)| gzip(bytes)).collect());

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map(Bytes::from).unwrap_or_default()
}

/// The folder that the files are served below.
pub(super) fn folder() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { &FOLDER }
}

/// These modules and all that they import, each once.
pub(super) fn with_imports(modules: &[&'static str]) -> Vec<&'static str> {
    let (mut found, mut next) = (Vec::new(), modules.to_vec());
    while let Some(module) = next.pop() {
        if !found.contains(&module) {
            found.push(module);
            next.extend(IMPORTS.get(module).into_iter().flatten());
        }
    }
    found
}

/// What each module imports, as it was when the program was built.
static IMPORTS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let scripts = FILES.iter().filter(|(name, _)| name.ends_with(".js"));
    scripts.map(|(name, bytes)| (*name, imports(name, &String::from_utf8_lossy(bytes)))).collect()
});

/// The files that a module names after `from`, relative to its folder.
fn imports(module: &str, text: &str) -> Vec<&'static str> {
    let folder = module.rsplit_once('/').map_or("", |(folder, _)| folder);
    let named = text.split(" from \"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(path, _)| path);
    let resolved = named.map(|path| match path.strip_prefix("../") {
        Some(elsewhere) => elsewhere.to_owned(),
        None => format!("{folder}/{}", path.trim_start_matches("./")),
    });
    resolved.filter_map(|path| FILES.iter().map(|(name, _)| *name).find(|name| *name == path)).collect()
}

/// The file with this name.
pub(super) fn find(name: &str) -> Option<File> {
    let at = FILES.iter().position(|(known, _)| *known == name)?;
    Some(File { at })
}

/// One of the files.
#[derive(Clone, Copy)]
pub(super) struct File {
    at: usize,
}

impl File {
    /// Its name changes with its content, except in debug builds.
    pub(super) const CACHING: &'static str =
        if cfg!(debug_assertions) { "no-store" } else { "public, max-age=31536000, immutable" };

    pub(super) fn content_type(self) -> &'static str {
        match FILES[self.at].0.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/json",
        }
    }

    /// In debug builds, as it is on the disk now.
    fn content(self) -> Cow<'static, [u8]> {
        let (name, built) = FILES[self.at];
        if cfg!(debug_assertions)
            && let Ok(bytes) = std::fs::read(format!("{}/src/web/{name}", env!("CARGO_MANIFEST_DIR")))
        {
            return Cow::Owned(bytes);
        }
        Cow::Borrowed(built)
    }

    pub(super) fn bytes(self) -> Bytes {
        match self.content() {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        }
    }

    pub(super) fn text(self) -> String {
        String::from_utf8_lossy(&self.content()).into_owned()
    }

    /// `None` in debug builds, where files change.
    pub(super) fn compressed(self) -> Option<Bytes> {
        (!cfg!(debug_assertions)).then(|| COMPRESSED[self.at].clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn names_below(folder: &Path, prefix: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .flat_map(|entry| {
                let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
                match entry.path().is_dir() {
                    true => names_below(&entry.path(), &format!("{name}/")),
                    false => BTreeSet::from([name]),
                }
            })
            .collect()
    }

    #[test]
    fn every_file_is_served() {
        let there = names_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"), "");
        assert_eq!(there, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
}
