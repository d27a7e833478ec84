//! `simulate`: the marketplace alone.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::signal_to_stop;
use crate::domain::Frequency;
use crate::sources::simulated::{FaultRates, Simulated, SimulatedSettings};

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Decides everything that happens.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Share of the requests that are answered by a captcha, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    captcha_rate: f64,
    /// Share of the requests that are answered 503.
    #[arg(long, default_value_t = 0.0)]
    unavailable_rate: f64,
    /// Share of the pages that end before they have told anything.
    #[arg(long, default_value_t = 0.0)]
    truncate_rate: f64,
    /// Share of the pages that come late.
    #[arg(long, default_value_t = 0.0)]
    slow_rate: f64,
    /// How late, such as 5s.
    #[arg(long, default_value = "5s")]
    slow_for: Frequency,
    /// Time between two movements of the world, such as 5s; it stands still unless this is said.
    #[arg(long)]
    move_every: Option<Frequency>,
    /// Serve the saved pages of this folder, by the ASIN in their names, instead of generated ones.
    #[arg(long)]
    pages: Option<PathBuf>,
    /// About how large a generated page is, in KiB.
    #[arg(long, default_value_t = 60)]
    page_kb: usize,
    /// Do not compress pages, whatever a client accepts.
    #[arg(long)]
    no_compression: bool,
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
        move_every: args.move_every.map(|every| Duration::from_secs(every.interval_secs().into())),
        pages: args.pages,
        slow_for: Duration::from_secs(args.slow_for.interval_secs().into()),
        page_kb: args.page_kb,
        compress: !args.no_compression,
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
