//! A folder of saved pages, which are served unchanged by ASIN.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;

use crate::domain::{Asin, Listing, Marketplace};

/// The pages of a folder: `MARKETPLACE/ASIN.html`, `ASIN.html`, or any HTML file with the ASIN as a word of its name,
/// such as `com-b0dwdgwdfy-laptop.html`. If the name starts with a marketplace (without dots), the page is only served
/// there.
#[derive(Debug)]
pub(super) struct SavedPages {
    pages: BTreeMap<(Asin, Option<Marketplace>), Arc<SavedPage>>,
}

/// One file. It is read at the first request and then cached in memory.
#[derive(Debug)]
pub(super) struct SavedPage {
    path: PathBuf,
    bytes: OnceLock<Bytes>,
}

impl SavedPages {
    /// Indexes the pages of a folder. If several files match one listing, the first by name is used.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub(super) fn index(folder: &Path) -> io::Result<Self> {
        let mut pages = BTreeMap::new();
        for path in sorted_entries(folder)? {
            if path.is_dir() {
                let Some(site) = path.file_name().and_then(|name| name.to_str()?.parse::<Marketplace>().ok()) else {
                    continue;
                };
                for page in sorted_entries(&path)? {
                    add(&mut pages, &page, Some(site));
                }
            } else {
                add(&mut pages, &path, None);
            }
        }
        Ok(Self { pages })
    }

    /// The page of a listing: one for its marketplace, or one for all marketplaces.
    pub(super) fn find(&self, listing: Listing) -> Option<Arc<SavedPage>> {
        let bound = self.pages.get(&(listing.asin, Some(listing.marketplace)));
        bound.or_else(|| self.pages.get(&(listing.asin, None))).cloned()
    }

    /// All listings that have a page. Pages for all marketplaces are listed for amazon.com.
    pub(super) fn listings(&self) -> impl Iterator<Item = Listing> + '_ {
        self.pages.keys().map(|(asin, site)| Listing::new(site.unwrap_or(Marketplace::Us), *asin))
    }
}

impl SavedPage {
    /// The bytes of the file.
    ///
    /// # Errors
    /// The file cannot be read. The next call tries again.
    pub(super) fn bytes(&self) -> io::Result<Bytes> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes.clone());
        }
        let read = Bytes::from(std::fs::read(&self.path)?);
        Ok(self.bytes.get_or_init(|| read).clone())
    }
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn add(pages: &mut BTreeMap<(Asin, Option<Marketplace>), Arc<SavedPage>>, path: &Path, folder: Option<Marketplace>) {
    let is_html = path.extension().is_some_and(|extension| matches!(extension.to_str(), Some("html" | "htm")));
    let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_html) else { return };
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let Some(asin) = words.iter().find_map(|word| word.parse::<Asin>().ok()) else { return };
    let site = folder.or_else(|| words.first().and_then(|word| site_without_dots(word)));
    if let Entry::Vacant(place) = pages.entry((asin, site)) {
        place.insert(Arc::new(SavedPage { path: path.to_owned(), bytes: OnceLock::new() }));
    }
}

fn site_without_dots(word: &str) -> Option<Marketplace> {
    let word = word.to_ascii_lowercase();
    Marketplace::ALL.iter().copied().find(|marketplace| marketplace.code().replace('.', "") == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(pages: &SavedPages, site: &str, asin: &str) -> Option<String> {
        let page = pages.find(Listing::new(site.parse().unwrap(), asin.parse().unwrap()))?;
        Some(String::from_utf8(page.bytes().unwrap().to_vec()).unwrap())
    }

    #[test]
    fn pages_are_found_by_folder_by_file_name_and_by_word() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("de")).unwrap();
        for (file, text) in [
            ("de/B000000001.html", "of de"),
            ("B000000001.html", "of all"),
            ("couk-b000000002-someone.html", "of co.uk"),
            ("couk-b000000002-someone-2.html", "second"),
            ("notes.txt", "B000000003"),
            ("captcha.html", "no ASIN"),
        ] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let pages = SavedPages::index(folder.path()).unwrap();
        assert_eq!(page_of(&pages, "de", "B000000001").unwrap(), "of de");
        assert_eq!(page_of(&pages, "fr", "B000000001").unwrap(), "of all");
        assert_eq!(page_of(&pages, "co.uk", "B000000002").unwrap(), "second", "'-' sorts before '.'");
        assert_eq!(page_of(&pages, "de", "B000000002"), None);
        assert_eq!(page_of(&pages, "com", "B000000003"), None);
        assert_eq!(pages.listings().count(), 3);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(SavedPages::index(Path::new("/nowhere/at/all")).is_err());
    }
}
