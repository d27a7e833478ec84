//! Composes the chart: where everything is, and in which order it is drawn.

use super::amount_axis::AmountAxis;
use super::date_axis;
use super::frame::Frame;
use super::label::{shortened, text_width};
use super::placement::{Area, Taken};
use super::png::FONT_FAMILY;
use super::ranks::Ranks;
use super::segment::{Segment, State, segments};
use super::summary::{Summary, description};
use super::svg::{PathData, Tenths, escape, px};
use super::theme::{DASHES, Palette};
use super::trace::{Band, bands, runs};
use super::{MAX_BESIDE, PriceChart};

/// Font sizes in pixels.
const TITLE: i32 = 14;
pub(super) const SUMMARY: i32 = 12;
pub(super) const LABEL: i32 = 11;

/// Room around the picture.
pub(super) const MARGIN: i32 = px(14);
/// Room between the plot and the labels beside it.
pub(super) const GAP: i32 = px(8);
/// Room for the labels of dates.
const DATES: i32 = px(28);
/// The least room between two labels of an axis.
const LABEL_ROOM: i32 = px(10);
/// Room of a date with its year, and between two of them.
const DATE_WIDTH: i32 = px(76);
/// Charts lower than this have no line of prices below the title.
const LOW_HEIGHT: u32 = 160;

/// The SVG of a chart.
pub(super) fn draw(chart: &PriceChart) -> String {
    let segments = segments(chart.points, chart.gaps, chart.from, chart.to);
    let beside = chart.beside.iter().take(MAX_BESIDE);
    let beside: Vec<Vec<Segment>> =
        beside.map(|other| self::segments(other.points, other.gaps, chart.from, chart.to)).collect();
    let summary = Summary::of(&segments);
    let ranges = beside.iter().filter_map(|segments| Summary::of(segments)).chain(summary);
    let range = ranges
        .map(|summary| (summary.lowest.amount_minor, summary.highest.amount_minor))
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        .map(|(lowest, highest)| if chart.from_zero { (lowest.min(0), highest.max(0)) } else { (lowest, highest) });
    let axis = range.map(|(lowest, highest)| AmountAxis::new(lowest, highest, chart.own_target()));
    let ranks = Ranks::of(chart);
    let frame = frame(chart, axis.as_ref(), ranks.as_ref());
    let runs = runs(&segments, &frame);
    let mut picture =
        Picture { chart, palette: chart.theme.palette(), frame, taken: Taken::new(inner(&frame)), out: String::new() };
    let range_of_ranks = ranks.as_ref().map(Ranks::range);
    picture.open(&description(chart, &segments, summary.as_ref(), range_of_ranks.as_deref()));
    picture.heading(summary.as_ref());
    let bands = |state| if beside.is_empty() { bands(&segments, state, &frame) } else { Vec::new() };
    let [hatched, no_offer] = [State::Unobserved, State::NoOffer].map(bands);
    picture.no_offer(&no_offer);
    picture.hatching(&hatched);
    if let Some(axis) = &axis {
        picture.amounts(axis);
    }
    picture.dates();
    picture.beside(&beside);
    if let Some(ranks) = &ranks {
        picture.ranks(ranks);
    }
    picture.price(&runs, &segments);
    match &axis {
        Some(axis) => picture.target(axis),
        None => picture.nothing(),
    }
    let words = chart.language.words();
    picture.band_label(&hatched, words.no_data);
    picture.band_label(&no_offer, words.no_offer);
    picture.out.push_str("</svg>\n");
    picture.out
}

/// Where the plot is.
fn frame(chart: &PriceChart, axis: Option<&AmountAxis>, ranks: Option<&Ranks>) -> Frame {
    let [width, height] =
        [chart.size.width(), chart.size.height()].map(|pixels| px(i32::try_from(pixels).unwrap_or(0)));
    let labels = axis.map(|axis| axis.ticks(chart.currency)).unwrap_or_default();
    let room = |labels: &[(i128, String)]| {
        let widest = labels.iter().map(|(_, label)| text_width(label, LABEL)).max();
        widest.map_or(MARGIN, |widest| MARGIN + widest + GAP)
    };
    let left = room(&labels).min(width / 2);
    let right = ranks.map_or(MARGIN, |ranks| room(&ranks.ticks()).min(width / 4));
    let rows = [has_title(chart), has_summary(chart) && axis.is_some()];
    let top = match rows {
        [true, true] => px(60),
        [false, false] => px(16),
        _ => px(42),
    };
    let top = if ranks.is_some() { top + px(12) } else { top };
    // Half pixels at the edges: a line of one pixel is crisp there.
    let (low, high) = axis.map_or((0, 1), |axis| (axis.low(), axis.high()));
    Frame {
        left: left / 10 * 10 + 5,
        top: top + 5,
        right: (width - right) / 10 * 10 - 5,
        bottom: height - DATES - 5,
        from: chart.from,
        to: chart.to,
        low,
        high,
    }
}

fn has_title(chart: &PriceChart) -> bool {
    !chart.title.trim().is_empty()
}

fn has_summary(chart: &PriceChart) -> bool {
    chart.size.height() >= LOW_HEIGHT
}

fn inner(frame: &Frame) -> Area {
    Area { left: frame.left, top: frame.top, right: frame.right, bottom: frame.bottom }
}

/// On which side of its point a text is.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
pub(super) struct Picture<'a> {
    pub chart: &'a PriceChart<'a>,
    pub palette: &'static Palette,
    pub frame: Frame,
    /// Where labels must not be.
    pub taken: Taken,
    /// The document so far.
    pub out: String,
}

impl Picture<'_> {
    fn open(&mut self, description: &str) {
        let (width, height) = (self.chart.size.width(), self.chart.size.height());
        let title = if has_title(self.chart) { self.chart.title.trim() } else { self.chart.language.words().price };
        // As much as a screen reader should read out, and a bound of the size.
        let title: String = title.chars().take(300).collect();
        self.out.push_str(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"'{FONT_FAMILY}',Verdana,sans-serif\">\
             <title>{}</title><desc>{}</desc>{}\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            escape(&title),
            escape(description),
            self.chart.theme.style(),
            self.palette.background
        ));
    }

    /// The title, and the prices of the window.
    fn heading(&mut self, summary: Option<&Summary>) {
        let width = px(i32::try_from(self.chart.size.width()).unwrap_or(0)) - 2 * MARGIN;
        let mut baseline = px(26);
        if has_title(self.chart) {
            let title = shortened(self.chart.title.trim(), TITLE, width);
            self.text(MARGIN, baseline, TITLE, self.palette.text, Anchor::Start, &title);
            baseline += px(20);
        }
        if has_summary(self.chart) && !self.chart.beside.is_empty() {
            self.legend(baseline, width);
        } else if let Some(summary) = summary.filter(|_| has_summary(self.chart)) {
            let line = summary.line(self.chart, SUMMARY, width);
            self.text(MARGIN, baseline, SUMMARY, self.palette.muted, Anchor::Start, &line);
        }
    }

    /// Which line is whose.
    fn legend(&mut self, baseline: i32, width: i32) {
        const SWATCH: i32 = px(26);
        let palette = self.palette;
        let own = ("This product", palette.line, "");
        let others = self.chart.beside.iter().zip(palette.beside).zip(DASHES);
        let lines: Vec<_> =
            std::iter::once(own).chain(others.map(|((other, colour), dashes)| (other.name, colour, dashes))).collect();
        let room = width / i32::try_from(lines.len()).unwrap_or(1);
        for (place, (name, colour, dashes)) in (0..).zip(lines) {
            let (x, y) = (MARGIN + room * place, baseline - px(4));
            let mut swatch = PathData::default();
            swatch.move_to(x, y);
            swatch.line_to_x(x + px(20));
            self.stroke(&swatch, colour, dashes);
            let name = shortened(name.trim(), LABEL, room - SWATCH - px(8));
            self.text(x + SWATCH, baseline, LABEL, palette.muted, Anchor::Start, &name);
        }
    }

    /// A line of a price. Without dashes: that of the chart.
    pub fn stroke(&mut self, path: &PathData, colour: &str, dashes: &str) {
        let dashes = if dashes.is_empty() {
            "stroke-width=\"2\"".to_owned()
        } else {
            format!("stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"")
        };
        self.out.push_str(&format!("<path d=\"{path}\" stroke=\"{colour}\" {dashes} fill=\"none\"/>\n"));
    }

    fn no_offer(&mut self, bands: &[Band]) {
        let fill = self.palette.no_offer;
        self.fill_bands(bands, fill);
    }

    /// The hatching of times without a successful crawl.
    fn hatching(&mut self, bands: &[Band]) {
        if bands.is_empty() {
            return;
        }
        let Palette { hatch, hatch_id, .. } = self.palette;
        self.out.push_str(&format!(
            "<pattern id=\"{hatch_id}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><path d=\"M1 0v6\" stroke=\"{hatch}\" stroke-width=\"1.5\"/></pattern>"
        ));
        self.fill_bands(bands, &format!("url(#{hatch_id})"));
    }

    fn fill_bands(&mut self, bands: &[Band], fill: &str) {
        let mut path = PathData::default();
        for band in bands {
            path.rectangle(band.from, self.frame.top, band.to, self.frame.bottom);
        }
        if !path.is_empty() {
            self.out.push_str(&format!("<path d=\"{path}\" fill=\"{fill}\"/>\n"));
        }
    }

    /// Lines across the plot, with their amounts.
    fn amounts(&mut self, axis: &AmountAxis) {
        let mut path = PathData::default();
        let mut free_below = i32::MAX;
        for (amount, label) in axis.ticks(self.chart.currency) {
            let y = crisp(self.frame.y(amount));
            path.move_to(self.frame.left, y);
            path.line_to_x(self.frame.right);
            // In a low chart there is no room for every label.
            if y <= free_below {
                self.text(self.frame.left - GAP, y + px(4), LABEL, self.palette.muted, Anchor::End, &label);
                free_below = y - px(LABEL) - 30;
            }
        }
        self.out.push_str(&format!("<path d=\"{path}\" stroke=\"{}\"/>\n", self.palette.grid));
    }

    /// Marks below the plot, with their dates. A label that has no room is left out, its mark stays.
    fn dates(&mut self) {
        let Frame { left, right, bottom, .. } = self.frame;
        let PriceChart { from, to, zone, language, .. } = self.chart;
        let (from, to) = (*from, *to);
        let most = usize::try_from((right - left) / DATE_WIDTH).unwrap_or(1);
        let mut path = PathData::default();
        path.move_to(left, bottom);
        path.line_to_x(right);
        let mut free_from = i32::MIN;
        for tick in date_axis::ticks(from, to, zone, most, *language) {
            let x = crisp(self.frame.x(tick.at));
            path.move_to(x, bottom);
            path.line_to_y(bottom + px(4));
            let half = text_width(&tick.label, LABEL) / 2;
            let middle = x.clamp(MARGIN + half, (right - half).max(MARGIN + half));
            if middle - half >= free_from {
                self.text(middle, bottom + px(18), LABEL, self.palette.muted, Anchor::Middle, &tick.label);
                free_from = middle + half + LABEL_ROOM;
            }
        }
        self.out.push_str(&format!("<path d=\"{path}\" stroke=\"{}\" fill=\"none\"/>\n", self.palette.muted));
    }

    pub fn text(&mut self, x: i32, baseline: i32, size: i32, colour: &str, anchor: Anchor, text: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.out.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" fill=\"{colour}\"{anchor}>{}</text>\n",
            Tenths(x),
            Tenths(baseline),
            escape(text)
        ));
    }
}

/// The nearest half pixel: there a line of one pixel is crisp.
pub(super) fn crisp(coordinate: i32) -> i32 {
    coordinate.div_euclid(10) * 10 + 5
}
