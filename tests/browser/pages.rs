//! The pages of the dashboard, each with something to show. A new page is one of them as soon as the daemon serves it.

use amazon_tracker::domain::TenantId;

use crate::daemon::Daemon;
use crate::fixture::{add_admin, add_products, still};

/// The paths of all pages, as the daemon serves them: `/products/{id}`.
fn templates() -> Vec<&'static str> {
    const SOURCE: &str = include_str!("../../src/http/dashboard.rs");
    let list = SOURCE.split_once("const PAGES: &[&str] = &[").expect("the list of pages").1;
    let list = list.split_once("];").expect("the end of the list").0;
    list.split('"').skip(1).step_by(2).collect()
}

/// An installation in which each page has something to show, and the paths of all pages.
pub struct Everything {
    pub daemon: Daemon,
    pub paths: Vec<String>,
}

impl Everything {
    pub async fn start() -> Self {
        let daemon = still().await;
        add_admin(&daemon, "jo").await;
        let product = add_products(&daemon, TenantId::BUILT_IN, 12).await[0].id.to_string();
        let ids = [("/products/{id}", product)];
        let path = |template: &str| {
            let with_id = ids.iter().find(|(start, _)| template.starts_with(start));
            let path = with_id
                .map_or(template.to_owned(), |(start, id)| template.replacen(start, &start.replace("{id}", id), 1));
            assert!(!path.contains('{'), "say in tests/browser/pages.rs what {template} is to show");
            path
        };
        let paths = templates().into_iter().map(path).collect();
        Self { daemon, paths }
    }
}
