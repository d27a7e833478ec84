//! What holds for every page: for visitors and users, in every language, on a phone, and for those who do not see it.

use serde_json::{Value, json};

use crate::page::Page;
use crate::pages::paths;
use crate::shop::Shop;

const FAULTS: &str = include_str!("faults.js");
const LANGUAGES: [&str; 4] = ["en", "de", "ja", "pt"];
const DESKTOP: (u32, u32) = (1200, 750);
pub const PHONE: (u32, u32) = (360, 740);

/// What somebody operates, or what says something without text: it needs a name.
const NAMED_ROLES: [&str; 16] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "listbox",
    "checkbox",
    "radio",
    "switch",
    "slider",
    "spinbutton",
    "image",
    "img",
    "dialog",
    "meter",
    "progressbar",
];

impl Page {
    /// What is wrong with the page that is shown.
    pub async fn faults(&self) -> Vec<String> {
        let faults = self.eval_with(FAULTS, &[json!(prefixes())]).await;
        faults.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
    }

    /// What a screen reader could not name.
    pub async fn unnamed(&self) -> Vec<String> {
        let text = |node: &Value, of: &str| node[of]["value"].as_str().unwrap_or_default().trim().to_owned();
        let tree = self.accessibility_tree().await;
        let mut unnamed = Vec::new();
        for node in tree
            .iter()
            .filter(|node| NAMED_ROLES.contains(&text(node, "role").as_str()) && text(node, "name").is_empty())
        {
            unnamed.push(format!("a {} without a name: {}", text(node, "role"), self.html_of(node).await));
        }
        unnamed
    }
}

/// What the keys of texts begin with: `board` of `board.title`.
fn prefixes() -> Vec<&'static str> {
    const CATALOGUE: &str = include_str!("../../src/web/i18n/en.json");
    let keys = CATALOGUE.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once('.'));
    let mut prefixes: Vec<&str> = keys.map(|(prefix, _)| prefix).collect();
    prefixes.dedup();
    prefixes
}

/// Fails with all that is wrong on any page.
#[derive(Default)]
pub struct Report(Vec<String>);

impl Report {
    pub fn add(&mut self, place: &str, faults: impl IntoIterator<Item = String>) {
        self.0.extend(faults.into_iter().map(|fault| format!("{place}: {fault}")));
    }

    pub fn end(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_and_named_on_a_screen_and_on_a_phone() {
    let shop = Shop::start().await;
    let page = Page::open_as(&shop.daemon, "jo", "/").await;
    let mut report = Report::default();
    for path in &paths(&shop) {
        for (width, height) in [DESKTOP, PHONE] {
            page.resize(width, height).await;
            page.visit(path).await;
            let place = format!("{path} at {width} px");
            report.add(&place, page.faults().await);
            report.add(&place, page.unnamed().await);
            report.add(&place, page.errors().await);
        }
    }
    report.end();
    page.end().await;
    shop.daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_for_a_visitor() {
    let shop = Shop::start().await;
    let page = Page::open(&shop.daemon, "/").await;
    let mut report = Report::default();
    page.resize(PHONE.0, PHONE.1).await;
    for path in &paths(&shop) {
        page.visit(path).await;
        report.add(path, page.faults().await);
        report.add(path, page.unnamed().await);
        report.add(path, page.errors().await);
        let text = page.text().await;
        report.add(path, text.contains("Headphones").then(|| "it tells a visitor what is watched".to_owned()));
    }
    report.end();
    page.end().await;
    shop.daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_in_every_language() {
    let shop = Shop::start().await;
    let page = Page::open_as(&shop.daemon, "jo", "/").await;
    let mut report = Report::default();
    page.resize(PHONE.0, PHONE.1).await;
    for language in LANGUAGES {
        page.speak(language).await;
        for path in &paths(&shop) {
            page.visit(path).await;
            let place = format!("{path} in {language}");
            report.add(&place, page.faults().await);
            report.add(&place, page.errors().await);
            let spoken = page.eval("return document.documentElement.lang").await;
            report.add(&place, (spoken != language).then(|| format!("it is in {spoken}")));
        }
    }
    report.end();
    page.end().await;
    shop.daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_dark_for_those_who_prefer_it() {
    const COLOURS: &str = "const of = (it) => { const { color, backgroundColor } = getComputedStyle(it); return [color, backgroundColor] };\
         return [of(document.body), of(document.getElementById('top'))]";
    const BRIGHTNESS: &str = "const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number); return r + g + b";
    let shop = Shop::start().await;
    let page = Page::open_as(&shop.daemon, "jo", "/").await;
    let mut report = Report::default();
    for path in &paths(&shop) {
        page.prefer("light").await;
        page.visit(path).await;
        let (light, bright) = (page.eval(COLOURS).await, page.eval(BRIGHTNESS).await);
        page.prefer("dark").await;
        let (dark, dim) = (page.eval(COLOURS).await, page.eval(BRIGHTNESS).await);
        report.add(path, (light == dark).then(|| format!("the colours stay {light}")));
        report.add(
            path,
            (dim.as_f64() > Some(200.0) || bright.as_f64() < Some(600.0))
                .then(|| format!("{bright} is not light, or {dim} not dark")),
        );
        report.add(path, page.errors().await);
    }
    report.end();
    page.end().await;
    shop.daemon.end().await;
}
