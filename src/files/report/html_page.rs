//! The frame of a report as HTML: its style, and the policy that allows nothing else.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The only style. No text of a report gets into it, so its hash is always the same.
pub(super) const STYLE: &str = "\
body{font:15px/1.45 Verdana,sans-serif;color:#1f2328;background:#fff;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p.window{color:#59636e;margin:.2rem 0 1rem}\
div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}\
th,td{border-bottom:1px solid #e3e7ec;padding:.3rem .6rem;text-align:left;vertical-align:top}\
th{border-bottom:2px solid #59636e}.n{text-align:right;white-space:nowrap}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0}dt{color:#59636e}dd{margin:0}\
svg{max-width:100%;height:auto}footer{color:#59636e;font-size:.85rem;margin-top:2rem}\
@media print{@page{margin:15mm}body{font-size:10pt;max-width:none;margin:0;padding:0;print-color-adjust:exact;-webkit-print-color-adjust:exact}\
h2{break-after:avoid}tr,svg,dl{break-inside:avoid}thead{display:table-header-group}div.wide{overflow:visible}table{font-size:8pt}}";

/// What the style element is allowed by.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
});

static HEADER: LazyLock<String> = LazyLock::new(|| format!("{}; frame-ancestors 'none'; sandbox", *POLICY));

/// The value of the header `Content-Security-Policy` for a report as HTML. It allows the style element of the page, by its hash, and
/// nothing else: no script, no style attribute, no request.
pub fn content_security_policy() -> &'static str {
    &HEADER
}

/// The policy for the page itself, which holds when it is opened from a disk.
pub(super) fn page_policy() -> &'static str {
    &POLICY
}
