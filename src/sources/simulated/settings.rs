//! What `amazon-tracker simulate` can be told.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Asin;

use super::faults::FaultRates;

/// Settings of a simulated marketplace.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedSettings {
    /// Decides everything that happens, given the same requests and steps.
    pub seed: u64,
    /// How likely each fault is.
    pub faults: FaultRates,
    /// How late a slow answer is.
    pub slow_for: Duration,
    /// Time between two steps of the world; `None` moves it on request only.
    pub move_every: Option<Duration>,
    /// Serves saved pages instead of generated ones; what is not in this folder is not found.
    pub pages: Option<PathBuf>,
    /// How many products `GET /_catalogue` can name.
    pub listings: u32,
    /// ASINs that no marketplace has.
    pub missing: Vec<Asin>,
    /// About how large a generated page is, in units of 1024 bytes, before compression.
    pub page_kb: usize,
    /// Compress for clients that accept it.
    pub compress: bool,
    /// How many lines of the truth log are kept.
    pub truth_lines: usize,
    /// Threads that answer requests.
    pub workers: usize,
}

impl Default for SimulatedSettings {
    /// A faultless marketplace that moves on request.
    fn default() -> Self {
        Self {
            seed: 7,
            faults: FaultRates::default(),
            slow_for: Duration::from_secs(5),
            move_every: None,
            pages: None,
            listings: 1_000,
            missing: Vec::new(),
            page_kb: 60,
            compress: true,
            truth_lines: 1_000_000,
            workers: 2,
        }
    }
}
