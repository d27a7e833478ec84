//! Responses that many operations of the OpenAPI document have, declared once: errors would be half of the document.

use std::collections::BTreeMap;

use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response};

/// Declares each response without a result that several operations have as a component, and lets them refer to it.
pub(super) fn declare_once(document: &mut OpenApi) {
    let shared = shared(document);
    for response in responses_of(document) {
        let name = shared.iter().find(|(_, shared)| *shared == response).map(|(name, _)| name);
        if let Some(name) = name {
            *response = RefOr::Ref(Ref::from_response_name(name));
        }
    }
    document.components.get_or_insert_default().responses.extend(shared);
}

/// The responses that stand more than once, by name.
fn shared(document: &mut OpenApi) -> BTreeMap<String, RefOr<Response>> {
    let mut counted: BTreeMap<String, (RefOr<Response>, usize)> = BTreeMap::new();
    for response in responses_of(document) {
        let RefOr::T(inner) = &*response else { continue };
        let (first, count) = counted.entry(name_of(inner)).or_insert_with(|| (response.clone(), 0));
        // Another response of the same name stays where it is.
        *count += usize::from(first == response);
    }
    let repeated = counted.into_iter().filter(|(_, (_, count))| *count > 1);
    repeated.map(|(name, (response, _))| (name, response)).collect()
}

/// Made of the description: `TheRequestTimedOut`.
fn name_of(response: &Response) -> String {
    let words = response.description.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect()
}

/// The responses of all operations that tell of no result: they have no content of their own.
fn responses_of(document: &mut OpenApi) -> impl Iterator<Item = &mut RefOr<Response>> {
    let operations = document.paths.paths.values_mut().flat_map(|path| {
        let PathItem { get, post, patch, delete, .. } = path;
        [get, post, patch, delete].into_iter().flatten()
    });
    let responses = operations.flat_map(|operation| &mut operation.responses.responses);
    responses.filter(|(status, _)| !status.starts_with('2')).map(|(_, response)| response)
}
