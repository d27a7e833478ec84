//! The content of a listing: what its page says about the product, in versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};
use uuid::Uuid;

use super::asin::Asin;

/// The content that a source read; `None`: not stated or not read to there. Lists are never empty.
///
/// What disappears from a page is left as it was: pages leave parts out, in experiments and when a part is loaded later. Only a page
/// that was read to its end can say that there is no A+ content and no video.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Title.
    pub title: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Feature bullets.
    pub bullets: Option<Vec<String>>,
    /// Ids of the images in their order: the part of an image's URL behind `/images/I/`, up to its first dot.
    pub image_ids: Option<Vec<String>>,
    /// Description.
    pub description: Option<String>,
    /// The path of categories above the product, from the root.
    pub category_path: Option<Vec<String>>,
    /// There is A+ content ("From the manufacturer").
    pub has_a_plus: Option<bool>,
    /// There is a video among the images.
    pub has_video: Option<bool>,
    /// The parent of its variations.
    pub parent_asin: Option<Asin>,
    /// Number of its variations, including itself.
    pub variation_count: Option<u32>,
    /// What Amazon compares it with in tables of the page. They differ from one request to the next, so they are not part of the
    /// versions.
    pub compared_with: Vec<Asin>,
    /// The source read the page to its end.
    pub is_whole: bool,
}

/// A part of the content that is compared on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ContentField {
    /// [`Content::title`].
    Title,
    /// [`Content::brand`].
    Brand,
    /// [`Content::bullets`].
    Bullets,
    /// [`Content::image_ids`].
    ImageIds,
    /// [`Content::description`].
    Description,
    /// [`Content::category_path`].
    CategoryPath,
    /// [`Content::has_a_plus`].
    HasAPlus,
    /// [`Content::has_video`].
    HasVideo,
    /// [`Content::parent_asin`].
    ParentAsin,
    /// [`Content::variation_count`].
    VariationCount,
}

impl ContentField {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Maximum characters of a text, and maximum items of a list, that are kept.
const MAX_TEXT_CHARS: usize = 10_000;
const MAX_ITEMS: usize = 100;

impl Content {
    /// The fields that were read, with their values as they are stored and served.
    fn read_fields(&self) -> impl Iterator<Item = (ContentField, Value)> {
        ContentField::iter().filter_map(|field| Some((field, self.value(field)?)))
    }

    fn value(&self, field: ContentField) -> Option<Value> {
        let texts = |items: &Vec<String>| items.iter().take(MAX_ITEMS).map(|item| kept(item)).collect::<Value>();
        match field {
            ContentField::Title => self.title.as_deref().map(kept),
            ContentField::Brand => self.brand.as_deref().map(kept),
            ContentField::Bullets => self.bullets.as_ref().map(texts),
            ContentField::ImageIds => self.image_ids.as_ref().map(texts),
            ContentField::Description => self.description.as_deref().map(kept),
            ContentField::CategoryPath => self.category_path.as_ref().map(texts),
            ContentField::HasAPlus => self.has_a_plus.map(Value::Bool),
            ContentField::HasVideo => self.has_video.map(Value::Bool),
            ContentField::ParentAsin => self.parent_asin.map(|asin| Value::from(asin.as_str())),
            ContentField::VariationCount => self.variation_count.map(Value::from),
        }
    }
}

/// A text without the one character that PostgreSQL cannot store, and not longer than anyone reads.
fn kept(text: &str) -> Value {
    Value::from(text.chars().filter(|c| *c != '\0').take(MAX_TEXT_CHARS).collect::<String>())
}

/// What is known of a listing's content: a hash of each field, so that a state stays small.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(BTreeMap<String, String>);

/// A new version of a listing's content: the values that were read, and which of them are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentChange {
    /// The fields whose values differ from the last version; all that were read, in the first one.
    pub changed: Vec<ContentField>,
    /// The values of the changed fields. Those of other fields continue to hold.
    pub values: Map<String, Value>,
}

impl ContentDigest {
    /// True before anything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when something was read of this part.
    pub fn knows(&self, field: ContentField) -> bool {
        self.0.contains_key(field.as_str())
    }

    /// Takes what was read into account. Returns what differs from what was known; `None` if nothing does.
    pub fn update(&mut self, seen: &Content) -> Option<ContentChange> {
        let mut change = ContentChange { changed: Vec::new(), values: Map::new() };
        for (field, value) in seen.read_fields() {
            let hash = hash(&value);
            if self.0.insert(field.as_str().to_owned(), hash.clone()).as_ref() != Some(&hash) {
                change.changed.push(field);
                change.values.insert(field.as_str().to_owned(), value);
            }
        }
        (!change.changed.is_empty()).then_some(change)
    }
}

/// Stored, so the function stays the same in all versions: 64 bits of a UUID of version 5 of the JSON text.
fn hash(value: &Value) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, value.to_string().as_bytes());
    format!("{:016x}", id.as_u64_pair().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            title: Some("Kettle".to_owned()),
            bullets: Some(vec!["1.7 l".to_owned(), "Steel".to_owned()]),
            has_a_plus: Some(false),
            ..Content::default()
        }
    }

    #[test]
    fn the_first_version_has_all_that_was_read() {
        let change = ContentDigest::default().update(&content()).unwrap();
        assert_eq!(change.changed, [ContentField::Title, ContentField::Bullets, ContentField::HasAPlus]);
        assert_eq!(change.values["bullets"], serde_json::json!(["1.7 l", "Steel"]));
    }

    #[test]
    fn only_what_differs_makes_a_version_and_what_was_not_read_stays() {
        let mut digest = ContentDigest::default();
        digest.update(&content());
        assert_eq!(digest.update(&content()), None);
        assert_eq!(digest.update(&Content::default()), None);
        let reordered = Content { bullets: Some(vec!["Steel".to_owned(), "1.7 l".to_owned()]), ..Content::default() };
        assert_eq!(digest.update(&reordered).unwrap().changed, [ContentField::Bullets]);
        assert_eq!(digest.update(&content()).unwrap().changed, [ContentField::Bullets]);
    }

    #[test]
    fn a_digest_is_the_same_in_all_versions() {
        assert_eq!(hash(&Value::from("Kettle")), hash(&serde_json::json!("Kettle")));
        let mut digest = ContentDigest::default();
        digest.update(&Content { has_video: Some(true), ..Content::default() });
        assert_eq!(serde_json::to_string(&digest).unwrap(), r#"{"has_video":"479d720df5ca5a06"}"#);
    }

    #[test]
    fn texts_are_bounded_and_storable() {
        let seen = Content { description: Some(format!("a\0{}", "b".repeat(20_000))), ..Content::default() };
        let change = ContentDigest::default().update(&seen).unwrap();
        let description = change.values["description"].as_str().unwrap();
        assert_eq!((description.len(), &description[..2]), (10_000, "ab"));
    }
}
