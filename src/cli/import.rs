//! `import`: files of products, taken in by a job that this command carries on, alone or beside a running daemon.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::import_keepa::{self, KeepaArgs};
use super::progress;
use super::user::settings_of;
use super::{DatabaseArgs, print_result};
use crate::app::open_store;
use crate::config::Settings;
use crate::domain::{
    Frequency, Interval, ItemStatus, Job, JobId, JobSpec, Marketplace, ProductDefaults, TenantId,
    product::normalize_tags,
};
use crate::files::{FileLine, ImportReader};
use crate::jobs::import::item_of;
use crate::jobs::{JobTools, ReportTools};
use crate::sources::direct::DirectSource;
use crate::store::{NewJob, NewJobItem, SharedStore, StoreError};
use crate::telemetry::Metrics;

const CHUNK_BYTES: usize = 64 * 1024;
const LINES_PER_WRITE: usize = 1000;
/// The file is read as fast as it can be; this is for a slow pipe.
const PATIENCE: Duration = Duration::from_secs(600);
/// If this command dies during a step, a daemon takes the step again after this time.
const LEASE: Duration = Duration::from_secs(60);
/// Until the job is looked at again while a daemon takes its steps.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// Lines that are named because they failed.
const MAX_NAMED: u32 = 20;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add the products of a file: CSV, a list of ASINs and URLs, or the saved page of a wish list.
    Products(ProductsArgs),
    /// Add the past of listings from a saved answer of Keepa's API.
    Keepa(KeepaArgs),
}

#[derive(Debug, Args)]
struct ProductsArgs {
    /// The file; `-` is standard input.
    #[arg(required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// Go on with an import that was interrupted.
    #[arg(long, value_name = "JOB", conflicts_with = "file")]
    resume: Option<JobId>,
    /// Check the lines, and add nothing.
    #[arg(long)]
    dry_run: bool,
    /// The marketplace of ASINs without one.
    #[arg(long)]
    marketplace: Option<Marketplace>,
    /// How often to crawl the products; default daily.
    #[arg(long)]
    frequency: Option<Frequency>,
    /// A tag of all products; may be repeated.
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// They are competitors' products.
    #[arg(long)]
    competitor: bool,
    /// Read their offer lists as well, so often with a crawl; without an interval daily.
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "daily")]
    offers: Option<Interval>,
    /// The tenant; default: that of the installation.
    #[arg(long)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) fn run(folder: &Path, args: ImportArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    match args.what {
        What::Products(args) => runtime.block_on(products(folder, args)),
        What::Keepa(args) => runtime.block_on(import_keepa::run(folder, args)),
    }
}

async fn products(folder: &Path, args: ProductsArgs) -> anyhow::Result<ExitCode> {
    let tenant_id = args.tenant.unwrap_or(TenantId::BUILT_IN);
    let (resume, file) = (args.resume, args.file.clone());
    let defaults = ProductDefaults {
        marketplace: args.marketplace,
        frequency: args.frequency,
        tags: normalize_tags(args.tags).map_err(|errors| anyhow::anyhow!("--tag: {}", errors.join("; ")))?,
        is_competitor: args.competitor,
        offers_interval: args.offers,
    };
    let settings = settings_of(folder, args.database)?;
    let store = open_store(&settings).await?;
    let id = match (resume, file) {
        (Some(id), _) => id,
        (None, Some(file)) => {
            let spec = JobSpec::Import { dry_run: args.dry_run, defaults };
            upload(&store, &settings, tenant_id, spec, &file).await?
        }
        (None, None) => anyhow::bail!("FILE or --resume is required"),
    };
    eprintln!("job {id}; if interrupted, go on with: amazon-tracker import products --resume {id}");
    let job = carry_on(&store, &settings, tenant_id, id).await?;
    let result = summary(&store, &job).await;
    store.close().await;
    print_result(&result?)?;
    Ok(if job.counts.failed == 0 && job.error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the lines of a file, a thousand at a time. What cannot be read leaves nothing.
async fn upload(
    store: &SharedStore,
    settings: &Settings,
    tenant_id: TenantId,
    spec: JobSpec,
    file: &Path,
) -> anyhow::Result<JobId> {
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?)
    };
    let new = NewJob {
        tenant_id,
        spec,
        created_by: "system".to_owned(),
        inputs: Vec::new(),
        is_receiving: true,
        quota: settings.jobs.max_open,
    };
    let id = store.create_job(new).await?.id;
    if let Err(error) = receive(store, tenant_id, id, input).await {
        store.discard_job(tenant_id, id).await?;
        return Err(error.context(format!("cannot read {}", file.display())));
    }
    Ok(store.start_job(tenant_id, id).await?.id)
}

async fn receive(store: &SharedStore, tenant_id: TenantId, id: JobId, mut input: Box<dyn Read>) -> anyhow::Result<()> {
    let (mut reader, mut lines, mut count) = (ImportReader::default(), Vec::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = input.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        reader.push(&chunk[..read], &mut lines)?;
        count += write_full(store, tenant_id, id, &mut lines, LINES_PER_WRITE).await?;
    }
    reader.finish(&mut lines)?;
    count += write_full(store, tenant_id, id, &mut lines, 1).await?;
    anyhow::ensure!(count > 0, "it names no products");
    Ok(())
}

/// Writes the lines if there are enough. Returns how many were written.
async fn write_full(
    store: &SharedStore,
    tenant_id: TenantId,
    id: JobId,
    lines: &mut Vec<FileLine>,
    enough: usize,
) -> Result<usize, StoreError> {
    if lines.len() < enough {
        return Ok(0);
    }
    let items: Vec<NewJobItem> = lines.drain(..).map(item_of).collect();
    let count = items.len();
    store.add_job_items(tenant_id, id, items, PATIENCE).await?;
    Ok(count)
}

/// Takes the steps of a job until it has ended. A daemon may take some of them.
async fn carry_on(store: &SharedStore, settings: &Settings, tenant_id: TenantId, id: JobId) -> anyhow::Result<Job> {
    let tools = JobTools {
        store: store.clone(),
        plans: settings.plans.clone(),
        default_marketplace: settings.products.default_marketplace,
        lists: Arc::new(DirectSource::new(settings.crawl.clone(), Arc::new(Metrics::new()))?),
        list_runs: None,
        max_open: settings.jobs.max_open,
        // It takes no steps of other jobs than its own.
        reports: ReportTools {
            public_url: format!("http://{}/", settings.server.listen).parse().context("server.listen")?,
            kept_for: settings.reports.kept_for(),
        },
    };
    let owner = format!("import/{}", std::process::id());
    let mut job = store.job(tenant_id, id).await?;
    let bar = progress::bar(Some(job.counts.total), "lines");
    while !job.status.is_final() {
        let claimed = store.claim_jobs(1, LEASE, &owner, Some(id)).await?;
        for step in &claimed {
            match tools.take_step(step).await {
                // Lost: a daemon goes on.
                Ok(()) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if claimed.is_empty() {
            tokio::time::sleep(POLL_EVERY).await;
        }
        job = store.job(tenant_id, id).await?;
        bar.set_position(job.counts.ended());
    }
    bar.finish_and_clear();
    Ok(job)
}

async fn summary(store: &SharedStore, job: &Job) -> anyhow::Result<String> {
    let counts = job.counts;
    let what = match &job.spec {
        JobSpec::Import { dry_run: true, .. } => "would add",
        _ => "added",
    };
    let mut text = format!(
        "{what} {}, skipped {}, failed {} of {} lines\n",
        counts.done, counts.skipped, counts.failed, counts.total
    );
    if let Some(error) = &job.error {
        text += &format!("the import has ended: {error}\n");
    }
    let failed = store.job_items(job.tenant_id, job.id, Some(ItemStatus::Failed), None, MAX_NAMED).await?;
    for item in failed.items {
        text += &format!("line {}: {}\n", item.place, item.error.unwrap_or_default());
    }
    if failed.next_cursor.is_some() {
        text += "…\n";
    }
    Ok(text)
}
