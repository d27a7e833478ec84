//! Where one token of HTML ends and the next begins. No more of the syntax than that.

use memchr::memchr;

/// What the front of some bytes is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text of this length: up to the next `<`.
    Text(usize),
    Start(Tag<'a>),
    End(Tag<'a>),
    /// `<!--`: see [`comment`].
    CommentStart,
    /// `<!doctype …>`, `<?…>`, `</ …>`, of this length.
    Declaration(usize),
    /// It goes on behind these bytes.
    Unfinished,
}

/// A tag with everything between `<` and `>`, both included.
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

    /// Of two attributes with one name the first counts.
    fn note(&mut self, attribute: &[u8], value: &'a [u8]) {
        if attribute.eq_ignore_ascii_case(b"id") {
            self.id = self.id.or(Some(value));
        } else if attribute.eq_ignore_ascii_case(b"class") {
            self.classes = self.classes.or(Some(value));
        }
    }
}

/// The length of `<!--`.
pub(super) const COMMENT_START_BYTES: usize = 4;

/// The token at the front of bytes that are not empty.
pub(super) fn next(bytes: &[u8]) -> Token<'_> {
    match bytes {
        [b'<', b'!', rest @ ..] => declaration(bytes, rest),
        [b'<', b'?', ..] => up_to_bracket(bytes),
        [b'<', b'/', letter, ..] if letter.is_ascii_alphabetic() => tag(bytes, 2).map_or(Token::Unfinished, Token::End),
        [b'<', b'/', _, ..] => up_to_bracket(bytes),
        [b'<', letter, ..] if letter.is_ascii_alphabetic() => tag(bytes, 1).map_or(Token::Unfinished, Token::Start),
        [b'<'] | [b'<', b'/'] => Token::Unfinished,
        // A lone `<` is text.
        _ => Token::Text(memchr(b'<', &bytes[1..]).map_or(bytes.len(), |at| at + 1)),
    }
}

fn declaration<'a>(bytes: &'a [u8], behind: &[u8]) -> Token<'a> {
    match behind {
        [b'-', b'-', ..] => Token::CommentStart,
        [] | [b'-'] => Token::Unfinished,
        _ => up_to_bracket(bytes),
    }
}

fn up_to_bracket(bytes: &[u8]) -> Token<'_> {
    memchr(b'>', bytes).map_or(Token::Unfinished, |end| Token::Declaration(end + 1))
}

/// The tag at the front, unless it goes on behind these bytes. A `>` inside of a value does not end it.
fn tag(bytes: &[u8], name_start: usize) -> Option<Tag<'_>> {
    let name_length = bytes[name_start..].iter().position(|byte| matches!(byte, b'>' | b'/') || is_blank(*byte))?;
    let name = &bytes[name_start..name_start + name_length];
    let mut from = name_start + name_length;
    let mut tag = Tag { bytes: &bytes[..=from], name, id: None, classes: None };
    // Nearly all end tags are as short as that.
    if bytes[from] == b'>' {
        return Some(tag);
    }
    let mut at = from;
    loop {
        // Names are short: a search in steps of many bytes would cost more than it saves.
        at += bytes[at..].iter().position(|byte| matches!(byte, b'>' | b'='))?;
        if bytes[at] == b'>' {
            tag.bytes = &bytes[..=at];
            return Some(tag);
        }
        let attribute = last_word(&bytes[from..at]);
        at += 1;
        // A `=` with no name before it is the start of a strange name.
        if !attribute.is_empty() {
            let (value, end) = value(bytes, at)?;
            tag.note(attribute, value);
            (from, at) = (end, end);
        }
    }
}

/// The name of the attribute whose `=` comes next.
fn last_word(before: &[u8]) -> &[u8] {
    let end = before.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    let word = &before[..end];
    &word[word.iter().rposition(|byte| is_blank(*byte) || *byte == b'/').map_or(0, |last| last + 1)..]
}

/// The value behind a `=`, and the place where it ends.
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

/// The length of the rest of a comment, when it ends here. `last` are the last bytes before, and become those at the end
/// of `bytes`: a comment may be cut anywhere.
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

/// The length of the text in front of `</name`, or of as much of it as is surely text; `true` when the end tag follows.
pub(super) fn raw_text(bytes: &[u8], name: &[u8]) -> (usize, bool) {
    for at in memchr::memchr_iter(b'<', bytes) {
        let behind = &bytes[at + 1..];
        let Some(behind_name) = behind.get(name.len() + 1) else { return (at, false) };
        let ends_name = matches!(behind_name, b'>' | b'/') || is_blank(*behind_name);
        if behind[0] == b'/' && ends_name && behind[1..=name.len()].eq_ignore_ascii_case(name) {
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
    fn a_tag_ends_at_a_bracket_outside_of_quotes() {
        for tag in ["<p>", "</p >", "<a b=\"c>d\" e>", "<a b = 'c>\"d'>", "<a title=it's>", "<a b\">", "<br/>"] {
            assert_eq!(length_of_tag(&format!("{tag}> ' \">")), Some(tag.len()), "{tag}");
            for cut in 1..tag.len() {
                assert_eq!(next(&tag.as_bytes()[..cut]), Token::Unfinished, "{tag} cut at {cut}");
            }
        }
    }

    #[test]
    fn id_and_class_are_found_however_they_are_written() {
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
    fn a_comment_ends_as_browsers_end_it_wherever_it_is_cut() {
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
    fn raw_text_ends_at_its_own_end_tag_only() {
        assert_eq!(raw_text(b"a</b></SCRIPT >", b"script"), (5, true));
        assert_eq!(raw_text(b"a</scripts>", b"script"), (11, false));
        assert_eq!(raw_text(b"a</scr", b"script"), (1, false));
    }
}
