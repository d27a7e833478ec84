//! The dashboard: what its files may not contain, the paths of the API that it asks, and its texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The files of the dashboard by their names.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"), "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The text literals of a script that begin so.
fn literals<'s>(script: &'s str, beginning: &str) -> BTreeSet<&'s str> {
    script.split('"').skip(1).step_by(2).filter(|literal| literal.starts_with(beginning)).collect()
}

#[test]
fn nothing_is_made_of_text_or_loaded_from_elsewhere() {
    let files = files().into_iter().filter(|(name, _)| !name.starts_with("i18n/"));
    for (name, text) in files {
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "style=",
            ".style.",
        ] {
            assert!(!text.contains(forbidden), "{name} contains {forbidden}");
        }
        let own = text.replace("http://www.w3.org/", "");
        assert!(
            !own.contains("http://") && !own.contains("https://") && !own.contains("\"//"),
            "{name} names another site"
        );
    }
}

#[test]
fn every_path_that_the_dashboard_asks_is_in_the_document() {
    let document = serde_json::to_value(amazon_tracker::http::openapi_document()).unwrap();
    let files = files();
    let mut asked = literals(&files["app/api.js"], "/api/");
    asked.extend(literals(&files["app/live.js"], "/api/"));
    assert!(asked.len() > 5, "{asked:?}");
    for path in asked {
        assert!(document["paths"][path].is_object(), "{path} is not in the OpenAPI document");
    }
    for (name, text) in files.iter().filter(|(name, _)| !matches!(name.as_str(), "app/api.js" | "app/live.js")) {
        assert!(!text.contains("/api/v1"), "{name} asks the API itself: its paths belong into app/api.js");
    }
}

#[test]
fn all_languages_have_the_same_texts_with_the_same_values() {
    let files = files();
    let catalogue = |language: &str| -> BTreeMap<String, Value> {
        serde_json::from_str(&files[&format!("i18n/{language}.json")]).unwrap()
    };
    let values = |text: &Value| -> BTreeSet<String> {
        let text = text.to_string();
        text.split('{')
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
            .filter(|name| name.chars().all(|c| c.is_ascii_lowercase()))
            .collect()
    };
    let english = catalogue("en");
    for language in ["de", "ja", "pt"] {
        let translated = catalogue(language);
        assert_eq!(translated.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language}");
        for (key, text) in &english {
            assert_eq!(values(text), values(&translated[key]), "{language}: {key}");
        }
    }
    let scripts: String =
        files.iter().filter(|(name, _)| name.ends_with(".js")).map(|(_, text)| text.as_str()).collect();
    let used = scripts.split("t(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(key, _)| key);
    for key in used.filter(|key| key.len() > 2 && key.contains('.') && !key.contains(['/', '#'])) {
        assert!(english.contains_key(key), "there is no text for {key}");
    }
}
