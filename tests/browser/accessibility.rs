//! `make test-a11y`: an audit of every page by axe-core.

use serde_json::Value;

use crate::every_page::{PHONE, Report};
use crate::page::Page;
use crate::pages::paths;
use crate::shop::Shop;

/// Where `scripts/require.sh axe` puts it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe/node_modules/axe-core/axe.min.js");

impl Page {
    /// Serious and critical findings on the page that is shown.
    async fn audit(&self, axe: &str) -> Vec<String> {
        self.eval_with(
            "if (!window.axe) (0, function () { SOURCE }).call(window)".replace("SOURCE", axe).as_str(),
            &[],
        )
        .await;
        let violations = self
            .eval("return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)")
            .await;
        let is_serious = |finding: &&Value| matches!(finding["impact"].as_str(), Some("serious" | "critical"));
        let finding = |finding: &Value| {
            let nodes = finding["nodes"].as_array().unwrap().iter().take(3);
            let nodes: Vec<String> =
                nodes.map(|node| format!("{} ({})", node["html"], node["failureSummary"])).collect();
            format!("{}: {}: {}", finding["id"].as_str().unwrap(), finding["help"], nodes.join("; "))
        };
        violations.as_array().unwrap().iter().filter(is_serious).map(finding).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make test-a11y installs axe-core"]
async fn axe_finds_nothing_serious_on_any_page() {
    let axe = std::fs::read_to_string(AXE).expect("`scripts/require.sh axe` installs axe-core");
    let shop = Shop::start().await;
    let mut report = Report::default();
    let visitor = Page::open(&shop.daemon, "/sign-in").await;
    let user = Page::open_as(&shop.daemon, "jo", "/").await;
    for scheme in ["light", "dark"] {
        for (page, who) in [(&visitor, "a visitor"), (&user, "a user")] {
            page.prefer(scheme).await;
            for path in &paths(&shop) {
                page.visit(path).await;
                report.add(&format!("{path} for {who}, {scheme}"), page.audit(&axe).await);
            }
        }
    }
    user.resize(PHONE.0, PHONE.1).await;
    for path in &paths(&shop) {
        user.visit(path).await;
        report.add(&format!("{path} on a phone"), user.audit(&axe).await);
    }
    // An audit that looks at nothing finds nothing.
    user.eval("document.querySelector('main').append(document.createElement('button'))").await;
    assert!(user.audit(&axe).await.iter().any(|finding| finding.starts_with("button-name")));
    report.end();
    visitor.end().await;
    user.end().await;
    shop.daemon.end().await;
}
