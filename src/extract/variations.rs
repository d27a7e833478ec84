//! The variations of a product and their parent, from the script that switches between them. Such scripts have hundreds of kilobytes,
//! so they are searched as they arrive and never kept.

use memchr::memmem;

use crate::domain::Asin;

/// `"parentAsin" : "B0…"`.
const PARENT: &str = "parentAsin";
/// `"dimensionValuesDisplayData" : {"B0…":["Black","L"],…}`.
const MAP: &str = "dimensionValuesDisplayData";
/// Bytes after a key in which its value begins.
const LOOKAHEAD_BYTES: usize = 48;
/// Maximum number of variations. More are not listed.
const MAX_VARIATIONS: usize = 2000;
/// Length of an ASIN, in bytes.
const ASIN_BYTES: usize = 10;

/// A streaming search for the keys of the variations.
#[derive(Debug, Default)]
pub(super) struct Variations {
    pub(super) parent: Option<Asin>,
    pub(super) asins: Vec<Asin>,
    /// The end of the text that was read, in which a key or its value may begin.
    tail: Vec<u8>,
    /// The word since the last quote, while inside the map.
    word: Option<Word>,
}

#[derive(Debug, Default)]
struct Word {
    bytes: [u8; ASIN_BYTES],
    /// Length of the word; more than [`ASIN_BYTES`] when it is no ASIN.
    length: usize,
}

impl Variations {
    /// Reads the next fragment of a script.
    pub(super) fn push(&mut self, fragment: &str) {
        let joined = [std::mem::take(&mut self.tail).as_slice(), fragment.as_bytes()].concat();
        let unread = self.search(&joined, false);
        self.tail = joined[unread..].to_vec();
    }

    /// Ends a script.
    pub(super) fn end(&mut self) {
        let rest = std::mem::take(&mut self.tail);
        self.search(&rest, true);
        self.word = None;
    }

    /// Searches as far as keys and values are complete, and returns where the incomplete rest begins.
    fn search(&mut self, text: &[u8], is_last: bool) -> usize {
        let mut at = 0;
        loop {
            if self.word.is_some() {
                at += self.read_map(&text[at..]);
                if self.word.is_some() {
                    return text.len();
                }
            }
            let Some((key, after)) = self.next_key(&text[at..]) else {
                return if is_last { text.len() } else { at.max(text.len().saturating_sub(MAP.len())) };
            };
            let value = at + after;
            if text.len() < value + LOOKAHEAD_BYTES && !is_last {
                return value - key.len();
            }
            if key == PARENT {
                self.parent = self.parent.or_else(|| quoted_asin(&text[value..]));
                at = value;
            } else {
                let opens = assigned(&text[value..]).filter(|after| text[value + after..].first() == Some(&b'{'));
                self.word = opens.map(|_| Word::default());
                at = value + opens.map_or(0, |after| after + 1);
            }
        }
    }

    /// The first key of the text, and the offset of what follows it. The parent is searched until it is known.
    fn next_key(&self, text: &[u8]) -> Option<(&'static str, usize)> {
        let found = |key: &'static str| memmem::find(text, key.as_bytes()).map(|at| (key, at + key.len()));
        let parent = if self.parent.is_none() { found(PARENT) } else { None };
        [parent, found(MAP)].into_iter().flatten().min_by_key(|(_, after)| *after)
    }

    /// Reads words up to the end of the map, and returns the length of what was read.
    fn read_map(&mut self, text: &[u8]) -> usize {
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'}' => {
                    self.word = None;
                    return at + 1;
                }
                b'"' => {
                    let word = self.word.replace(Word::default()).unwrap_or_default();
                    self.asins.extend(word.asin().filter(|_| self.asins.len() < MAX_VARIATIONS));
                }
                byte => self.word.iter_mut().for_each(|word| word.push(*byte)),
            }
        }
        text.len()
    }
}

impl Word {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// Labels of ten letters or digits are not ASINs; those of products that vary begin with B.
    fn asin(&self) -> Option<Asin> {
        let is_asin = self.length == ASIN_BYTES && self.bytes[0] == b'B';
        is_asin.then(|| std::str::from_utf8(&self.bytes).ok()?.parse().ok()).flatten()
    }
}

/// The offset of the value that is assigned to the key before `text`.
fn assigned(text: &[u8]) -> Option<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let quotes = text.iter().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let sign = quotes + text[quotes..].iter().take_while(|byte| blank(byte)).count();
    let after = matches!(text.get(sign), Some(b':' | b'=')).then_some(sign + 1)?;
    Some(after + text[after..].iter().take_while(|byte| blank(byte)).count())
}

/// The ASIN that is assigned to the key before `text`. What is quoted further on belongs to another key.
fn quoted_asin(text: &[u8]) -> Option<Asin> {
    let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
    let at = assigned(text)? + 1;
    let asin = text.get(at..at + ASIN_BYTES)?;
    let is_quoted = is_quote(text.get(at - 1)) && is_quote(text.get(at + ASIN_BYTES));
    is_quoted.then(|| std::str::from_utf8(asin).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &str, fragment_bytes: usize) -> (Option<String>, Vec<String>) {
        let mut variations = Variations::default();
        for fragment in script.as_bytes().chunks(fragment_bytes) {
            variations.push(std::str::from_utf8(fragment).expect("the scripts of these tests are ASCII"));
        }
        variations.end();
        let asins = variations.asins.iter().map(ToString::to_string).collect();
        (variations.parent.map(|asin| asin.to_string()), asins)
    }

    #[test]
    fn keys_are_found_in_a_long_script_at_every_split() {
        let filler = r#"{"colorImages":{"initial":[]},"B0FILLER01":"#.repeat(8000);
        let script = format!(
            r#"var data = {filler} "parentAsinList" : ["B000000001"], "parentAsin": null, "asin" : "B000000002", "parentAsin" : "B000000003",
            {filler} "dimensionValuesDisplayData" : {{"B000000004":["Black","BIG-SIZE-1"],"B000000005":["Red","L"]}}, "B000000006": 1"#
        );
        assert!(script.len() > 300 * 1024);
        let expected = (Some("B000000003".to_owned()), vec!["B000000004".to_owned(), "B000000005".to_owned()]);
        for fragment_bytes in [script.len(), 65_536, 4096, 61, 7] {
            assert_eq!(read(&script, fragment_bytes), expected, "in fragments of {fragment_bytes} bytes");
        }
    }

    #[test]
    fn the_parent_is_the_value_of_its_own_key() {
        for script in
            [r#""parentAsin":"","currentAsin":"B000000002""#, "parentAsin", "parentAsin :", r#"parentAsin="B0"#]
        {
            assert_eq!(read(script, 5), (None, vec![]), "{script}");
        }
        assert_eq!(read("parentAsin = 'B000000003';", 64).0.as_deref(), Some("B000000003"));
    }

    #[test]
    fn a_script_does_not_continue_in_the_next_one() {
        let mut variations = Variations::default();
        variations.push(r#""dimensionValuesDisplayData" : {"B000000004":"#);
        variations.end();
        variations.push(r#"["B000000009"]"#);
        variations.end();
        assert_eq!(variations.asins.len(), 1);
    }
}
