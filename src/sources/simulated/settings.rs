//! Settings of `amazon-tracker simulate`.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Asin;

use super::faults::FaultRates;

/// Settings of a simulated marketplace.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedSettings {
    /// Seed of the random generator. The same seed, requests and steps give the same responses.
    pub seed: u64,
    /// Probability of each fault.
    pub faults: FaultRates,
    /// Delay of a slow response.
    pub slow_for: Duration,
    /// Time between two steps of the world. If `None`, the world advances only on request.
    pub move_every: Option<Duration>,
    /// Folder of saved pages, which are served instead of generated ones. Other listings are not found.
    pub pages: Option<PathBuf>,
    /// Number of products that `GET /_catalogue` can list.
    pub listings: u32,
    /// ASINs that are not found on any marketplace.
    pub missing: Vec<Asin>,
    /// Approximate size of a generated page before compression, in KiB.
    pub page_kb: usize,
    /// Compress responses for clients that accept it.
    pub compress: bool,
    /// Maximum number of stored lines of the truth log.
    pub truth_lines: usize,
    /// How long a run of an Apify actor takes.
    pub apify_run_time: Duration,
    /// Number of threads that serve requests.
    pub workers: usize,
}

impl Default for SimulatedSettings {
    /// A marketplace without faults that advances only on request.
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
            apify_run_time: Duration::from_secs(2),
            workers: 2,
        }
    }
}
