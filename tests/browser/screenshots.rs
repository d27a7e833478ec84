//! `make screenshots`: the pictures of docs/dashboard.md.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::every_page::PHONE;
use crate::page::Page;
use crate::shop::Shop;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/screenshots");
const SCREEN: (u32, u32) = (1200, 750);
/// They are in the repository.
const MAX_BYTES: usize = 120 * 1024;

impl Page {
    async fn save(&self, name: &str, (width, height): (u32, u32)) {
        self.settled().await;
        let picture = STANDARD.decode(self.screenshot(width, height).await.as_str().unwrap()).unwrap();
        assert!(picture.len() <= MAX_BYTES, "{name}: {} bytes", picture.len());
        std::fs::write(Path::new(FOLDER).join(name), picture).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make screenshots: it writes into docs"]
async fn pictures_of_the_dashboard() {
    std::fs::create_dir_all(FOLDER).unwrap();
    let shop = Shop::start().await;
    let page = Page::open_as(&shop.daemon, "jo", "/?sort=title").await;
    page.resize(SCREEN.0, SCREEN.1).await;
    page.visit("/?sort=change").await;
    page.save("board.png", SCREEN).await;
    page.visit(&format!("/products/{}", shop.product)).await;
    page.save("product.png", SCREEN).await;
    page.prefer("dark").await;
    page.save("product-dark.png", SCREEN).await;
    page.prefer("light").await;
    page.resize(PHONE.0, PHONE.1).await;
    page.visit("/?sort=change").await;
    page.save("phone.png", PHONE).await;
    page.end().await;
    shop.daemon.end().await;
}
