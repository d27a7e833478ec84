//! Malformed and malicious input: no panic, no unbounded memory, no invented data.

use amazon_tracker::extract::{ExtractError, Extractor, PageContext, PageKind, extract};
use proptest::prelude::*;

#[test]
fn a_tag_of_many_megabytes_exceeds_the_memory_limit() {
    let mut extractor = Extractor::new(PageContext::default());
    extractor.feed(b"<html><div class='").expect("the beginning is valid");
    let chunk = vec![b'x'; 64 * 1024];
    let failed = (0..1024).find_map(|_| extractor.feed(&chunk).err());
    assert!(matches!(failed, Some(ExtractError::OutOfMemory)), "{failed:?}");
}

#[test]
fn deep_nesting_exceeds_the_memory_limit_or_is_read() {
    let mut extractor = Extractor::new(PageContext::default());
    let chunk = "<div id='availability'><b>".repeat(4096);
    let failed = (0..64).find_map(|_| extractor.feed(chunk.as_bytes()).err());
    assert!(matches!(failed, None | Some(ExtractError::OutOfMemory)), "{failed:?}");
    assert_eq!(extractor.finish().price_minor, None);
}

#[test]
fn an_extractor_is_send() {
    fn is_send<T: Send + 'static>(_: T) {}
    is_send(Extractor::new(PageContext::default()));
}

#[test]
fn endless_text_uses_bounded_memory() {
    let mut extractor = Extractor::new(PageContext::default());
    extractor.feed(b"<html><body><span id='productTitle'>").expect("the beginning is valid");
    let chunk = "long ".repeat(10_000);
    for _ in 0..200 {
        extractor.feed(chunk.as_bytes()).expect("text is not buffered by the parser");
    }
    assert!(extractor.finish().title.is_none_or(|title| title.len() < 100_000));
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_are_never_a_product(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let page = extract(&bytes, PageContext::default()).expect("the input is small");
        prop_assert!(page.kind != PageKind::Product);
    }

    #[test]
    fn a_damaged_page_never_panics(seed in any::<u64>(), which in 0usize..3) {
        let mut page = crate::pages::bytes(["com.html", "co.jp-shift_jis.html", "cn.html"][which]);
        let mut state = seed;
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (state >> 33) as usize % page.len();
            page[at] = (state >> 20) as u8;
        }
        let _ = extract(&page, PageContext::default());
    }
}
