//! Short links: where they lead is asked of their host, and of nobody else.

use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::Listing;
use amazon_tracker::sources::short_links::ShortLinks;
use amazon_tracker::sources::{ResolveLinks, ShortLinkError};
use url::Url;

use crate::server::{Answer, Server, answer};

const LINK: &str = "https://a.co/d/7xYz12";

fn redirect(to: &str) -> Vec<u8> {
    answer("301 Moved Permanently", &[("Location", to)], b"")
}

async fn resolve(server: &Server) -> Result<Listing, ShortLinkError> {
    let settings = CrawlSettings { base_url: Some(server.url().parse().unwrap()), ..CrawlSettings::default() };
    let links = ShortLinks::new(&settings).unwrap().expect("resolving is on by default");
    links.resolve(&LINK.parse::<Url>().unwrap()).await
}

#[tokio::test]
async fn a_short_link_leads_to_its_listing_over_other_short_links() {
    let server = Server::start(|number| match number {
        0 => Answer::Bytes(redirect("https://amzn.to/3abc")),
        _ => Answer::Bytes(redirect("https://www.amazon.de/Kessel/dp/B0DIRECT01?ref=cm_sw")),
    })
    .await;
    assert_eq!(resolve(&server).await.unwrap().to_string(), "de/B0DIRECT01");
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "the page itself is not requested");
    assert!(requests[0].starts_with("get /d/7xyz12 ") && requests[0].contains("host: a.co\r\n"), "{}", requests[0]);
    assert!(requests[1].starts_with("get /3abc ") && requests[1].contains("host: amzn.to\r\n"), "{}", requests[1]);
}

#[tokio::test]
async fn a_short_link_that_leads_elsewhere_is_refused_without_a_request_there() {
    let stranger = Server::always(answer("200 OK", &[], b"secret")).await;
    for target in [stranger.url(), "http://169.254.169.254/latest".to_owned(), "file:///etc/passwd".to_owned()] {
        let server = Server::always(redirect(&target)).await;
        let error = resolve(&server).await.unwrap_err();
        assert!(matches!(error, ShortLinkError::NoListing(_)), "{target}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
    assert!(stranger.requests().is_empty());
}

#[tokio::test]
async fn links_that_lead_nowhere_or_in_a_circle_are_told_apart() {
    let gone = Server::always(answer("404 Not Found", &[], b"")).await;
    assert!(matches!(resolve(&gone).await, Err(ShortLinkError::NoTarget(404))));
    let circle = Server::always(redirect(LINK)).await;
    assert!(matches!(resolve(&circle).await, Err(ShortLinkError::TooManyHops)));
    assert!(circle.requests().len() <= 5);
    let no_listing = Server::always(redirect("https://www.amazon.de/gp/help")).await;
    assert!(matches!(resolve(&no_listing).await, Err(ShortLinkError::NoListing(_))));
}

#[tokio::test]
async fn a_setting_turns_resolving_off() {
    let settings = CrawlSettings { resolve_short_links: false, ..CrawlSettings::default() };
    assert!(ShortLinks::new(&settings).unwrap().is_none());
}
