//! The pages of the dashboard, each with something to show. A new page is one of them as soon as the daemon serves it.

use crate::shop::Shop;

/// The paths of all pages, as the daemon serves them: `/products/{id}`.
fn templates() -> Vec<&'static str> {
    const SOURCE: &str = include_str!("../../src/http/dashboard.rs");
    let list = SOURCE.split_once("const PAGES: &[(&str, &str)] = &[").expect("the list of pages").1;
    let list = list.split_once("];").expect("the end of the list").0;
    list.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect()
}

/// The paths of all pages, with what there is to see in a shop.
pub fn paths(shop: &Shop) -> Vec<String> {
    let paths = templates().into_iter().flat_map(|template| {
        let names: &[&str] = match template {
            "/alerts/{id}" => &[&shop.rule, "new"],
            "/products/{id}" => &[&shop.product],
            "/settings/{section}" => {
                &["preferences", "sessions", "apps", "plan", "members", "tenant", "api-keys", "audit"]
            }
            _ => {
                assert!(!template.contains('{'), "say in tests/browser/pages.rs what {template} is to show");
                return vec![template.to_owned()];
            }
        };
        let start = template.split('{').next().unwrap_or_default();
        names.iter().map(|name| format!("{start}{name}")).collect()
    });
    let paths: Vec<String> = paths.collect();
    assert!(paths.contains(&"/".to_owned()), "{paths:?}");
    paths
}
