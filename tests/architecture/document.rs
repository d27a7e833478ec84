//! The OpenAPI document: what the macros that make it do not see.

use std::collections::BTreeMap;

use crate::{code_lines, rust_files, src};

/// Of two types with one name, the document has one, and the answers with the other do not fit it.
#[test]
fn no_two_types_have_the_same_name_in_the_document() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust_files(&src().join("http")) {
        for line in code_lines(&file) {
            let name = line.split_once("schema(as = ").and_then(|(_, rest)| rest.split([',', ')']).next());
            if let Some(name) = name {
                places.entry(name.to_owned()).or_default().push(file.display().to_string());
            }
        }
    }
    assert!(places.len() > 100, "{places:?}");
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn every_measure_can_be_missing() {
    let document = serde_json::to_value(amazon_tracker::http::openapi_document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let measures: Vec<_> = schemas.iter().filter(|(name, _)| name.starts_with("Measure_")).collect();
    assert!(measures.len() > 5, "{measures:?}");
    for (name, measure) in measures {
        let kinds = measure["properties"]["value"]["type"].as_array();
        assert!(kinds.is_some_and(|kinds| kinds.contains(&"null".into())), "{name}: {measure}");
    }
}
