//! Addresses of listings in any text: no panic, and what is read is a listing whose own URL leads to it.
#![no_main]

use amazon_tracker_fuzz::domain::{Asin, Listing, WebhookUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(listing) = Listing::from_url(text) {
        assert_eq!(Listing::from_url(&listing.url()), Ok(listing), "{text:?}");
    }
    if let Ok(asin) = text.parse::<Asin>() {
        assert_eq!(asin.to_string().parse(), Ok(asin), "{text:?}");
    }
    let _ = WebhookUrl::parse(text, false);
});
