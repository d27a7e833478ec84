//! Beginnings of pages that could not be used.

use std::sync::{Arc, Mutex};

use amazon_tracker::domain::{Failure, Outcome};
use amazon_tracker::sources::{TakeSamples, UnusablePage};

use crate::server::{Server, answer};
use crate::{fetch, listing, page, price_minor, source};

const MAX_BYTES: usize = 4096;

#[derive(Default)]
struct Taken(Mutex<Vec<UnusablePage>>);

impl TakeSamples for Taken {
    fn max_bytes(&self) -> usize {
        MAX_BYTES
    }

    fn take(&self, page: UnusablePage) {
        self.0.lock().unwrap().push(page);
    }
}

/// The outcome of a page, and what was taken of it.
async fn crawled(body: &str) -> (Outcome, Vec<UnusablePage>) {
    let server = Server::always(answer("200 OK", &[], body.as_bytes())).await;
    let taken = Arc::new(Taken::default());
    let outcome = fetch(&source(&server).with_samples(Arc::clone(&taken) as Arc<_>)).await;
    let pages = taken.0.lock().unwrap().clone();
    (outcome, pages)
}

#[tokio::test]
async fn the_beginning_of_a_page_of_another_product_is_handed_on() {
    let body = page().replace(listing().asin.as_str(), "B0DIRECT02");
    let (outcome, taken) = crawled(&body).await;
    assert_eq!(outcome, Outcome::Failed(Failure::WrongListing));
    let expected = UnusablePage {
        source: "direct",
        listing: listing(),
        outcome: "failed_wrong_listing",
        beginning: body.as_bytes()[..MAX_BYTES].to_vec(),
        page_bytes: taken[0].page_bytes,
    };
    assert_eq!(taken, [expected]);
    assert!(taken[0].page_bytes > MAX_BYTES as u64);
}

#[tokio::test]
async fn nothing_is_taken_of_a_page_that_could_be_used_nor_of_a_captcha() {
    let (outcome, taken) = crawled(&page()).await;
    assert_eq!((price_minor(&outcome), taken.len()), (Some(123_456), 0));
    let captcha = format!("<form action=\"/errors/validateCaptcha\">{}</form>", "x".repeat(MAX_BYTES));
    let (outcome, taken) = crawled(&captcha).await;
    assert!(matches!(outcome, Outcome::Blocked(_)), "{outcome:?}");
    assert!(taken.is_empty());
}
