//! The command line: one file per subcommand.

mod actors;
mod backup;
mod delivery;
mod demo;
mod doctor;
mod export;
mod extract;
mod healthcheck;
mod import;
mod import_keepa;
mod keys;
mod listing;
mod migrate;
mod migrate_store;
mod openapi;
mod progress;
mod seed;
mod serve;
mod simulate;
mod table;
mod track;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use figment::Figment;
use url::Url;

use crate::config::{Settings, SettingsError};
use crate::telemetry::{TraceExport, TracingError, install_panic_hook, install_tracing};

/// The default folder, which need not exist.
const CONFIG_DIR: &str = "config";

/// Tracks Amazon listings, records their history and sends alerts.
#[derive(Debug, Parser)]
#[command(name = "amazon-tracker", version)]
struct Cli {
    /// The folder that holds default.toml and {TRACKER_ENV}.toml.
    #[arg(long, global = true, default_value = CONFIG_DIR)]
    config_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Serve(serve::ServeArgs),
    /// Crawl one listing once and print the result.
    Track(track::TrackArgs),
    /// Extract the data of a saved page as one JSON object.
    Extract(extract::ExtractArgs),
    /// Migrate the database schema.
    Migrate(DatabaseArgs),
    /// Copy an SQLite database to an empty PostgreSQL database.
    MigrateStore(migrate_store::MigrateStoreArgs),
    /// Back up an SQLite database to a new file, while the daemon runs.
    Backup(backup::BackupArgs),
    /// Add example data: a tenant with users, products and alerts.
    Seed(seed::SeedArgs),
    /// Check an installation: settings, database, Redis, mail, sources, clock and disk.
    Doctor(doctor::DoctorArgs),
    /// Check that a running daemon is ready.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Add and list users, reset passwords, and print links that sign in.
    User(user::UserArgs),
    /// Add and list tenants.
    Tenant(user::TenantArgs),
    /// Show the actors of a running daemon: restarts, queues, work in flight.
    Actors(actors::ActorsArgs),
    /// Import files.
    Import(import::ImportArgs),
    /// Export products and their history as tables.
    Export(export::ExportArgs),
    /// Retry dead deliveries.
    Delivery(delivery::DeliveryArgs),
    /// Show failing listings, and release parked ones.
    Listing(listing::ListingArgs),
    /// Generate a key pair that signs access tokens.
    Keys,
    /// Print the OpenAPI document.
    Openapi,
    /// Run the simulated marketplace.
    Simulate(simulate::SimulateArgs),
    /// Run the daemon with a simulated marketplace and example data.
    Demo(demo::DemoArgs),
}

/// Flags of the database.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// `sqlite://PATH` or `postgres://…`
    #[arg(long)]
    database_url: Option<String>,
}

/// Flags of the source.
#[derive(Debug, Args)]
struct SourceArgs {
    /// The URL of a simulated marketplace to crawl instead of Amazon.
    #[arg(long)]
    base_url: Option<Url>,
}

/// Flags as settings.
#[derive(Default)]
struct Flags(Figment);

impl Flags {
    fn with(self, setting: &str, value: Option<impl serde::Serialize>) -> Self {
        match value {
            Some(value) => Self(self.0.merge((setting, value))),
            None => self,
        }
    }
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let folder = cli.config_dir;
    if folder != Path::new(CONFIG_DIR) && !folder.is_dir() {
        eprintln!("amazon-tracker: --config-dir: no such folder: {}", folder.display());
        return ExitCode::FAILURE;
    }
    let result = match cli.command {
        Command::Serve(args) => serve::run(&folder, args),
        Command::Track(args) => track::run(&folder, args),
        Command::Extract(args) => extract::run(args),
        Command::Migrate(args) => migrate::run(&folder, args),
        Command::MigrateStore(args) => migrate_store::run(&folder, args),
        Command::Backup(args) => backup::run(&folder, args),
        Command::Seed(args) => seed::run(&folder, args),
        Command::Doctor(args) => doctor::run(&folder, args),
        Command::Healthcheck(args) => healthcheck::run(&folder, args),
        Command::User(args) => user::run_user(&folder, args),
        Command::Tenant(args) => user::run_tenant(&folder, args),
        Command::Actors(args) => actors::run(&folder, args),
        Command::Import(args) => import::run(&folder, args),
        Command::Export(args) => export::run(&folder, args),
        Command::Delivery(args) => delivery::run(&folder, args),
        Command::Listing(args) => listing::run(&folder, args),
        Command::Keys => keys::run(),
        Command::Openapi => openapi::run(),
        Command::Simulate(args) => simulate::run(args),
        Command::Demo(args) => demo::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("amazon-tracker: {error:#}");
        ExitCode::FAILURE
    })
}

/// Prints a result. A closed pipe (`| head`) is not an error.
fn print_result(text: &str) -> anyhow::Result<ExitCode> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Loads the settings and starts logging.
fn prepare(folder: &Path, flags: Flags) -> anyhow::Result<Settings> {
    let settings = Settings::load(folder, flags.0)?;
    start_logging(&settings, None)?;
    Ok(settings)
}

/// The same for a daemon, which may export traces.
fn prepare_daemon(settings: &Settings) -> Result<(), SettingsError> {
    let trace = settings.trace.clone();
    let export = trace.otlp_endpoint.map(|endpoint| TraceExport {
        endpoint,
        sample_ratio: trace.sample_ratio,
        service_name: trace.service_name,
    });
    start_logging(settings, export.as_ref())
}

fn start_logging(settings: &Settings, export: Option<&TraceExport>) -> Result<(), SettingsError> {
    install_panic_hook();
    install_tracing(settings.log.json, &settings.log.filter, export).map_err(|error| {
        let setting = match &error {
            TracingError::Filter(_) => "log.filter",
            TracingError::Export(_) => "trace.otlp_endpoint",
        };
        SettingsError::Value { setting, problem: format!("cannot be used: {error}") }
    })
}

/// Handles signals from now on. Resolves at the first signal to stop; the second one exits at once.
fn signal_to_stop() -> impl Future<Output = ()> {
    let mut signals = signals();
    async move {
        signals.recv().await;
        tokio::spawn(async move {
            signals.recv().await;
            std::process::exit(130);
        });
    }
}

fn signals() -> tokio::sync::mpsc::Receiver<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let sender = sender.clone();
        match signal(kind) {
            Ok(mut signal) => {
                tokio::spawn(async move { while signal.recv().await.is_some() && sender.send(()).await.is_ok() {} });
            }
            Err(error) => tracing::warn!(%error, "a signal handler cannot be installed"),
        }
    }
    receiver
}
