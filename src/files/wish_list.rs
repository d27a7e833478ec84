//! A saved page of an Amazon wish list: its items are the links of product pages that name the list (`colid=`).

use std::collections::BTreeSet;

use memchr::memmem;

use super::file_line::FileLine;
use crate::domain::{Asin, ImportLine, Marketplace};

/// A link that is cut by the end of a chunk is complete with so many bytes of the next one.
const MAX_LINK_BYTES: usize = 2048;
/// Lists show ten items at first; who saves a page has scrolled.
const MAX_ITEMS: usize = 10_000;

/// The items of a page, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct WishList {
    /// The end of the page so far, in which a link may have begun.
    rest: Vec<u8>,
    marketplace: Option<Marketplace>,
    seen: BTreeSet<Asin>,
    items: Vec<Asin>,
}

impl WishList {
    pub fn push(&mut self, chunk: &[u8]) {
        self.rest.extend_from_slice(chunk);
        let keep = self.rest.len().saturating_sub(MAX_LINK_BYTES);
        self.scan(keep);
        self.rest.drain(..keep);
    }

    pub fn finish(mut self) -> Vec<FileLine> {
        self.scan(self.rest.len());
        let marketplace = self.marketplace.map(|marketplace| marketplace.code().to_owned());
        let line = |(n, asin): (usize, &Asin)| {
            let (listing, marketplace) = (asin.to_string(), marketplace.clone());
            let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
            FileLine { number, content: Ok(ImportLine { listing, marketplace, ..ImportLine::default() }) }
        };
        self.items.iter().enumerate().map(line).collect()
    }

    /// Takes the links that begin before `end`.
    fn scan(&mut self, end: usize) {
        if self.marketplace.is_none() {
            let hosts = memmem::find_iter(&self.rest, b"//www.amazon.").filter(|at| *at < end);
            self.marketplace = hosts.filter_map(|at| marketplace_at(&self.rest[at + 2..])).next();
        }
        for at in memmem::find_iter(&self.rest, b"/dp/").filter(|at| *at < end) {
            let found = item_at(&self.rest[at + 4..]);
            if let Some(asin) = found.filter(|_| self.items.len() < MAX_ITEMS)
                && self.seen.insert(asin)
            {
                self.items.push(asin);
            }
        }
    }
}

fn marketplace_at(bytes: &[u8]) -> Option<Marketplace> {
    let end = bytes.iter().position(|byte| !(byte.is_ascii_alphabetic() || *byte == b'.'))?;
    Marketplace::from_host(std::str::from_utf8(&bytes[..end]).ok()?)
}

/// The ASIN of a link, if the rest of the link names a list.
fn item_at(bytes: &[u8]) -> Option<Asin> {
    let link = &bytes[..bytes.len().min(MAX_LINK_BYTES - 4)];
    let link = &link[..link.iter().position(|byte| matches!(byte, b'"' | b'\'' | b'<' | b'>')).unwrap_or(link.len())];
    memmem::find(link, b"colid=")?;
    std::str::from_utf8(link.get(..10)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = br#"<!doctype html><html><head><link rel="canonical" href="https://www.amazon.co.uk/hz/wishlist/ls/2X"></head>
        <li data-itemid="I1"><a id="itemName_I1" title="Dot" href="/Echo/dp/B07FZ8S74R/?coliid=I1&amp;colid=2X&amp;psc=1">Dot</a>
        <a href="/dp/B07FZ8S74R/?coliid=I1&amp;colid=2X">picture</a>
        <a href="/dp/B000000000?ref=recommended">not of the list</a>
        <a href="/dp/B111111111/ref=lv?_encoding=UTF8&coliid=I2&colid=2X">second</a></html>"#;

    fn items(chunk: usize) -> Vec<(String, Option<String>)> {
        let mut page = WishList::default();
        PAGE.chunks(chunk).for_each(|chunk| page.push(chunk));
        let line = |line: FileLine| line.content.map(|line| (line.listing, line.marketplace)).unwrap();
        page.finish().into_iter().map(line).collect()
    }

    #[test]
    fn each_item_is_found_once_and_other_links_are_not_items() {
        let uk = Some("co.uk".to_owned());
        for chunk in [1, 7, 1000, 10_000] {
            assert_eq!(items(chunk), [("B07FZ8S74R".into(), uk.clone()), ("B111111111".into(), uk.clone())]);
        }
    }
}
