//! The one table that `make bench` prints.

use std::time::Duration;

/// What a ratio should reach.
#[derive(Clone, Copy)]
pub enum Bar {
    /// At least this much.
    AtLeast(f64),
    /// At most this much.
    AtMost(f64),
    /// Nothing: the ratio is told for its own sake.
    None,
}

impl Bar {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bar) => ratio >= bar,
            Self::AtMost(bar) => ratio <= bar,
            Self::None => true,
        }
    }
}

/// One line: ours against a named rival or limit, measured in the same run.
struct Row {
    what: String,
    ours: String,
    rival: String,
    ratio: f64,
    bar: Bar,
}

/// All lines so far.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds `ours / rivals`, both in the same unit.
    pub fn add(&mut self, what: &str, unit: &str, ours: f64, (rival, rivals): (&str, f64), bar: Bar) {
        let row = Row {
            what: what.to_owned(),
            ours: format!("{} {unit}", short(ours)),
            rival: format!("{rival}: {} {unit}", short(rivals)),
            ratio: ours / rivals,
            bar,
        };
        eprintln!("  {}: {} against {} = {:.2}", row.what, row.ours, row.rival, row.ratio);
        self.rows.push(row);
    }

    /// Prints the lines, those below their bar marked.
    pub fn print(&self) {
        println!("\n{:44} {:>16}  {:40} {:>8}  {:>8}", "what", "ours", "against", "ratio", "reach");
        for row in &self.rows {
            let reach = match row.bar {
                Bar::AtLeast(bar) => format!("≥ {bar}"),
                Bar::AtMost(bar) => format!("≤ {bar}"),
                Bar::None => String::new(),
            };
            let verdict = if row.bar.holds(row.ratio) { "" } else { "  NOT REACHED" };
            println!("{:44} {:>16}  {:40} {:>8.2}  {reach:>8}{verdict}", row.what, row.ours, row.rival, row.ratio);
        }
    }
}

fn short(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.0}", value),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.1}"),
        value => format!("{value:.4}"),
    }
}

/// The middle one of several measurements: a neighbour on the machine spoils a few, not most.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Things a second.
pub fn per_second(things: usize, took: Duration) -> f64 {
    things as f64 / took.as_secs_f64()
}
