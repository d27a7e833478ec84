//! Finds a free place for a label inside of the plot.

/// A rectangle in tenths of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Area {
    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn is_inside(&self, other: &Self) -> bool {
        self.left >= other.left && self.right <= other.right && self.top >= other.top && self.bottom <= other.bottom
    }
}

/// What is drawn already, and must stay visible.
pub(super) struct Taken {
    plot: Area,
    areas: Vec<Area>,
}

impl Taken {
    pub fn new(plot: Area) -> Self {
        Self { plot, areas: Vec::new() }
    }

    pub fn add(&mut self, area: Area) {
        self.areas.push(area);
    }

    /// A line of some thickness, horizontal or vertical.
    pub fn add_line(&mut self, from: (i32, i32), to: (i32, i32), thickness: i32) {
        let half = thickness / 2;
        self.add(Area {
            left: from.0.min(to.0) - half,
            top: from.1.min(to.1) - half,
            right: from.0.max(to.0) + half,
            bottom: from.1.max(to.1) + half,
        });
    }

    /// Takes the first candidate that is inside of the plot and covers nothing.
    pub fn place(&mut self, candidates: impl IntoIterator<Item = Area>) -> Option<Area> {
        let is_free = |area: &Area| area.is_inside(&self.plot) && !self.areas.iter().any(|taken| taken.overlaps(area));
        let place = candidates.into_iter().find(is_free)?;
        self.areas.push(place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(left: i32, top: i32) -> Area {
        Area { left, top, right: left + 10, bottom: top + 10 }
    }

    #[test]
    fn a_label_covers_neither_lines_nor_other_labels_and_stays_in_the_plot() {
        let mut taken = Taken::new(Area { left: 0, top: 0, right: 40, bottom: 10 });
        taken.add_line((0, 5), (12, 5), 2);
        assert_eq!(taken.place([area(0, 0), area(35, 0), area(15, 0)]), Some(area(15, 0)));
        assert_eq!(taken.place([area(20, 0), area(30, 0)]), Some(area(30, 0)));
        assert_eq!(taken.place([area(20, 0)]), None);
    }
}
