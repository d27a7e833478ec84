//! Texts of users have the same limits in the OpenAPI document and in the database.

use amazon_tracker::http::openapi_document;
use serde_json::Value;

use crate::accounts::{new_session, tenant_of};
use crate::fixture::*;
use crate::sessions::new_key;

on_both_engines! {
    a_text_that_the_api_would_refuse_is_refused_by_the_database_too,
}

/// Fields of request bodies, and where they are stored.
const FIELDS: &[(&str, &str, &str, &str)] = &[
    ("RegisterBody", "tenant_name", "tenant", "name"),
    ("RegisterBody", "name", "tenant_user", "name"),
    ("RegisterBody", "email", "tenant_user", "email"),
    ("AddApiKeyBody", "name", "api_key", "name"),
    ("AddProductBody", "label", "product", "label"),
    ("PatchProductBody", "label", "product", "label"),
    ("AddAlertBody", "webhook_url", "alert_rule", "webhook_url"),
    ("AddAlertBody", "webhook_url", "delivery", "webhook_url"),
];

async fn a_text_that_the_api_would_refuse_is_refused_by_the_database_too(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.add_api_key(new_key(&jo, 1)).await.unwrap();
    fixture.store.open_session(new_session(&jo, 1)).await.unwrap();
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    let document = serde_json::to_value(openapi_document()).unwrap();
    for (schema, field, table, column) in FIELDS {
        let limit = document["components"]["schemas"][*schema]["properties"][*field]["maxLength"].as_u64();
        let limit = usize::try_from(limit.unwrap_or_else(|| panic!("{schema}.{field} has no limit"))).unwrap();
        let set = |length: usize| {
            let id = if fixture.is_postgres() { "id::text" } else { "hex(id)" };
            let text = "ä".repeat(length);
            format!("UPDATE {table} SET {column} = '{text}' WHERE {id} = (SELECT min({id}) FROM {table})")
        };
        assert!(fixture.try_execute(&set(limit)).await.is_ok(), "{table}.{column}: {limit}");
        assert!(fixture.try_execute(&set(limit + 1)).await.is_err(), "{table}.{column}: {limit}");
    }
}

/// No text of a request is without a limit.
#[test]
fn every_text_and_list_of_a_request_has_a_limit_in_the_document() {
    let document = serde_json::to_value(openapi_document()).unwrap();
    let mut unlimited = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if name.ends_with("Body") {
            find_unlimited(name, schema, &mut unlimited);
        }
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    for parameter in operations.flat_map(|operation| operation["parameters"].as_array().into_iter().flatten()) {
        if parameter["in"] == "query" {
            find_unlimited(parameter["name"].as_str().unwrap(), &parameter["schema"], &mut unlimited);
        }
    }
    assert_eq!(unlimited, [""; 0]);
}

fn find_unlimited(path: &str, schema: &Value, found: &mut Vec<String>) {
    let is = |kind: &str| {
        schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
    };
    if is("string") && ["maxLength", "enum", "format"].iter().all(|limit| schema.get(limit).is_none()) {
        found.push(path.to_owned());
    }
    if is("array") {
        if schema.get("maxItems").is_none() {
            found.push(format!("{path}[]"));
        }
        find_unlimited(&format!("{path}[]"), &schema["items"], found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        find_unlimited(&format!("{path}.{name}"), property, found);
    }
}
