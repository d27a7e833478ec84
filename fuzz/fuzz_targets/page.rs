//! The extractor on any bytes: no panic, at most 64 MiB, and the same result however the page is split.
#![no_main]

use amazon_tracker_fuzz::extract::{Extractor, Page, PageContext, Progress, extract};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MAX_BYTES: usize = 64 * 1024 * 1024;

fn in_chunks(bytes: &[u8], length: usize) -> Option<Page> {
    let mut extractor = Extractor::new(PageContext::default());
    for chunk in bytes.chunks(length) {
        if extractor.feed(chunk).ok()? == Progress::Settled {
            break;
        }
    }
    Some(extractor.finish())
}

fuzz_target!(|input: &[u8]| {
    // The first byte decides how the page is split.
    let Some((length, bytes)) = input.split_first() else { return };
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let whole = extract(bytes, PageContext::default()).ok();
    let used = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(used <= MAX_BYTES, "{used} bytes of memory for a page of {} bytes", bytes.len());
    let split = in_chunks(bytes, usize::from(*length).max(1));
    let json = |page: &Option<Page>| serde_json::to_string(page).expect("a page serialises");
    assert_eq!(json(&whole), json(&split), "in chunks of {length}");
});
