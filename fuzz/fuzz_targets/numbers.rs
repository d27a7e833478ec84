//! Prices and counts in any text: no panic, and what is read is not negative and is read again from its own digits.
#![no_main]

use amazon_tracker_fuzz::domain::numbers::{parse_count, parse_price};
use amazon_tracker_fuzz::marketplace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (byte, text) = input;
    let marketplace = marketplace(byte);
    if let Ok(price) = parse_price(text, marketplace) {
        assert!(price.amount_minor >= 0, "{text:?} on {marketplace}: {price}");
        assert!(text.contains(char::is_numeric), "{text:?} on {marketplace} has no digit: {price}");
    }
    if let Ok(count) = parse_count(text, marketplace) {
        assert_eq!(parse_count(&count.to_string(), marketplace), Ok(count), "{text:?} on {marketplace}");
    }
});
