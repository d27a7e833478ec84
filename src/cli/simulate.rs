//! `simulate`: the simulated marketplace.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::signal_to_stop;
use crate::domain::Interval;
use crate::sources::simulated::{FaultRates, Simulated, SimulatedSettings};

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// The seed of the random generator.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Share of requests that get a captcha, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    captcha_rate: f64,
    /// Share of requests that get 503.
    #[arg(long, default_value_t = 0.0)]
    unavailable_rate: f64,
    /// Share of pages that are truncated.
    #[arg(long, default_value_t = 0.0)]
    truncate_rate: f64,
    /// Share of pages that are delayed.
    #[arg(long, default_value_t = 0.0)]
    slow_rate: f64,
    /// The delay, such as 5s.
    #[arg(long, default_value = "5s")]
    slow_for: Interval,
    /// Interval between changes of the marketplace, such as 5s; default: no changes.
    #[arg(long)]
    move_every: Option<Interval>,
    /// Serve saved pages of this folder, named by ASIN, instead of generated ones.
    #[arg(long)]
    pages: Option<PathBuf>,
    /// Approximate size of a generated page, in KiB.
    #[arg(long, default_value_t = 60)]
    page_kb: usize,
    /// Do not compress pages.
    #[arg(long)]
    no_compression: bool,
    /// How long a run of an Apify actor takes, such as 2s. Apify's API is served at the same address, for any token.
    #[arg(long, default_value = "2s")]
    apify_run_time: Interval,
    /// Lines of the truth log that are kept in memory, of about 300 bytes each.
    #[arg(long, default_value_t = 100_000)]
    truth_lines: usize,
}

pub(super) fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let faults = FaultRates {
        captcha: args.captcha_rate,
        unavailable: args.unavailable_rate,
        truncate: args.truncate_rate,
        slow: args.slow_rate,
    };
    let settings = SimulatedSettings {
        seed: args.seed,
        faults,
        move_every: args.move_every.map(|every| Duration::from_secs(every.as_secs().into())),
        pages: args.pages,
        slow_for: Duration::from_secs(args.slow_for.as_secs().into()),
        page_kb: args.page_kb,
        compress: !args.no_compression,
        truth_lines: args.truth_lines,
        apify_run_time: Duration::from_secs(args.apify_run_time.as_secs().into()),
        ..SimulatedSettings::default()
    };
    let listener = TcpListener::bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let simulated = Simulated::start(settings, listener).await?;
        println!("simulated marketplace on http://{}", simulated.addr());
        signal_to_stop().await;
        simulated.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
