//! Texts of strangers in messages: cleaned, cut to the limits of a service and only then escaped.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

const ELLIPSIS: &str = "…";
/// Invisible. After an `@` it makes a mention plain text.
pub(super) const ZERO_WIDTH_SPACE: char = '\u{200B}';

/// How a service counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Characters (code points).
    Chars,
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16.
    Utf16,
}

impl Unit {
    /// The length of a text.
    pub fn len(self, text: &str) -> usize {
        match self {
            Self::Chars => text.chars().count(),
            Self::Bytes => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// The start of a text that is at most so long, with an ellipsis if something is left out. What people see as one
/// character stays whole, unless it alone is longer than the limit.
pub(super) fn cut(text: &str, limit: usize, unit: Unit) -> Cow<'_, str> {
    if unit.len(text) <= limit {
        return Cow::Borrowed(text);
    }
    let Some(room) = limit.checked_sub(unit.len(ELLIPSIS)) else { return Cow::Borrowed("") };
    let mut end = prefix(text.graphemes(true), room, unit);
    if end == 0 {
        end = prefix(text.split_inclusive(|_| true), room, unit);
    }
    Cow::Owned(format!("{}{ELLIPSIS}", text[..end].trim_end()))
}

/// The number of bytes of the leading parts that fit.
fn prefix<'a>(parts: impl Iterator<Item = &'a str>, room: usize, unit: Unit) -> usize {
    let (mut end, mut used) = (0, 0);
    for part in parts {
        used += unit.len(part);
        if used > room {
            break;
        }
        end += part.len();
    }
    end
}

/// A text without line breaks and control characters; also without the characters that change the direction of all that
/// follows.
pub(super) fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    let visible: String = spaced.filter(|c| !is_direction_control(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same of a text that may have several lines.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Embeddings, overrides and isolates. One that is not closed would turn around the texts after it; letters of
/// right-to-left scripts need none.
fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Makes every mention plain text: `@everyone`, `@here`, `@channel`, `@all`, `@room`, `@name` and `<!channel>`.
pub(super) fn without_mentions(text: &str) -> String {
    escape(text, |c| (c == '@').then_some("@\u{200B}")).replace("<!", "<\u{200B}!")
}

/// Escapes text for HTML, in content and in quoted attributes.
pub(super) fn html(text: &str) -> String {
    escape(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    })
}

/// Escapes text for Markdown (CommonMark and Discord's): the signs that begin something anywhere or at the start of a
/// line.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if "\\`*_[]<>#+-|~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn escape(text: &str, replacement: impl Fn(char) -> Option<&'static str>) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replacement(c) {
            Some(replaced) => escaped.push_str(replaced),
            None => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_in_the_unit_of_its_service_with_an_ellipsis() {
        assert_eq!(cut("abcdef", 6, Unit::Chars), "abcdef");
        assert_eq!(cut("abcdef", 5, Unit::Chars), "abcd…");
        assert_eq!(cut("äöüß", 7, Unit::Bytes), "äö…");
        assert_eq!(cut("😀😀😀", 5, Unit::Utf16), "😀😀…");
        assert_eq!(cut("abc", 0, Unit::Bytes), "");
    }

    #[test]
    fn what_people_see_as_one_character_stays_whole() {
        assert_eq!(cut("a👨‍👩‍👧‍👦b", 5, Unit::Chars), "a…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 4, Unit::Chars), "e\u{301}…");
        let one = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(Unit::Chars.len(&cut(&one, 10, Unit::Chars)), 10);
    }

    #[test]
    fn a_line_has_no_breaks_and_turns_no_other_text_around() {
        assert_eq!(one_line(" a\r\n\u{202E}b\0c\u{2028}d\t e "), "a b c d e");
        assert_eq!(lines("a \n\n b\r\nc\n"), "a\n\nb\nc");
    }

    #[test]
    fn markup_is_escaped_and_mentions_do_not_fire() {
        assert_eq!(html("<b>&'\""), "&lt;b&gt;&amp;&#39;&quot;");
        assert_eq!(markdown("<b>&_*[(-.!"), "\\<b\\>&\\_\\*\\[(\\-.!");
        assert_eq!(without_mentions("@everyone"), "@\u{200B}everyone");
        assert_eq!(without_mentions("<!channel>"), "<\u{200B}!channel>");
    }
}
