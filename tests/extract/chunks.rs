//! The result must not depend on how the page was split into chunks.

use amazon_tracker::extract::{Extractor, PageContext, Progress, extract};
use proptest::prelude::*;

use crate::{corpus_folder, pages};

fn read_in_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut extractor = Extractor::new(PageContext::default());
    for chunk in chunks {
        extractor.feed(chunk).expect("the page is within the memory limit");
    }
    serde_json::to_string(&extractor.finish()).expect("a page serialises")
}

#[test]
fn every_split_of_a_small_page_gives_the_same_result() {
    for name in ["co.jp-shift_jis.html", "es-latin1.html"] {
        let page = pages::bytes(name);
        let whole = read_in_chunks([page.as_slice()]);
        for at in 0..=page.len() {
            assert_eq!(read_in_chunks([&page[..at], &page[at..]]), whole, "{name} split at {at}");
        }
    }
}

#[test]
fn a_page_that_arrives_byte_by_byte_gives_the_same_result() {
    for name in ["com.html", "ae-ar.html", "com.br.html"] {
        let page = pages::bytes(name);
        assert_eq!(read_in_chunks(page.chunks(1)), read_in_chunks([page.as_slice()]), "{name}");
    }
}

/// Splits a page at pseudo-random places into chunks of 1 byte to 16 KiB.
fn random_chunks(mut page: &[u8], mut seed: u64) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    while !page.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = 1 + (seed >> 40) as usize % 16_384;
        let (chunk, rest) = page.split_at(length.min(page.len()));
        chunks.push(chunk);
        page = rest;
    }
    chunks
}

#[test]
fn random_splits_of_real_pages_give_the_same_result() {
    let Some(corpus) = corpus_folder::folder() else { return };
    let mut files: Vec<_> = std::fs::read_dir(corpus.join("pages"))
        .expect("the corpus has pages")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    for (at, file) in files.iter().enumerate() {
        let page = std::fs::read(file).expect("a page can be read");
        let whole = read_in_chunks([page.as_slice()]);
        assert_eq!(read_in_chunks(random_chunks(&page, at as u64)), whole, "{}", file.display());
    }
}

#[test]
fn a_page_settles_before_its_end() {
    let mut page = pages::bytes("com.html");
    let whole =
        serde_json::to_string(&extract(&page, PageContext::default()).expect("it is small")).expect("it serialises");
    page.extend_from_slice("<p>More of the same.</p>".repeat(1000).as_bytes());
    let mut extractor = Extractor::new(PageContext::default());
    let settled = page.chunks(1000).position(|chunk| matches!(extractor.feed(chunk), Ok(Progress::Settled)));
    assert!(settled.is_some_and(|at| at * 1000 < 4000), "settled in chunk {settled:?}");
    assert_eq!(serde_json::to_string(&extractor.finish()).expect("it serialises"), whole);
}

proptest! {
    #[test]
    fn any_split_of_any_language_gives_the_same_result(which in 0usize..5, cuts in prop::collection::vec(0usize..4000, 0..6)) {
        let page = pages::bytes(["de.html", "cn.html", "com.tr.html", "pl.html", "fr.html"][which]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(page.len())).chain([0, page.len()]).collect();
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &page[pair[0]..pair[1]]);
        prop_assert_eq!(read_in_chunks(chunks), read_in_chunks([page.as_slice()]));
    }
}
