use amazon_tracker::domain::{Listing, Marketplace};
use amazon_tracker::sources::simulated::SimulatedSettings;
use reqwest::StatusCode;

use crate::market::{Page, listing, start};

#[tokio::test]
async fn the_host_selects_currency_format_and_language() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let asin = listing(Marketplace::Us, 0).asin;
    for &site in Marketplace::ALL {
        let listing = Listing::new(site, asin);
        // The reader accepts only the site's own format and currency.
        let page = market.page(listing).await;
        assert_eq!(page.price, market.running.facts(listing).price, "{site}");
        assert!(page.html.contains(&format!("<html lang=\"{}\"", site.locale().to_ascii_lowercase())));
        assert!(page.html.contains(&format!("<link rel=\"canonical\" href=\"https://www.amazon.{site}/")));
    }
}

#[tokio::test]
async fn an_unknown_host_is_amazon_com() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::Us, 0);
    let path = format!("/dp/{}", listing.asin);
    let by_address = market.client.get(market.url(&path)).send().await.unwrap().text().await.unwrap();
    assert_eq!(Page::read(&by_address, Marketplace::Us), market.page(listing).await);
}

#[tokio::test]
async fn every_form_of_product_url_serves_the_page() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::De, 0);
    let page = market.page(listing).await;
    let asin = listing.asin;
    for path in [
        format!("/gp/product/{asin}"),
        format!("/Some-Title/dp/{asin}/ref=sr_1_1?th=1&psc=1"),
        format!("/dp/{}?x=y", asin.as_str().to_ascii_lowercase()),
    ] {
        let text = market.get_at("www.amazon.de:80", &path).await.text().await.unwrap();
        assert_eq!(Page::read(&text, listing.marketplace), page, "{path}");
    }
}

#[tokio::test]
async fn other_urls_are_not_found() {
    let market = start(SimulatedSettings::default()).await;
    for path in ["/", "/s", "/dp/short", "/dp/%00%ff", "/_truth/more", "/dp/"] {
        assert_eq!(market.get_at("www.amazon.de", path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(market.truth(0).await.is_empty());
}

#[tokio::test]
async fn a_page_has_the_configured_size() {
    for page_kb in [60, 1_000] {
        let market = start(SimulatedSettings { page_kb, ..SimulatedSettings::default() }).await;
        let page = market.page(listing(Marketplace::Us, 0)).await;
        assert!(page.html.len().abs_diff(page_kb * 1024) < 2_048, "{}", page.html.len());
    }
}

#[tokio::test]
async fn pages_are_compressed_for_clients_that_accept_it() {
    for (compress, expected) in [(true, Some("gzip")), (false, None)] {
        let market = start(SimulatedSettings { compress, ..SimulatedSettings::default() }).await;
        // The default client decompresses and removes the header.
        let client = reqwest::Client::builder().no_gzip().build().unwrap();
        let path = format!("/dp/{}", listing(Marketplace::Us, 0).asin);
        let response = client.get(market.url(&path)).header("accept-encoding", "gzip").send().await.unwrap();
        let encoding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(encoding, expected);
    }
}
