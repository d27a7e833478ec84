//! The PNG of an SVG, by `resvg`: nothing is loaded from outside, and the only font is the embedded one.
//!
//! The font is DejaVu Sans 2.37 cut down to the letters of [`is_drawable`](super::is_drawable), without hinting, by
//! `pyftsubset` of fonttools (the ranges are those of `has_glyph` in `label.rs`):
//!
//! ```text
//! pyftsubset DejaVuSans.ttf --unicodes=U+0020-007E,U+00A0-017F,U+0218-021B,U+0386-03CE,U+0401-045F,U+0490-0491,\
//! U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+202F,U+2030,U+2039-203A,U+20A0-20BF,U+2122,U+2190-2193,U+2212 \
//!   --no-hinting --layout-features=kern,mark,mkmk,ccmp,locl --name-IDs=0,1,2,3,4,5,6,13,14 --notdef-outline \
//!   --no-glyph-names --drop-tables+=MATH,FFTM --no-recalc-timestamp --output-file=DejaVuSans-subset.ttf
//! ```

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::roxmltree::Document;
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use super::ChartError;

/// The widest image, in device pixels.
pub const MAX_PNG_WIDTH: u32 = 2_000;
/// The highest image, in device pixels.
pub const MAX_PNG_HEIGHT: u32 = 1_000;

/// The longest SVG that is read, in bytes; charts are a quarter of it.
const MAX_SVG_BYTES: usize = 256 * 1_024;

/// The family name of the embedded font.
pub(super) const FONT_FAMILY: &str = "DejaVu Sans";

/// Its licence is in `font/LICENSE.txt`.
const FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_source(Source::Binary(Arc::new(FONT)));
    fonts.set_sans_serif_family(FONT_FAMILY);
    Arc::new(fonts)
});

/// Draws a chart of this module as a PNG of `scale` device pixels per CSS pixel. Takes some milliseconds of computing:
/// call it where that blocks nobody.
///
/// # Errors
/// [`ChartError::PngSize`] for an image that is empty or larger than [`MAX_PNG_WIDTH`] x [`MAX_PNG_HEIGHT`],
/// [`ChartError::Svg`] for a text that is not a chart.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, ChartError> {
    if svg.len() > MAX_SVG_BYTES {
        return Err(ChartError::Svg(format!("longer than {MAX_SVG_BYTES} bytes")));
    }
    // Without a document type, which could define entities that grow.
    let document = Document::parse(svg).map_err(|error| ChartError::Svg(error.to_string()))?;
    let tree = Tree::from_xmltree(&document, &options()).map_err(|error| ChartError::Svg(error.to_string()))?;
    let (width, height) = (pixels(tree.size().width(), scale)?, pixels(tree.size().height(), scale)?);
    if width > MAX_PNG_WIDTH || height > MAX_PNG_HEIGHT {
        return Err(ChartError::PngSize);
    }
    let mut pixmap = Pixmap::new(width, height).ok_or(ChartError::PngSize)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| ChartError::Encode(error.to_string()))
}

/// Nothing from outside: images are not resolved, whether they are files, links or data.
fn options() -> Options<'static> {
    Options {
        font_family: FONT_FAMILY.to_owned(),
        fontdb: FONTS.clone(),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

/// A length in device pixels.
fn pixels(length: f32, scale: f32) -> Result<u32, ChartError> {
    let pixels = (length * scale).round();
    // False for what is not a number, too.
    if !(1.0..=65_535.0).contains(&pixels) {
        return Err(ChartError::PngSize);
    }
    // A whole number within the limits: exact.
    Ok(pixels as u32)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{chart, points};
    use super::super::svg::escape;
    use super::*;

    fn image(svg: &str, scale: f32) -> Pixmap {
        Pixmap::decode_png(&png(svg, scale).unwrap()).unwrap()
    }

    fn svg(inside: &str) -> String {
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">{inside}</svg>"#)
    }

    #[test]
    fn the_image_has_the_wanted_size_and_is_not_blank() {
        let points = points(&[(20_610, Some(39_900)), (20_640, Some(34_999))]);
        let svg = chart(&points, &[]).svg();
        for (scale, size) in [(1.0, (640, 240)), (2.0, (1_280, 480))] {
            let image = image(&svg, scale);
            assert_eq!((image.width(), image.height()), size);
            let first = image.pixels()[0];
            let others = image.pixels().iter().filter(|pixel| **pixel != first).count();
            assert!(others > 2_000, "{others}");
        }
    }

    /// Draws each letter in a cell of its own, 25 in a row. The pixels of every cell.
    fn cells(letters: &[char]) -> Vec<Vec<u8>> {
        let cell = |at: usize| (at % 25 * 20, at / 25 * 20);
        let text = |(at, letter): (usize, &char)| {
            let ((x, y), letter) = (cell(at), escape(&letter.to_string()));
            format!(r#"<text x="{}" y="{}" font-size="10">{letter}</text>"#, x + 4, y + 14)
        };
        let texts: String = letters.iter().enumerate().map(text).collect();
        let height = letters.len().div_ceil(25) * 20;
        let image = image(
            &format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="500" height="{height}">{texts}</svg>"#),
            1.0,
        );
        let rows =
            |(x, y): (usize, usize)| (y..y + 20).flat_map(move |row| (row * 500 + x) * 4..(row * 500 + x + 20) * 4);
        (0..letters.len()).map(|at| rows(cell(at)).map(|byte| image.data()[byte]).collect()).collect()
    }

    #[test]
    fn every_letter_that_counts_as_drawable_has_a_shape_and_others_have_not() {
        let is_visible = |letter: &char| !letter.is_whitespace() && *letter != '\u{ad}';
        let is_drawable = |letter: &char| super::super::is_drawable(&letter.to_string());
        let mut letters: Vec<char> = ('\u{20}'..='\u{2212}').filter(is_drawable).filter(is_visible).collect();
        // A space, and letters that the font lacks.
        letters.extend([' ', 'ヘ', 'س', '\u{e000}']);
        let cells = cells(&letters);
        let (drawn, others) = cells.split_at(letters.len() - 4);
        assert!(drawn.len() > 500);
        for (cell, letter) in drawn.iter().zip(&letters) {
            assert!(!others.contains(cell), "{letter} U+{:04X}", *letter as u32);
        }
        assert!(others[1..].iter().all(|cell| *cell == others[3]), "one shape stands for all that is missing");
    }

    #[test]
    fn images_that_are_too_large_or_empty_are_refused() {
        let svg = chart(&[], &[]).svg();
        for scale in [3.2, 5.0, 0.0, -1.0, 0.0001, f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(png(&svg, scale), Err(ChartError::PngSize), "{scale}");
        }
    }

    #[test]
    fn nothing_outside_of_the_text_is_loaded() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let data = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'%3E\
            %3Crect width='9' height='9'/%3E%3C/svg%3E";
        for href in [file, data, "http://127.0.0.1:9/x.png"] {
            let with_image = image(&svg(&format!(r#"<image href="{href}" width="60" height="20"/>"#)), 1.0);
            assert_eq!(with_image.data(), image(&svg(""), 1.0).data(), "{href}");
        }
    }

    #[test]
    fn other_texts_are_errors() {
        let entities = format!("<!DOCTYPE svg [<!ENTITY a 'b'>]>{}", svg("<text>&a;</text>"));
        for text in ["", "<svg", "<html/>", &entities, &"x".repeat(MAX_SVG_BYTES + 1)] {
            assert!(matches!(png(text, 1.0), Err(ChartError::Svg(_))));
        }
        assert!(Document::parse(&chart(&[], &[]).svg()).is_ok());
    }
}
