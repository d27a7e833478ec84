//! The dashboard: its shell and its files.
//!
//! All files are below one folder that is named by the hash of them all, so that they may be kept for ever and their relative imports stay
//! valid. Debug builds read them from the disk with each request: edit, and reload.

mod files;

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentType, HeaderName,
    REFERRER_POLICY, VARY,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::Shared;
use super::browser_sessions::is_secure;
use super::problem::{Problem, no_such_route};
use super::public_path::public_path;
use super::routes::{Access, Routes};
use files::{File, find, folder, with_imports};

/// Nothing from elsewhere, no inline script or style, and no script that is made of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The module that all pages begin with.
const MAIN: &str = "app/main.js";
/// The paths of its pages and their modules, which the router of the dashboard knows too.
const PAGES: &[(&str, &str)] = &[
    ("/", "pages/board.js"),
    ("/alerts", "pages/alerts.js"),
    ("/alerts/activity", "pages/alerts.js"),
    ("/alerts/channels", "pages/channels.js"),
    ("/alerts/{id}", "pages/alert-builder.js"),
    ("/auth/invite", "pages/entry.js"),
    ("/auth/reset_password", "pages/entry.js"),
    ("/auth/set-up", "pages/entry.js"),
    ("/auth/verify_email", "pages/entry.js"),
    ("/forgot-password", "pages/entry.js"),
    ("/products/{id}", "pages/product.js"),
    ("/register", "pages/entry.js"),
    ("/reports", "pages/schedules.js"),
    ("/settings", "pages/settings.js"),
    ("/settings/{section}", "pages/settings.js"),
    ("/sign-in", "pages/entry.js"),
    ("/system", "pages/system.js"),
    ("/work", "pages/work.js"),
    ("/work/schedules", "pages/schedules.js"),
    ("/work/sources", "pages/work.js"),
];

pub(super) fn routes(routes: &mut Routes<'_>) {
    for (page, _) in PAGES {
        routes.path(page, |path| path.get(Access::Open, shell));
    }
    routes.path("/assets/{folder}/{file:.*}", |path| path.get(Access::Open, asset));
}

/// The path of the files of this version.
pub(super) fn assets(request: &HttpRequest) -> String {
    format!("{}/assets/{}", public_path(request), folder())
}

/// The texts of the dashboard in a language.
pub(super) fn catalogue(language: &str) -> serde_json::Value {
    let file = find(&format!("i18n/{language}.json"));
    file.and_then(|file| serde_json::from_str(&file.text()).ok()).unwrap_or_default()
}

/// The modules that a page needs, each once.
fn modules_of(page: &'static str) -> Vec<&'static str> {
    with_imports(&[MAIN, page])
}

/// A page of the dashboard. All pages are the same, but for what they load ahead: the script finds out which one it is.
async fn shell(shared: Data<Shared>, request: HttpRequest) -> impl Responder {
    let base = public_path(&request);
    let assets = assets(&request);
    let route = request.match_pattern();
    let page = PAGES.iter().find(|(path, _)| route.as_deref() == Some(path)).map_or(MAIN, |(_, module)| module);
    let preload = |module| format!("<link rel=\"modulepreload\" href=\"{assets}/{module}\">\n");
    let preloads: String = modules_of(page).into_iter().map(preload).collect();
    let page = find("index.html").map(|file| file.text()).unwrap_or_default();
    let page = page.replace("{preloads}", &preloads).replace("{assets}", &assets).replace("{base}", &base);
    let mut response = HttpResponse::Ok();
    if is_secure(&shared, &request) {
        // On plain HTTP it has no effect, and browsers complain.
        response.insert_header((CROSS_ORIGIN_OPENER_POLICY, "same-origin"));
    }
    response
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-cache"))
        // With none, forms and scripts could not say where they come from.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .body(page)
}

/// A file of the dashboard.
async fn asset(request: HttpRequest, path: Path<(String, String)>) -> Result<impl Responder, Problem> {
    let (wanted, name) = path.into_inner();
    let Some(file) = find(&name).filter(|_| wanted == folder()) else { return Err(no_such_route(request).await) };
    let mut response = HttpResponse::Ok();
    response.content_type(file.content_type());
    response.insert_header((CACHE_CONTROL, File::CACHING));
    response.insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"));
    response.insert_header((VARY, "accept-encoding"));
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(match file.compressed().filter(|_| accepted.contains("gzip")) {
        Some(gzip) => response.insert_header((CONTENT_ENCODING, "gzip")).body(gzip),
        None => response.body(file.bytes()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn bytes_of<'n>(names: impl IntoIterator<Item = &'n str>) -> usize {
        names.into_iter().map(|name| find(name).unwrap().bytes().len()).sum()
    }

    #[test]
    fn scripts_and_styles_of_each_page_stay_within_their_budgets() {
        for (path, page) in PAGES {
            let bytes = bytes_of(modules_of(page));
            assert!(bytes <= 110 * 1024, "{path}: {bytes}");
        }
        assert!(bytes_of(["app.css"]) <= 24 * 1024);
    }

    #[test]
    fn a_page_loads_ahead_what_it_imports_and_nothing_else() {
        let board: BTreeSet<_> = modules_of("pages/board.js").into_iter().collect();
        assert!(board.is_superset(&BTreeSet::from(["app/main.js", "app/dom.js", "pages/board.js", "chart/spark.js"])));
        assert!(!board.contains("pages/product.js"));
    }
}
