//! `healthcheck`: a readiness probe for containers without curl.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::Flags;
use crate::config::Settings;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// The address of the daemon; default: `server.listen`.
    #[arg(long)]
    listen: Option<SocketAddr>,
}

pub(super) fn run(folder: &Path, args: HealthcheckArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(folder, Flags::default().with("server.listen", args.listen).0)?;
    let url = format!("http://{}/health/ready", settings.server.listen);
    tokio::runtime::Runtime::new()?.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        let response = client.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
        if !response.status().is_success() {
            bail!("{url} answered {}", response.status());
        }
        println!("ready");
        Ok(ExitCode::SUCCESS)
    })
}
