//! How much of each kind of content a listing has.

use serde_json::{Map, Value};

use crate::domain::ContentField;

/// The amounts; `None`: not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentCounts {
    /// Characters of the title.
    pub title_chars: Option<usize>,
    /// Feature bullets.
    pub bullets: Option<usize>,
    /// Images.
    pub images: Option<usize>,
    /// Characters of the description.
    pub description_chars: Option<usize>,
    /// There is A+ content.
    pub has_a_plus: Option<bool>,
    /// There is a video.
    pub has_video: Option<bool>,
}

impl ContentCounts {
    /// Of values by the names of [`ContentField`].
    pub fn of(content: &Map<String, Value>) -> Self {
        let value = |field: ContentField| content.get(field.as_str());
        let chars = |field| value(field).and_then(Value::as_str).map(|text| text.chars().count());
        let items = |field| value(field).and_then(Value::as_array).map(Vec::len);
        let flag = |field| value(field).and_then(Value::as_bool);
        Self {
            title_chars: chars(ContentField::Title),
            bullets: items(ContentField::Bullets),
            images: items(ContentField::ImageIds),
            description_chars: chars(ContentField::Description),
            has_a_plus: flag(ContentField::HasAPlus),
            has_video: flag(ContentField::HasVideo),
        }
    }
}
