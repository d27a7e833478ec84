//! Writes SVG: coordinates in tenths of a pixel, paths by relative steps, escaped text.

use std::fmt;

/// A coordinate or length in tenths of a CSS pixel. Whole numbers, so that rounding errors do not add up along a path
/// and the output is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tenths(pub i32);

/// So many whole pixels.
pub(super) const fn px(pixels: i32) -> i32 {
    pixels * 10
}

impl fmt::Display for Tenths {
    /// In pixels: `12.3`, `12`, `-.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenth) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        let sign = if self.0 < 0 { "-" } else { "" };
        match (whole, tenth) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (0, tenth) => write!(f, "{sign}.{tenth}"),
            (whole, tenth) => write!(f, "{sign}{whole}.{tenth}"),
        }
    }
}

/// The data of a path of horizontal and vertical lines.
#[derive(Default)]
pub(super) struct PathData {
    text: String,
    at: (i32, i32),
}

impl PathData {
    /// Begins another line.
    pub fn move_to(&mut self, x: i32, y: i32) {
        self.text.push_str(&format!("M{} {}", Tenths(x), Tenths(y)));
        self.at = (x, y);
    }

    /// A horizontal line.
    pub fn line_to_x(&mut self, x: i32) {
        if x != self.at.0 {
            self.text.push_str(&format!("h{}", Tenths(x - self.at.0)));
            self.at.0 = x;
        }
    }

    /// A vertical line.
    pub fn line_to_y(&mut self, y: i32) {
        if y != self.at.1 {
            self.text.push_str(&format!("v{}", Tenths(y - self.at.1)));
            self.at.1 = y;
        }
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, left: i32, top: i32, right: i32, bottom: i32) {
        self.move_to(left, top);
        self.line_to_x(right);
        self.line_to_y(bottom);
        self.line_to_x(left);
        self.close();
    }

    /// Back to the beginning of this line.
    pub fn close(&mut self) {
        self.text.push('z');
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Display for PathData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Text for an element or a quoted attribute of XML or HTML. Control characters, which XML forbids or which reverse the direction of
/// other text, become spaces.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if is_control(letter) => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_at_most_one_decimal() {
        let written = [123, 120, 5, -5, -123, 0].map(|tenths| Tenths(tenths).to_string());
        assert_eq!(written, ["12.3", "12", ".5", "-.5", "-12.3", "0"]);
    }

    #[test]
    fn lines_of_no_length_are_left_out() {
        let mut path = PathData::default();
        path.move_to(px(1), px(2));
        path.line_to_x(px(1));
        path.line_to_y(px(3));
        path.line_to_x(px(4));
        assert_eq!(path.to_string(), "M1 2v1h3");
    }

    #[test]
    fn text_cannot_end_its_element_or_reverse_what_follows() {
        assert_eq!(escape("</text>&\"'"), "&lt;/text&gt;&amp;&quot;&#39;");
        assert_eq!(escape("a\u{0}b\nc\u{202e}d"), "a b c d");
    }
}
