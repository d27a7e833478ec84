//! Whether a product has videos, from the script that builds the gallery: many pages show no thumbnail of a video before that script runs.

use memchr::memmem;

/// The key of the list of videos; what follows tells whether it is empty.
const LIST: &[u8] = b"\"videos\":[";

/// A streaming search for the list of videos.
#[derive(Debug, Default)]
pub(super) struct ListedVideos {
    /// True when the list has an item; `None`: there is no list.
    pub(super) has_any: Option<bool>,
    /// The end of the text that was read, in which the list may begin.
    tail: Vec<u8>,
}

impl ListedVideos {
    /// Reads the next fragment of a script.
    pub(super) fn push(&mut self, fragment: &str) {
        if self.has_any.is_some() {
            return;
        }
        let joined = [std::mem::take(&mut self.tail).as_slice(), fragment.as_bytes()].concat();
        let list = memmem::find(&joined, LIST);
        let first = list.and_then(|at| joined.get(at + LIST.len()));
        self.has_any = first.map(|byte| *byte != b']');
        self.tail = joined[joined.len().saturating_sub(LIST.len())..].to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_found_at_every_split() {
        for (list, expected) in
            [(r#""videos":[{"offset":"0"}]"#, Some(true)), (r#""videos":[],"#, Some(false)), (r#""videos" 1"#, None)]
        {
            let script = format!(r#"var obj = jQuery.parseJSON('{{"dataInJson":null,{list}"title":"Kettle"}}');"#);
            for fragment_bytes in [script.len(), 61, 7, 1] {
                let mut videos = ListedVideos::default();
                for fragment in script.as_bytes().chunks(fragment_bytes) {
                    videos.push(std::str::from_utf8(fragment).expect("the script is ASCII"));
                }
                assert_eq!(videos.has_any, expected, "{list} in fragments of {fragment_bytes} bytes");
            }
        }
    }
}
