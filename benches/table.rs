//! The result table of `make bench`.

use std::time::Duration;

/// The target of a ratio.
#[derive(Clone, Copy)]
pub enum Target {
    /// Minimum.
    AtLeast(f64),
    /// Maximum.
    AtMost(f64),
    /// No target: the ratio is only informative.
    None,
}

impl Target {
    fn is_met_by(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(target) => ratio >= target,
            Self::AtMost(target) => ratio <= target,
            Self::None => true,
        }
    }
}

/// One result and its reference, measured in the same run.
struct Row {
    what: String,
    ours: String,
    rival: String,
    ratio: f64,
    target: Target,
}

/// All results so far.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds the ratio `ours / rivals`, both in the same unit.
    pub fn add(&mut self, what: &str, unit: &str, ours: f64, (rival, rivals): (&str, f64), target: Target) {
        let row = Row {
            what: what.to_owned(),
            ours: format!("{} {unit}", short(ours)),
            rival: format!("{rival}: {} {unit}", short(rivals)),
            ratio: ours / rivals,
            target,
        };
        eprintln!("  {}: {} against {} = {:.2}", row.what, row.ours, row.rival, row.ratio);
        self.rows.push(row);
    }

    /// Prints all results and marks those that miss their target.
    pub fn print(&self) {
        println!("\n{:44} {:>16}  {:40} {:>8}  {:>8}", "benchmark", "result", "reference", "ratio", "target");
        for row in &self.rows {
            let target = match row.target {
                Target::AtLeast(target) => format!("≥ {target}"),
                Target::AtMost(target) => format!("≤ {target}"),
                Target::None => String::new(),
            };
            let verdict = if row.target.is_met_by(row.ratio) { "" } else { "  MISSED" };
            println!("{:44} {:>16}  {:40} {:>8.2}  {target:>8}{verdict}", row.what, row.ours, row.rival, row.ratio);
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

/// The median, which ignores outliers caused by other load on the machine.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Rate per second.
pub fn per_second(things: usize, took: Duration) -> f64 {
    things as f64 / took.as_secs_f64()
}
