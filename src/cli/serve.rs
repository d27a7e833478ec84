//! `serve`: the daemon.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{DatabaseArgs, Flags, SourceArgs, prepare_daemon, print_result, signal_to_stop};
use crate::app;
use crate::config::{ProcessRole, Settings};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address to listen on. Any address but loopback requires a key that signs tokens.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// The roles of this process: api,crawler,scheduler,notifier; default: all.
    #[arg(long, value_delimiter = ',')]
    roles: Option<Vec<ProcessRole>>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Print the effective settings without secrets, and exit.
    #[arg(long)]
    check_config: bool,
}

pub(super) fn run(folder: &Path, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let flags = Flags::default()
        .with("server.listen", args.listen)
        .with("server.roles", args.roles)
        .with("database.url", args.database.database_url)
        .with("crawl.base_url", args.source.base_url);
    let settings = Settings::load(folder, flags.0)?;
    if args.check_config {
        settings.check_serving()?;
        return print_result(&toml::to_string(&settings)?);
    }
    prepare_daemon(&settings)?;
    settings.check_serving()?;
    Ok(app::run(settings, |_| {}, signal_to_stop)?)
}
