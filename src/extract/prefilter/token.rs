//! Splits HTML into tokens. It knows no more of the syntax than where a token ends.

use memchr::memchr;

/// The token at the front of a byte slice.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text of this length, up to the next `<`.
    Text(usize),
    Start(Tag<'a>),
    End(Tag<'a>),
    /// `<!--`: see [`comment`].
    CommentStart,
    /// `<!doctype …>`, `<?…>`, `</ …>`, of this length.
    Declaration(usize),
    /// The token is incomplete: more bytes are needed.
    Incomplete,
}

/// A tag from `<` to `>`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) id: Option<&'a [u8]>,
    pub(super) classes: Option<&'a [u8]>,
}

impl<'a> Tag<'a> {
    /// True for `<path/>`.
    pub(super) fn is_self_closing(self) -> bool {
        self.bytes.ends_with(b"/>")
    }

    /// Records an attribute. The first of several attributes with the same name counts.
    fn record(&mut self, attribute: &[u8], value: &'a [u8]) {
        if attribute.eq_ignore_ascii_case(b"id") {
            self.id = self.id.or(Some(value));
        } else if attribute.eq_ignore_ascii_case(b"class") {
            self.classes = self.classes.or(Some(value));
        }
    }
}

/// The length of `<!--`.
pub(super) const COMMENT_START_BYTES: usize = 4;

/// The token at the front. `bytes` must not be empty.
pub(super) fn next(bytes: &[u8]) -> Token<'_> {
    match bytes {
        [b'<', b'!', rest @ ..] => declaration(bytes, rest),
        [b'<', b'?', ..] => declaration_to_bracket(bytes),
        [b'<', b'/', letter, ..] if letter.is_ascii_alphabetic() => tag(bytes, 2).map_or(Token::Incomplete, Token::End),
        [b'<', b'/', _, ..] => declaration_to_bracket(bytes),
        [b'<', letter, ..] if letter.is_ascii_alphabetic() => tag(bytes, 1).map_or(Token::Incomplete, Token::Start),
        [b'<'] | [b'<', b'/'] => Token::Incomplete,
        // A `<` that starts no tag is text.
        _ => Token::Text(memchr(b'<', &bytes[1..]).map_or(bytes.len(), |at| at + 1)),
    }
}

fn declaration<'a>(bytes: &'a [u8], after: &[u8]) -> Token<'a> {
    match after {
        [b'-', b'-', ..] => Token::CommentStart,
        [] | [b'-'] => Token::Incomplete,
        _ => declaration_to_bracket(bytes),
    }
}

fn declaration_to_bracket(bytes: &[u8]) -> Token<'_> {
    memchr(b'>', bytes).map_or(Token::Incomplete, |end| Token::Declaration(end + 1))
}

/// The tag at the front; `None` if it is incomplete. A `>` inside a quoted value does not end it.
fn tag(bytes: &[u8], name_start: usize) -> Option<Tag<'_>> {
    let name_length = bytes[name_start..].iter().position(|byte| matches!(byte, b'>' | b'/') || is_blank(*byte))?;
    let name = &bytes[name_start..name_start + name_length];
    let mut from = name_start + name_length;
    let mut tag = Tag { bytes: &bytes[..=from], name, id: None, classes: None };
    // Fast path: nearly all end tags have no attributes.
    if bytes[from] == b'>' {
        return Some(tag);
    }
    let mut at = from;
    loop {
        // Attribute names are short, so a byte-wise search is faster than `memchr`.
        at += bytes[at..].iter().position(|byte| matches!(byte, b'>' | b'='))?;
        if bytes[at] == b'>' {
            tag.bytes = &bytes[..=at];
            return Some(tag);
        }
        let attribute = last_word(&bytes[from..at]);
        at += 1;
        // A `=` without a name before it is the first character of a name.
        if !attribute.is_empty() {
            let (value, end) = value(bytes, at)?;
            tag.record(attribute, value);
            (from, at) = (end, end);
        }
    }
}

/// The attribute name at the end of `before`, which is followed by `=`.
fn last_word(before: &[u8]) -> &[u8] {
    let end = before.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    let word = &before[..end];
    &word[word.iter().rposition(|byte| is_blank(*byte) || *byte == b'/').map_or(0, |last| last + 1)..]
}

/// The attribute value after a `=`, and the offset of its end.
fn value(bytes: &[u8], mut at: usize) -> Option<(&[u8], usize)> {
    at += bytes[at..].iter().position(|byte| !is_blank(*byte))?;
    let quote = bytes[at];
    if matches!(quote, b'"' | b'\'') {
        let length = memchr(quote, &bytes[at + 1..])?;
        return Some((&bytes[at + 1..=at + length], at + length + 2));
    }
    let length = bytes[at..].iter().position(|byte| *byte == b'>' || is_blank(*byte))?;
    Some((&bytes[at..at + length], at + length))
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// The length of the rest of a comment; `None` if it does not end in `bytes`. `last` holds the bytes before `bytes` and
/// is updated, because a comment may be split anywhere.
pub(super) fn comment(bytes: &[u8], last: &mut [u8; 3]) -> Option<usize> {
    for end in memchr::memchr_iter(b'>', bytes) {
        let before = last_bytes(*last, &bytes[..end]);
        if before.ends_with(b"--") || before == *b"--!" {
            return Some(end + 1);
        }
    }
    *last = last_bytes(*last, bytes);
    None
}

fn last_bytes(before: [u8; 3], bytes: &[u8]) -> [u8; 3] {
    match bytes {
        [] => before,
        [a] => [before[1], before[2], *a],
        [a, b] => [before[2], *a, *b],
        [.., a, b, c] => [*a, *b, *c],
    }
}

/// The length of the raw text at the front, up to anything that may be the end tag `</name`; `true` if the end tag
/// follows.
pub(super) fn raw_text(bytes: &[u8], name: &[u8]) -> (usize, bool) {
    for at in memchr::memchr_iter(b'<', bytes) {
        let after = &bytes[at + 1..];
        let Some(after_name) = after.get(name.len() + 1) else { return (at, false) };
        let ends_name = matches!(after_name, b'>' | b'/') || is_blank(*after_name);
        if after[0] == b'/' && ends_name && after[1..=name.len()].eq_ignore_ascii_case(name) {
            return (at, true);
        }
    }
    (bytes.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length_of_tag(page: &str) -> Option<usize> {
        match next(page.as_bytes()) {
            Token::Start(tag) | Token::End(tag) => Some(tag.bytes.len()),
            _ => None,
        }
    }

    #[test]
    fn a_tag_ends_at_a_bracket_outside_quotes() {
        for tag in ["<p>", "</p >", "<a b=\"c>d\" e>", "<a b = 'c>\"d'>", "<a title=it's>", "<a b\">", "<br/>"] {
            assert_eq!(length_of_tag(&format!("{tag}> ' \">")), Some(tag.len()), "{tag}");
            for cut in 1..tag.len() {
                assert_eq!(next(&tag.as_bytes()[..cut]), Token::Incomplete, "{tag} cut at {cut}");
            }
        }
    }

    #[test]
    fn id_and_class_are_found_in_every_notation() {
        for page in [
            "<p id=a class='b c'>",
            "<P x CLASS=\"b c\" ID = 'a'>",
            "<p data-id=z hidden id='a' id='second' class='b c'/>",
            "<p title='id=z class=z' id=a a='>' class='b c'>",
            "<p/id=a class='b c'>",
        ] {
            let Token::Start(tag) = next(page.as_bytes()) else { panic!("{page} is a start tag") };
            assert_eq!((tag.id, tag.classes), (Some(b"a".as_slice()), Some(b"b c".as_slice())), "{page}");
            assert_eq!(tag.bytes.len(), page.len(), "{page}");
        }
    }

    #[test]
    fn text_ends_at_the_next_bracket_and_may_start_with_one() {
        assert_eq!(next(b"a > b<p>"), Token::Text(5));
        assert_eq!(next(b"< b<p>"), Token::Text(3));
        assert_eq!(next(b"<!doctype html>x"), Token::Declaration(15));
    }

    #[test]
    fn a_comment_ends_as_in_browsers_at_every_split() {
        for (body, rest) in [(">", "x"), ("->", "x"), (" a -- > b -->", "<p>"), (" a --!>", "x"), (" a>b-->", "-->")] {
            let page = format!("{body}{rest}");
            for cut in 0..body.len() {
                let mut last = *b"!--";
                let (first, second) = page.as_bytes().split_at(cut);
                assert_eq!(comment(first, &mut last), None, "{page}");
                assert_eq!(comment(second, &mut last), Some(body.len() - cut), "{page} cut at {cut}");
            }
        }
    }

    #[test]
    fn raw_text_ends_only_at_its_own_end_tag() {
        assert_eq!(raw_text(b"a</b></SCRIPT >", b"script"), (5, true));
        assert_eq!(raw_text(b"a</scripts>", b"script"), (11, false));
        assert_eq!(raw_text(b"a</scr", b"script"), (1, false));
    }
}
