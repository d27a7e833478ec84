//! Texts, money and numbers as each language writes them.

use amazon_tracker::domain::TenantId;

use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_s_language_decides_how_texts_money_and_numbers_are_written() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 2).await[0].id;
    let page = Page::open_as(&daemon, "jo", "/").await;
    for (language, board, own) in [
        ("de-DE", &["Produkte", "50,00\u{a0}$", "Auf Lager"], "Niedrigster"),
        ("ja", &["商品", "$50.00", "在庫あり"], "最安値"),
        ("pt-BR", &["Produtos", "US$\u{a0}50,00", "Em estoque"], "Menor"),
        ("fr", &["Products", "$50.00", "In stock"], "Lowest"),
    ] {
        page.speak(language).await;
        page.visit("/").await;
        for text in board {
            page.see(text).await;
        }
        page.visit(&format!("/products/{product}")).await;
        page.see(own).await;
    }
    page.end().await;
    daemon.end().await;
}
