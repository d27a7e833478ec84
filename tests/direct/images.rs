//! Pictures of listings: their host, their size and what they are.

use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::{ImageType, ImageUrl, ListingImage};
use amazon_tracker::sources::images::{FetchImages, ImageClient, ImageError};

use crate::server::{Answer, Server, answer};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and more";

async fn fetch(server: &Server) -> Result<ListingImage, ImageError> {
    let settings = CrawlSettings { base_url: Some(server.url().parse().unwrap()), ..CrawlSettings::default() };
    let url = ImageUrl::parse("https://m.media-amazon.com/images/I/71ab._AC_SX679_.jpg").unwrap();
    ImageClient::new(&settings).unwrap().fetch(&url).await
}

#[tokio::test]
async fn the_small_rendition_is_asked_for_and_the_bytes_say_what_it_is() {
    let server = Server::always(answer("200 OK", &[], PNG)).await;
    let image = fetch(&server).await.unwrap();
    assert_eq!((image.kind, image.content.as_slice()), (ImageType::Png, PNG));
    let request = server.requests().remove(0);
    assert!(request.starts_with("get /images/i/71ab._sl160_.jpg "), "{request}");
    assert!(request.contains("host: m.media-amazon.com\r\n") && !request.contains("cookie"), "{request}");
}

#[tokio::test]
async fn what_is_no_picture_or_too_large_is_given_up() {
    for body in [&b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>"[..], b"<!doctype html>", b""] {
        let server = Server::always(answer("200 OK", &[("X-Content-Type", "image/png")], body)).await;
        assert!(matches!(fetch(&server).await, Err(ImageError::Never(_))));
    }
    let start = answer("200 OK", &[], PNG);
    let server = Server::start(move |_| Answer::Endless(start.clone(), vec![0; 4096])).await;
    assert!(matches!(fetch(&server).await, Err(ImageError::Never(_))), "it does not end");
    let server = Server::always(answer("404 Not Found", &[], PNG)).await;
    assert!(matches!(fetch(&server).await, Err(ImageError::Never(_))));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_host_that_refuses_is_asked_again_later() {
    let stranger = Server::always(answer("200 OK", &[], PNG)).await;
    for status in ["302 Found", "503 Service Unavailable"] {
        let server = Server::always(answer(status, &[("Location", &stranger.url())], b"")).await;
        assert!(matches!(fetch(&server).await, Err(ImageError::Later(_))), "{status}");
    }
    assert!(stranger.requests().is_empty());
}
