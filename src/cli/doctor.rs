//! `doctor`: checks an installation by hand, and says what to do about each fault.

mod advice;
mod clock;
mod database;
mod files;
mod report;
mod services;
mod sources;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use self::report::{Finding, Report};
use super::{DatabaseArgs, Flags, SourceArgs, print_result};
use crate::config::Settings;
use crate::domain::{EmailAddress, Marketplace};
use crate::store::SharedStore;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Also request `/robots.txt` of each marketplace in use from Amazon.
    #[arg(long)]
    amazon: bool,
    /// Also send a test e-mail to this address.
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Option<EmailAddress>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(folder: &Path, args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let report = tokio::runtime::Runtime::new()?.block_on(examine(folder, &args));
    print_result(&if args.json { format!("{}\n", serde_json::to_string(&report)?) } else { report.to_string() })?;
    Ok(if report.healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every check, one after another: the order is that in which faults are best repaired.
async fn examine(folder: &Path, args: &DoctorArgs) -> Report {
    let mut report = Report::default();
    let flags = Flags::default()
        .with("database.url", args.database.database_url.clone())
        .with("crawl.base_url", args.source.base_url.clone());
    let settings = match Settings::load(folder, flags.0) {
        Ok(settings) => settings,
        Err(error) => {
            let remedy = "correct the setting; `config/default.toml` lists every setting with its default";
            report.add(Finding::fault("configuration", error.to_string(), remedy));
            return report;
        }
    };
    report.add(configuration(folder, &settings));
    files::check(&settings, &mut report);
    let store = database::check(&settings, &mut report).await;
    services::check_redis(&settings.redis, &mut report).await;
    services::check_mail(&settings.mail, args.mail_to.as_ref(), &mut report).await;
    let marketplaces = marketplaces(&settings, store.as_ref()).await;
    if let Some(store) = store {
        store.close().await;
    }
    sources::check(&settings, &marketplaces, args.amazon, &mut report).await;
    advice::check(&settings.advice, &mut report).await;
    report
}

fn configuration(folder: &Path, settings: &Settings) -> Finding {
    const NAME: &str = "configuration";
    if let Err(error) = settings.check_serving() {
        return Finding::fault(NAME, error.to_string(), "set it in the environment or in the file of the environment");
    }
    let token = &settings.auth.token;
    if token.private_key.is_none() && token.secret_key.is_none() {
        return Finding::warning(
            NAME,
            "no key that signs access tokens: a new one is made at each start, which ends all sessions",
            "create a key with `amazon-tracker keys` and set JWT_PRIVATE_KEY",
        );
    }
    Finding::ok(NAME, format!("read from {} and the environment", folder.display()))
}

/// Those that the settings name, and those that were crawled lately.
async fn marketplaces(settings: &Settings, store: Option<&SharedStore>) -> BTreeSet<Marketplace> {
    const LATELY_HOURS: i64 = 7 * 24;
    let crawl = &settings.crawl;
    let mut marketplaces: BTreeSet<_> =
        crawl.sources_by_marketplace.keys().chain(crawl.cookies.keys()).copied().collect();
    marketplaces.insert(settings.products.default_marketplace);
    if let Some(store) = store {
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(LATELY_HOURS);
        // A database that cannot be read was reported.
        let counts = store.crawl_counts(since).await.unwrap_or_default();
        marketplaces.extend(counts.into_iter().map(|count| count.marketplace));
    }
    marketplaces
}
