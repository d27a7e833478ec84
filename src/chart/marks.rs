//! What the plot shows: the price, the target, and labels that hide neither.

use super::amount::money;
use super::amount_axis::AmountAxis;
use super::frame::Frame;
use super::label::text_width;
use super::picture::{Anchor, GAP, LABEL, MARGIN, Picture, SUMMARY, crisp};
use super::placement::Area;
use super::ranks::Ranks;
use super::segment::Segment;
use super::svg::{PathData, Tenths, px};
use super::theme::DASHES;
use super::trace::{Band, Run, runs};

/// A label hides too much of a plot that is lower than this.
const LOW_PLOT: i32 = px(60);

impl Picture<'_> {
    /// The line of the price, the area below it, and a dot where it holds until the end.
    pub(super) fn price(&mut self, runs: &[Run], segments: &[Segment]) {
        let colour = self.palette.line;
        let (frame, mut line, mut area) = (self.frame, PathData::default(), PathData::default());
        for run in runs {
            self.add_line(run, &frame, &mut line);
            self.add_area(run, &mut area);
        }
        if line.is_empty() {
            return;
        }
        if self.chart.beside.is_empty() {
            self.out.push_str(&format!("<path d=\"{area}\" fill=\"{colour}\" fill-opacity=\".1\"/>\n"));
        }
        self.stroke(&line, colour, "");
        let last = segments.last().filter(|segment| segment.to == self.chart.to).and_then(Segment::price);
        if let Some(amount) = last {
            let (x, y) = (self.frame.right, self.frame.y(amount.into()));
            let background = self.palette.background;
            self.out.push_str(&format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\" stroke=\"{background}\" stroke-width=\"1.5\"/>\n",
                Tenths(x),
                Tenths(y)
            ));
            self.taken.add_line((x, y), (x, y), px(10));
        }
    }

    /// The lines of the prices of others.
    pub(super) fn beside(&mut self, lines: &[Vec<Segment>]) {
        let (frame, styles) = (self.frame, self.palette.beside.into_iter().zip(DASHES));
        for (segments, (colour, dashes)) in lines.iter().zip(styles) {
            let mut path = PathData::default();
            for run in runs(segments, &frame) {
                self.add_line(&run, &frame, &mut path);
            }
            if !path.is_empty() {
                self.stroke(&path, colour, dashes);
            }
        }
    }

    /// The axis of the ranks at the right, with its name above it, and their line, which is thinner than that of the price.
    pub(super) fn ranks(&mut self, ranks: &Ranks) {
        let colour = self.palette.rank;
        let frame = Frame { low: ranks.axis.low(), high: ranks.axis.high(), ..self.frame };
        let end = px(i32::try_from(self.chart.size.width()).unwrap_or(0)) - MARGIN;
        self.text(end, frame.top - px(6), LABEL, colour, Anchor::End, self.chart.language.words().rank);
        let mut free_below = i32::MAX;
        for (rank, label) in ranks.ticks() {
            let y = frame.y(rank);
            if y <= free_below {
                self.text(frame.right + GAP, y + px(4), LABEL, colour, Anchor::Start, &label);
                free_below = y - px(LABEL) - 30;
            }
        }
        let mut path = PathData::default();
        for run in runs(&ranks.segments, &frame) {
            self.add_line(&run, &frame, &mut path);
        }
        if !path.is_empty() {
            self.out
                .push_str(&format!("<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"1.25\" fill=\"none\"/>\n"));
        }
    }

    fn add_line(&mut self, run: &Run, frame: &Frame, path: &mut PathData) {
        let y_of = |amount: i64| frame.y(amount.into());
        let Some(&(first, amount)) = run.steps.first() else { return };
        // A price of no length is a short dash.
        let is_dash = run.end - first < px(2);
        let (mut x, mut y) = (if is_dash { first - px(1) } else { first }, y_of(amount));
        path.move_to(x, y);
        let end = if is_dash { first + px(1) } else { run.end };
        let ends = run.steps.iter().skip(1).map(|(at, amount)| (*at, y_of(*amount))).chain([(end, i32::MIN)]);
        for (to, next) in ends {
            path.line_to_x(to);
            self.taken.add_line((x, y), (to, y), px(4));
            x = to;
            if next != i32::MIN {
                path.line_to_y(next);
                self.taken.add_line((x, y), (x, next), px(4));
                y = next;
            }
        }
    }

    /// The area is as fine as the line only where that can be seen: of steps at one place the last counts.
    fn add_area(&self, run: &Run, path: &mut PathData) {
        let Some(&(first, _)) = run.steps.first() else { return };
        path.move_to(first, self.frame.bottom);
        for steps in run.steps.chunk_by(|one, other| one.0 == other.0) {
            if let Some((x, amount)) = steps.last() {
                path.line_to_x(*x);
                path.line_to_y(self.frame.y(i128::from(*amount)));
            }
        }
        path.line_to_x(run.end);
        path.line_to_y(self.frame.bottom);
        path.close();
    }

    /// The target's line; or an arrow to it, if it is not on the axis.
    pub(super) fn target(&mut self, axis: &AmountAxis) {
        let Some(target) = self.chart.own_target() else { return };
        let label = format!("{} {}", self.chart.language.words().target, money(target.into(), self.chart.currency));
        let Frame { left, right, top, bottom, .. } = self.frame;
        let below = |y: i32| y + px(LABEL) + px(8);
        if axis.includes(target) {
            let y = crisp(self.frame.y(target.into()));
            let mut path = PathData::default();
            path.move_to(left, y);
            path.line_to_x(right);
            self.out.push_str(&format!(
                "<path d=\"{path}\" stroke=\"{}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n",
                self.palette.target
            ));
            self.taken.add_line((left, y), (right, y), px(2));
            self.target_label(&label, &[y - px(2), below(y) - px(3)]);
        } else if i128::from(target) < axis.low() {
            self.target_label(&format!("↓ {label}"), &[bottom - px(2)]);
        } else {
            self.target_label(&format!("↑ {label}"), &[below(top)]);
        }
    }

    /// The label stands in one of the rows, where it is free; if it is free nowhere, over the line at the right, unless
    /// it would hide most of the plot.
    fn target_label(&mut self, label: &str, bottoms: &[i32]) {
        let width = text_width(label, LABEL) + px(8);
        let Frame { left, right, top, bottom, .. } = self.frame;
        let room = (right - left - width - px(8)).max(0);
        let places = (0..=8).flat_map(|eighths| {
            let start = right - px(4) - width - room * eighths / 8;
            bottoms.iter().map(move |bottom| label_area(start, *bottom, width))
        });
        let over = (bottom - top >= LOW_PLOT).then(|| label_area((right - px(4) - width).max(left), bottoms[0], width));
        if let Some(area) = self.taken.place(places).or(over) {
            self.label(area, self.palette.target, label);
        }
    }

    /// Names the widest band, if there is room.
    pub(super) fn band_label(&mut self, bands: &[Band], label: &str) {
        let Some(band) = bands.iter().max_by_key(|band| band.to - band.from) else { return };
        let width = text_width(label, LABEL) + px(8);
        if band.to - band.from < width + px(4) {
            return;
        }
        let Frame { top, bottom, .. } = self.frame;
        let places = [4, 3, 5, 2, 6, 1, 7].map(|eighths| {
            let bottom = top + (bottom - top) * eighths / 8 + px(LABEL) / 2 + 40;
            label_area((band.from + band.to - width) / 2, bottom, width)
        });
        if let Some(area) = self.taken.place(places) {
            self.label(area, self.palette.muted, label);
        }
    }

    pub(super) fn nothing(&mut self) {
        let Frame { left, right, top, bottom, .. } = self.frame;
        let text = self.chart.language.words().no_price;
        let width = text_width(text, SUMMARY) + px(12);
        let area = Area {
            left: (left + right - width) / 2,
            top: (top + bottom) / 2 - px(11),
            right: (left + right + width) / 2,
            bottom: (top + bottom) / 2 + px(11),
        };
        self.taken.add(area);
        self.backing(area);
        self.text((left + right) / 2, (top + bottom) / 2 + px(4), SUMMARY, self.palette.muted, Anchor::Middle, text);
    }

    fn label(&mut self, area: Area, colour: &str, label: &str) {
        self.backing(area);
        self.text((area.left + area.right) / 2, area.bottom - 40, LABEL, colour, Anchor::Middle, label);
    }

    /// Covers grid and hatching, so that text on it can be read.
    fn backing(&mut self, area: Area) {
        let (width, height) = (Tenths(area.right - area.left), Tenths(area.bottom - area.top));
        self.out.push_str(&format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"3\" fill=\"{}\" fill-opacity=\".85\"/>\n",
            Tenths(area.left),
            Tenths(area.top),
            self.palette.background
        ));
    }
}

/// The place of a label with its backing.
fn label_area(left: i32, bottom: i32, width: i32) -> Area {
    Area { left, top: bottom - px(LABEL) - px(4), right: left + width, bottom }
}
