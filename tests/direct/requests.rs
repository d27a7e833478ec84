//! Requests, redirects, proxies, and the outcomes of responses other than a page.

use std::time::Duration;

use amazon_tracker::config::{CrawlSettings, Secret};
use amazon_tracker::domain::{Block, Failure, ListUrl, Marketplace, Outcome};
use amazon_tracker::sources::ReadLists;
use jiff::{SignedDuration, Timestamp, fmt};

use crate::server::{Answer, Server, answer};
use crate::{fetch, page, price_minor, source, source_with};

#[tokio::test]
async fn a_request_has_the_language_and_cookies_of_its_marketplace() {
    let server = Server::always(answer("200 OK", &[], page().as_bytes())).await;
    let source = source_with(&server, |settings| {
        settings.cookies.insert(Marketplace::De, Secret::from("i18n-prefs=EUR"));
        settings.cookies.insert(Marketplace::Fr, Secret::from("other=1"));
    });
    assert_eq!(price_minor(&fetch(&source).await), Some(123_456));
    let request = server.requests().remove(0);
    for line in [
        "get /dp/b0direct01 http/1.1",
        "host: www.amazon.de",
        "accept-language: de-de,de;q=0.9",
        "cookie: i18n-prefs=eur",
    ] {
        assert!(request.contains(line), "{line} in {request}");
    }
    let accepted = request.lines().find(|line| line.starts_with("accept-encoding:")).unwrap();
    assert!(["gzip", "br", "zstd"].iter().all(|encoding| accepted.contains(encoding)), "{accepted}");
    assert!(!request.contains("other=1"), "another marketplace's cookie");
}

fn redirect(to: &str) -> Vec<u8> {
    answer("302 Found", &[("Location", to)], b"")
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let server = Server::start(|number| match number {
        0 => Answer::Bytes(redirect("/Kessel/dp/B0DIRECT01")),
        _ => Answer::Bytes(answer("200 OK", &[], page().as_bytes())),
    })
    .await;
    assert_eq!(price_minor(&fetch(&source(&server)).await), Some(123_456));
    assert!(server.requests()[1].starts_with("get /kessel/dp/b0direct01 "));
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let other_server = Server::always(answer("200 OK", &[], page().as_bytes())).await;
    let server = Server::always(redirect(&format!("{}/dp/B0DIRECT01", other_server.url()))).await;
    assert_eq!(fetch(&source(&server)).await, Outcome::Failed(Failure::Redirect));
    assert!(other_server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_loop_is_a_failure() {
    let server = Server::always(redirect("/dp/B0DIRECT01")).await;
    assert_eq!(fetch(&source(&server)).await, Outcome::Failed(Failure::Redirect));
    assert!(server.requests().len() <= 6, "{} requests", server.requests().len());
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_date() {
    let in_two_minutes = Timestamp::now() + SignedDuration::from_mins(2);
    let date = fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&in_two_minutes).unwrap();
    for (value, min, max) in [("90", 90, 90), (date.as_str(), 100, 120)] {
        let server = Server::always(answer("429 Too Many Requests", &[("Retry-After", value)], b"slow down")).await;
        let outcome = fetch(&source(&server)).await;
        let Outcome::Blocked(Block::Throttled { retry_after: Some(delay) }) = outcome else { panic!("{outcome:?}") };
        assert!((Duration::from_secs(min)..=Duration::from_secs(max)).contains(&delay), "{value}: {delay:?}");
    }
}

#[tokio::test]
async fn every_other_status_has_its_own_outcome() {
    for (status, expected) in [
        ("404 Not Found", Outcome::NotFound),
        ("410 Gone", Outcome::NotFound),
        ("403 Forbidden", Outcome::Blocked(Block::Throttled { retry_after: None })),
        ("503 Service Unavailable", Outcome::Blocked(Block::Throttled { retry_after: None })),
        ("500 Internal Server Error", Outcome::Failed(Failure::Status(500))),
        ("418 I'm a teapot", Outcome::Failed(Failure::Status(418))),
    ] {
        let server = Server::always(answer(status, &[], page().as_bytes())).await;
        assert_eq!(fetch(&source(&server)).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_response_that_is_not_http_is_a_failed_connection() {
    let server = Server::always(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    assert_eq!(fetch(&source(&server)).await, Outcome::Failed(Failure::Connect));
}

#[tokio::test]
async fn proxies_are_used_in_turn() {
    let proxies = [
        Server::always(answer("200 OK", &[], page().as_bytes())).await,
        Server::always(answer("200 OK", &[], page().as_bytes())).await,
    ];
    let settings = CrawlSettings {
        base_url: Some("http://marketplace.test".parse().unwrap()),
        proxies: proxies.iter().map(|proxy| Secret::from(proxy.url())).collect(),
        ..CrawlSettings::default()
    };
    let metrics = std::sync::Arc::new(amazon_tracker::telemetry::Metrics::new());
    let source = amazon_tracker::sources::direct::DirectSource::new(settings, metrics).unwrap();
    for _ in 0..4 {
        assert_eq!(price_minor(&fetch(&source).await), Some(123_456));
    }
    for proxy in &proxies {
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2);
        assert!(requests[0].starts_with("get http://marketplace.test/dp/b0direct01 "), "{}", requests[0]);
    }
}

#[tokio::test]
async fn a_list_is_read_and_a_page_that_is_none_says_why() {
    let list = ListUrl::parse("https://www.amazon.de/gp/bestsellers/books").unwrap();
    let item =
        |asin: &str| format!("<div id='{asin}' class='p13n-sc-uncoverable-faceout'><a href='/dp/{asin}'>x</a></div>");
    let page = format!(
        "<html><body><div id='zg'>{}{}</div><div id='navFooter'></div></body></html>",
        item("B000000001"),
        item("B000000002")
    );
    let captcha =
        format!("<html><body><form action='/errors/validateCaptcha'></form>{}</body></html>", " ".repeat(2000));
    let server = Server::start(move |number| match number {
        0 => Answer::Bytes(answer("200 OK", &[], page.as_bytes())),
        1 => Answer::Bytes(answer("200 OK", &[], captcha.as_bytes())),
        2 => Answer::Bytes(answer("503 Service Unavailable", &[], b"")),
        3 => Answer::Bytes(answer("404 Not Found", &[], b"")),
        _ => Answer::Bytes(answer("200 OK", &[], crate::page().as_bytes())),
    })
    .await;
    let source = source(&server);
    let read = async |page| source.read_list(&list, page).await;
    let found: Vec<String> = read(2).await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["de/B000000001", "de/B000000002"]);
    assert!(server.requests()[0].starts_with("get /gp/bestsellers/books?pg=2 "));
    let outcomes: Vec<&str> = [read(1).await, read(1).await, read(1).await, read(1).await]
        .into_iter()
        .map(|outcome| outcome.unwrap_err().as_str())
        .collect();
    assert_eq!(outcomes, ["blocked_captcha", "blocked_throttled", "not_found", "failed_unreadable"]);
}
