//! Pictures of products: fetched in the background, served from our own origin.

use amazon_tracker::domain::ImageType;
use reqwest::{Method, Response};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_there_soon_after_it_was_asked_for_and_stays_with_its_tenant() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let path = format!("/api/v1/products/{}/image", product["id"].as_str().unwrap());
        let none = daemon.get(&path).send().await.unwrap();
        assert_eq!((none.status().as_u16(), header(&none, "cache-control").as_str()), (204, "no-store"));
        daemon.eventually_answers(200, &path).await;
        let picture = daemon.get(&path).send().await.unwrap();
        assert_eq!(header(&picture, "content-type"), "image/png");
        assert_eq!(header(&picture, "cache-control"), "private, max-age=604800");
        assert!(header(&picture, "content-security-policy").contains("default-src 'none'"));
        assert_eq!(header(&picture, "x-content-type-options"), "nosniff");
        let tag = header(&picture, "etag");
        assert_eq!(ImageType::of(&picture.bytes().await.unwrap()), Some(ImageType::Png));
        let again = daemon.get(&path).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(
            (again.status().as_u16(), header(&again, "cache-control").as_str()),
            (304, "private, max-age=604800")
        );
        let stranger = newcomer(&daemon, "jo").await;
        expect(404, as_bearer(&daemon, Method::GET, &path, &stranger)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_nothing_is_fetched() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.crawl.images = false).await;
    let product = daemon.watch(daemon.listing(0)).await;
    let path = format!("/api/v1/products/{}/image", product["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(daemon.get(&path).send().await.unwrap().status(), 204);
    }
    let metrics = daemon.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("kind=\"image_fetcher\""), "{metrics}");
    daemon.end().await;
}
