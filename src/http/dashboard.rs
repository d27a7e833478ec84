//! The dashboard: its shell and its files.
//!
//! All files are below one folder that is named by the hash of them all, so that they may be kept for ever and their relative imports stay
//! valid. Debug builds read them from the disk with each request: edit, and reload.

mod files;

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentType, HeaderName,
    REFERRER_POLICY, VARY,
};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::problem::{Problem, no_such_route};
use super::public_path::public_path;
use super::routes::{Access, Routes};
use files::{File, find, folder, modules};

/// Nothing from elsewhere, no inline script or style, and no script that is made of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The paths of its pages, which the router of the dashboard knows too.
const PAGES: &[&str] = &[
    "/",
    "/auth/invite",
    "/auth/reset_password",
    "/auth/set-up",
    "/auth/verify_email",
    "/forgot-password",
    "/products/{id}",
    "/register",
    "/settings",
    "/settings/{section}",
    "/sign-in",
];

pub(super) fn routes(routes: &mut Routes<'_>) {
    for page in PAGES {
        routes.path(page, |path| path.get(Access::Open, shell));
    }
    routes.path("/assets/{folder}/{file:.*}", |path| path.get(Access::Open, asset));
}

/// A page of the dashboard. All pages are the same: the script finds out which one it is.
async fn shell(request: HttpRequest) -> impl Responder {
    let base = public_path(&request);
    let assets = format!("{base}/assets/{}", folder());
    let preloads: String =
        modules().map(|module| format!("<link rel=\"modulepreload\" href=\"{assets}/{module}\">\n")).collect();
    let page = find("index.html").map(|file| file.text()).unwrap_or_default();
    let page = page.replace("{preloads}", &preloads).replace("{assets}", &assets).replace("{base}", &base);
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-cache"))
        // With none, forms and scripts could not say where they come from.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
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
