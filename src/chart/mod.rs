//! Charts of a price: one SVG writer, and the PNG of what it writes. Pure: no I/O and no clock.
//!
//! The picture tells no more than is known. A price is a line of steps at their true times. Times without a successful
//! crawl are hatched, times without an offer are tinted, and no line crosses either. The same chart always gives the
//! same bytes.

mod amount;
mod amount_axis;
mod date_axis;
mod frame;
mod label;
mod marks;
mod picture;
mod placement;
mod png;
mod ranks;
mod segment;
mod summary;
mod svg;
mod theme;
mod trace;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::steps::Gap;
use crate::domain::{Currency, Money, Point};

pub use label::is_drawable;
pub use png::{MAX_PNG_HEIGHT, MAX_PNG_WIDTH, png};
pub use svg::escape;
pub use theme::Theme;
pub use words::ChartLanguage;

/// Why there is no chart.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChartError {
    /// The chart is too small to be read, or too large.
    #[error(
        "a chart of {width}x{height} pixels is not supported; width must be {}-{}, height {}-{}",
        Size::MIN_WIDTH,
        Size::MAX_WIDTH,
        Size::MIN_HEIGHT,
        Size::MAX_HEIGHT
    )]
    Size {
        /// Requested width in pixels.
        width: u32,
        /// Requested height in pixels.
        height: u32,
    },
    /// The scale is not a positive number, or the image would be too large.
    #[error(
        "the image is larger than {MAX_PNG_WIDTH}x{MAX_PNG_HEIGHT} pixels, or empty; use a smaller size or another scale"
    )]
    PngSize,
    /// The text is not a chart: not SVG, or too long.
    #[error("cannot read the SVG: {0}")]
    Svg(String),
    /// The PNG encoder failed.
    #[error("cannot encode the PNG: {0}")]
    Encode(String),
}

/// Width and height of a chart in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// The smallest width: labels need some room.
    pub const MIN_WIDTH: u32 = 200;
    /// The largest width.
    pub const MAX_WIDTH: u32 = 2_000;
    /// The smallest height.
    pub const MIN_HEIGHT: u32 = 100;
    /// The largest height.
    pub const MAX_HEIGHT: u32 = 1_000;

    /// A size in CSS pixels.
    ///
    /// # Errors
    /// [`ChartError::Size`] when it is not within the limits.
    pub fn new(width: u32, height: u32) -> Result<Self, ChartError> {
        let is_supported = (Self::MIN_WIDTH..=Self::MAX_WIDTH).contains(&width)
            && (Self::MIN_HEIGHT..=Self::MAX_HEIGHT).contains(&height);
        is_supported.then_some(Self { width, height }).ok_or(ChartError::Size { width, height })
    }

    /// Width in CSS pixels.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Height in CSS pixels.
    pub fn height(self) -> u32 {
        self.height
    }
}

impl Default for Size {
    /// 640x240.
    fn default() -> Self {
        Self { width: 640, height: 240 }
    }
}

/// Lines beside that of the price.
pub const MAX_BESIDE: usize = theme::BESIDE;

/// The price of another listing beside that of the chart.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// Name of the product, shortened in the legend.
    pub name: &'a str,
    /// As [`PriceChart::points`].
    pub points: &'a [Point],
    /// Times without a successful crawl.
    pub gaps: &'a [Gap],
}

/// A chart of the price of one listing in a window of time, alone or beside those of others.
#[derive(Debug, Clone)]
pub struct PriceChart<'a> {
    /// Changes of one series of prices, in chronological order and in minor units of `currency`. The last change before
    /// the window must be among them: its value holds at the start of the window. Later ones are left out.
    pub points: &'a [Point],
    /// Times without a successful crawl.
    pub gaps: &'a [Gap],
    /// The prices of others in the same currency, at most [`MAX_BESIDE`]. With them, times without a successful crawl and without an
    /// offer are plain gaps.
    pub beside: &'a [Beside<'a>],
    /// Changes of its sales rank in one category, as [`PriceChart::points`]; empty: none. It has an axis of its own.
    pub ranks: &'a [Point],
    /// The axis of amounts begins at zero: differences look as small as they are.
    pub from_zero: bool,
    /// The price that the user waits for. Not drawn when it is in another currency.
    pub target: Option<Money>,
    /// Currency of the points.
    pub currency: Currency,
    /// Start of the window.
    pub from: Timestamp,
    /// End of the window; usually now, because the last value holds until here.
    pub to: Timestamp,
    /// Time zone of the dates.
    pub zone: TimeZone,
    /// Name of the product, shortened if it is too long; blank: no heading. The PNG has only the letters of
    /// [`is_drawable`].
    pub title: &'a str,
    /// The language of its words.
    pub language: ChartLanguage,
    /// Colours.
    pub theme: Theme,
    /// Width and height.
    pub size: Size,
}

impl PriceChart<'_> {
    /// The chart as a complete SVG document of at most about 60 KB, or 90 KB with ranks. It refers to nothing outside of itself and has
    /// no scripts, and styles with [`Theme::Auto`] alone.
    pub fn svg(&self) -> String {
        picture::draw(self)
    }

    /// The chart as a PNG of `scale` device pixels per CSS pixel. [`Theme::Auto`] is light.
    ///
    /// # Errors
    /// As [`png()`].
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, ChartError> {
        // The font has no letters for Japanese.
        let language = if self.language == ChartLanguage::Japanese { ChartLanguage::English } else { self.language };
        let theme = if self.theme == Theme::Auto { Theme::Light } else { self.theme };
        png(&Self { language, theme, ..self.clone() }.svg(), scale)
    }

    /// The target in minor units, if it is in the currency of the chart.
    fn own_target(&self) -> Option<i64> {
        self.target.filter(|target| target.currency == self.currency).map(|target| target.amount_minor)
    }
}
