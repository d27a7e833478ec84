use std::time::{Duration, Instant};

use amazon_tracker::domain::Marketplace;
use amazon_tracker::sources::simulated::{Answer, Fault, FaultRates, SimulatedSettings, Truth};
use reqwest::StatusCode;

use crate::market::{Market, listing, start};

fn answers(market: &Market) -> Vec<Answer> {
    let served = |what| match what {
        Truth::Served { answer, .. } => Some(answer),
        Truth::Change { .. } => None,
    };
    market.running.truth(0).into_iter().filter_map(|line| served(line.what)).collect()
}

#[tokio::test]
async fn faults_occur_at_their_rates_and_are_logged() {
    let faults = FaultRates { captcha: 0.1, unavailable: 0.2, truncate: 0.1, slow: 0.0 };
    let market = start(SimulatedSettings { faults, page_kb: 0, ..SimulatedSettings::default() }).await;
    let mut seen = Vec::new();
    for _ in 0..300 {
        let response = market.get(listing(Marketplace::Us, 0)).await;
        let status = response.status();
        seen.push(match response.text().await {
            Err(_) => Answer::Truncated,
            Ok(_) if status == StatusCode::SERVICE_UNAVAILABLE => Answer::Unavailable,
            Ok(text) if text.contains("/errors/validateCaptcha") => Answer::Captcha,
            Ok(text) => {
                assert!(text.contains("productTitle") && text.trim_end().ends_with("</html>"));
                Answer::Page
            }
        });
    }
    assert_eq!(seen, answers(&market));
    let count = |wanted| seen.iter().filter(|answer| **answer == wanted).count();
    for (answer, expected) in [(Answer::Captcha, 30), (Answer::Unavailable, 60), (Answer::Truncated, 30)] {
        assert!(count(answer).abs_diff(expected) <= 18, "{answer:?}: {}", count(answer));
    }
}

#[tokio::test]
async fn reading_a_truncated_page_is_an_error() {
    let market = start(SimulatedSettings { compress: false, ..SimulatedSettings::default() }).await;
    market.running.fail_next(1, Fault::Truncated);
    let mut response = market.get(listing(Marketplace::Us, 0)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut received = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => received += chunk.len(),
            Ok(None) => panic!("the body ended without an error"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert!((5_000..10_000).contains(&received), "{received}");
}

#[tokio::test]
async fn a_compressed_page_can_be_truncated_too() {
    let market = start(SimulatedSettings::default()).await;
    market.running.fail_next(1, Fault::Truncated);
    let path = format!("/dp/{}", listing(Marketplace::Us, 0).asin);
    let request = market.client.get(market.url(&path)).header("accept-encoding", "gzip");
    assert!(request.send().await.unwrap().bytes().await.is_err());
}

#[tokio::test]
async fn a_slow_page_is_complete_and_delayed() {
    let slow_for = Duration::from_millis(300);
    let market = start(SimulatedSettings { slow_for, ..SimulatedSettings::default() }).await;
    market.running.fail_next(1, Fault::Slow);
    let requested_at = Instant::now();
    assert!(market.page(listing(Marketplace::Us, 0)).await.price.is_some());
    assert!(requested_at.elapsed() >= slow_for);
}

#[tokio::test]
async fn captchas_have_both_forms() {
    let faults = FaultRates { captcha: 1.0, ..FaultRates::default() };
    let market = start(SimulatedSettings { faults, ..SimulatedSettings::default() }).await;
    let mut with_image = Vec::new();
    for _ in 0..4 {
        let text = market.get(listing(Marketplace::Us, 0)).await.text().await.unwrap();
        assert!(text.contains("api-services-support@amazon.com") && !text.contains("productTitle"));
        with_image.push(text.contains("captchacharacters"));
    }
    assert_eq!(with_image, [true, false, true, false]);
}

#[tokio::test]
async fn a_missing_listing_is_not_found_unless_the_request_is_refused() {
    let missing = listing(Marketplace::Us, 0);
    let market = start(SimulatedSettings { missing: vec![missing.asin], ..SimulatedSettings::default() }).await;
    assert_eq!(market.get(missing).await.status(), StatusCode::NOT_FOUND);
    market.running.fail_next(1, Fault::Unavailable);
    assert_eq!(market.get(missing).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answers(&market), [Answer::NotFound, Answer::Unavailable]);
}
