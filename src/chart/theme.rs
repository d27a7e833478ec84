//! Colours. Text has a contrast of at least 4.5:1 to its background, lines of at least 3:1.

/// The colours of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on near-black.
    Dark,
    /// As the reader of the SVG prefers.
    Auto,
}

/// Lines beside that of the price.
pub(super) const BESIDE: usize = 4;

/// Their dashes, so that nobody needs to see colours.
pub(super) const DASHES: [&str; BESIDE] = ["7 3", "2 3", "10 3 2 3", "14 4"];

/// Colours as SVG writes them: `#rrggbb`.
pub(super) struct Palette {
    pub background: &'static str,
    /// The title.
    pub text: &'static str,
    /// All other text but the target's.
    pub muted: &'static str,
    pub grid: &'static str,
    /// The price.
    pub line: &'static str,
    /// The sales rank: its line and its labels.
    pub rank: &'static str,
    /// Lines beside that of the price.
    pub beside: [&'static str; BESIDE],
    /// The target's line and label.
    pub target: &'static str,
    /// Times without an offer.
    pub no_offer: &'static str,
    /// Strokes of the hatching of times without a successful crawl.
    pub hatch: &'static str,
    /// Names the pattern of the hatching, so that both themes may stand in one HTML document.
    pub hatch_id: &'static str,
}

const LIGHT: Palette = Palette {
    background: "#ffffff",
    text: "#1f2328",
    muted: "#59636e",
    grid: "#e3e7ec",
    line: "#0969da",
    rank: "#8250df",
    beside: ["#bc4c00", "#1a7f37", "#8250df", "#bf3989"],
    target: "#9a5b00",
    no_offer: "#eef1f4",
    hatch: "#ccd3da",
    hatch_id: "hatch-light",
};

const DARK: Palette = Palette {
    background: "#0d1117",
    text: "#e6edf3",
    muted: "#9aa4ae",
    grid: "#232a33",
    line: "#58a6ff",
    rank: "#bc8cff",
    beside: ["#f0883e", "#3fb950", "#bc8cff", "#f778ba"],
    target: "#e0a33a",
    no_offer: "#1a212a",
    hatch: "#3b444e",
    hatch_id: "hatch-dark",
};

/// The colours are those of [`Theme::style`].
const AUTO: Palette = Palette {
    background: "var(--background)",
    text: "var(--text)",
    muted: "var(--muted)",
    grid: "var(--grid)",
    line: "var(--line)",
    rank: "var(--rank)",
    beside: ["var(--beside-0)", "var(--beside-1)", "var(--beside-2)", "var(--beside-3)"],
    target: "var(--target)",
    no_offer: "var(--no-offer)",
    hatch: "var(--hatch)",
    hatch_id: "hatch-auto",
};

impl Theme {
    pub(super) fn palette(self) -> &'static Palette {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
            Self::Auto => &AUTO,
        }
    }

    /// The element that gives the colours their values; empty if they have them.
    pub(super) fn style(self) -> String {
        if self != Self::Auto {
            return String::new();
        }
        let (light, dark) = (LIGHT.variables(), DARK.variables());
        format!("<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>")
    }
}

impl Palette {
    /// The colours as the variables that [`AUTO`] names.
    fn variables(&self) -> String {
        let name = |colour: &'static str| colour.trim_start_matches("var(").trim_end_matches(')');
        let named = AUTO.colours().into_iter().map(name).zip(self.colours());
        named.map(|(name, colour)| format!("{name}:{colour};")).collect()
    }

    fn colours(&self) -> [&'static str; 9 + BESIDE] {
        let Self { background, text, muted, grid, line, rank, beside, target, no_offer, hatch, hatch_id: _ } = self;
        let [first, second, third, fourth] = beside;
        [background, text, muted, grid, line, rank, target, no_offer, hatch, first, second, third, fourth]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it, 0–1.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_and_lines_stand_out_from_the_background() {
        for palette in [&LIGHT, &DARK] {
            for text in [palette.text, palette.muted, palette.target, palette.rank] {
                assert!(contrast(text, palette.background) >= 4.5, "{text} on {}", palette.background);
            }
            for line in palette.beside.iter().chain([&palette.line]) {
                assert!(contrast(line, palette.background) >= 3.0, "{line} on {}", palette.background);
            }
        }
    }
}
