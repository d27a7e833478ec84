//! `export`: products and their history as tables, read from the database page by page.

use std::fs::{self, File};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::user::settings_of;
use super::{DatabaseArgs, print_result, progress};
use crate::app::open_store;
use crate::domain::{Marketplace, Product, ProductStatus, Series, TenantId};
use crate::files::{Cell, HISTORY_COLUMNS, PRODUCT_COLUMNS, TableFormat, TableWriter, point_row, product_row};
use crate::service::{HistoryQuery, read_points};
use crate::store::{ProductFilter, ProductOrder, SharedStore};

/// Products between two times when the place to resume at is saved.
const PRODUCTS_PER_PAGE: u32 = 50;
/// Points that are read at once.
const POINTS_PER_PAGE: u32 = 10_000;
/// Rows are written together when they have so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Products with their current values, a row each.
    Products {
        /// Only products with this status: active or paused.
        #[arg(long)]
        status: Option<ProductStatus>,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// The history of products, a row for each point.
    History {
        /// Only these series, separated by commas; default: all.
        #[arg(long, value_delimiter = ',')]
        series: Vec<Series>,
        /// The first time (RFC 3339); each series begins with the value in effect then.
        #[arg(long)]
        from: Option<Timestamp>,
        /// The time after the last one (RFC 3339).
        #[arg(long)]
        to: Option<Timestamp>,
        #[command(flatten)]
        common: CommonArgs,
    },
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// The file to create; `-` is standard output.
    file: PathBuf,
    /// csv, ndjson, json or xlsx; default: the ending of the file, or csv.
    #[arg(long)]
    format: Option<TableFormat>,
    /// Only products with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only products on this marketplace.
    #[arg(long)]
    marketplace: Option<Marketplace>,
    /// The tenant; default: that of the installation.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Go on with an export that was interrupted. All other arguments must be the same.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What to export.
struct Request {
    tenant_id: TenantId,
    filter: ProductFilter,
    /// The history, rather than the products.
    history: Option<HistoryQuery>,
    format: TableFormat,
    /// All of the above, as the file to resume from states it.
    stated: Value,
}

/// Where an interrupted export goes on.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    /// Of the request: another one cannot go on here.
    request: Value,
    /// Bytes of the file that hold complete pages.
    bytes: u64,
    rows: u32,
    products: u64,
    cursor: Option<String>,
}

pub(super) fn run(folder: &Path, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let (common, status, history) = match args.what {
        What::Products { status, common } => (common, status, None),
        What::History { series, from, to, common } => {
            let series = if series.is_empty() { Series::VALUES.to_vec() } else { series };
            if from.zip(to).is_some_and(|(from, to)| from >= to) {
                bail!("--to must be after --from");
            }
            (common, None, Some(HistoryQuery { series, from, to, limit: POINTS_PER_PAGE }))
        }
    };
    let settings = settings_of(folder, common.database)?;
    let format = format_of(common.format, &common.file)?;
    let filter = ProductFilter { tag: common.tag, marketplace: common.marketplace, status, ..ProductFilter::default() };
    let tenant_id = common.tenant.unwrap_or(TenantId::BUILT_IN);
    let stated = stated(tenant_id, &filter, history.as_ref(), format);
    let request = Request { tenant_id, filter, history, format, stated };
    let (file, resume) = (common.file, common.resume);
    let exported = tokio::runtime::Runtime::new()?.block_on(async {
        let store = open_store(&settings).await?;
        let exported = export(&store, &request, &file, resume).await;
        store.close().await;
        exported
    });
    let Some(place) = exported? else { return Ok(ExitCode::SUCCESS) };
    let summary = format!("exported {} rows of {} products\n", place.rows, place.products);
    if is_stdout(&file) {
        eprint!("{summary}");
        return Ok(ExitCode::SUCCESS);
    }
    print_result(&summary)
}

fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

fn format_of(given: Option<TableFormat>, file: &Path) -> anyhow::Result<TableFormat> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    match (given, ending) {
        (Some(format), _) => Ok(format),
        (None, Some(ending)) => ending.to_lowercase().parse().context("--format is required for this file name"),
        (None, None) => Ok(TableFormat::Csv),
    }
}

fn stated(tenant_id: TenantId, filter: &ProductFilter, history: Option<&HistoryQuery>, format: TableFormat) -> Value {
    let history = history.map(|query| {
        let series: Vec<&str> = query.series.iter().map(|series| series.as_str()).collect();
        json!({ "series": series, "from": query.from, "to": query.to })
    });
    json!({
        "tenant": tenant_id, "tag": filter.tag, "marketplace": filter.marketplace.map(Marketplace::code),
        "status": filter.status.map(ProductStatus::as_str), "history": history, "format": format.ending(),
    })
}

/// Writes the table. `None`: the reader of standard output has closed it.
async fn export(store: &SharedStore, request: &Request, file: &Path, resume: bool) -> anyhow::Result<Option<Place>> {
    store.tenant(request.tenant_id).await.with_context(|| format!("--tenant {}", request.tenant_id))?;
    let mut table = Table::open(request, file, resume)?;
    let is_filtered = request.filter != ProductFilter::default();
    let total = if is_filtered { None } else { Some(store.usage(request.tenant_id).await?.products.into()) };
    let bar = progress::bar(total, "products");
    let written = write_all(store, request, &mut table, &bar).await;
    bar.finish_and_clear();
    match written.and_then(|()| table.end()) {
        Ok(place) => Ok(Some(place)),
        Err(error) if is_stdout(file) && is_broken_pipe(&error) => Ok(None),
        Err(error) => Err(error.context(format!("cannot write {}", file.display()))),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

async fn write_all(store: &SharedStore, request: &Request, table: &mut Table, bar: &ProgressBar) -> anyhow::Result<()> {
    bar.set_position(table.place.products);
    loop {
        let (filter, cursor) = (&request.filter, table.place.cursor.clone());
        let order = ProductOrder::NewestFirst;
        let page = store.products(request.tenant_id, filter, order, cursor.as_deref(), PRODUCTS_PER_PAGE).await?;
        for product in &page.items {
            match &request.history {
                None => table.row(&product_row(product))?,
                Some(query) => write_history(store, product, query, table).await?,
            }
            table.place.products += 1;
            bar.set_position(table.place.products);
        }
        let is_last = page.next_cursor.is_none();
        table.end_page(page.next_cursor)?;
        if is_last {
            return Ok(());
        }
    }
}

async fn write_history(
    store: &SharedStore,
    product: &Product,
    query: &HistoryQuery,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = read_points(store, product.listing_id, query, after.as_ref()).await?;
        for point in &page.points {
            table.row(&point_row(product, point))?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// A table on its way to a file, and the place where it could go on.
struct Table {
    writer: TableWriter,
    output: Output,
    piece: Vec<u8>,
    written: u64,
    place: Place,
}

enum Output {
    Stdout,
    File {
        file: File,
        /// Holds the [`Place`]; `None`: the format cannot be resumed.
        resume: Option<PathBuf>,
    },
}

impl Table {
    fn open(request: &Request, path: &Path, resume: bool) -> anyhow::Result<Self> {
        let columns = if request.history.is_some() { HISTORY_COLUMNS } else { PRODUCT_COLUMNS };
        if resume {
            return Self::reopen(request, path, columns);
        }
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let writer = TableWriter::begin(request.format, columns, &mut piece)?;
        let output = if is_stdout(path) {
            Output::Stdout
        } else {
            let file = File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
            let can_resume = request.format != TableFormat::Xlsx;
            if can_resume {
                eprintln!("if interrupted, go on with the same command and --resume");
            }
            Output::File { file, resume: can_resume.then(|| place_of(path)) }
        };
        let place = Place { request: request.stated.clone(), ..Place::default() };
        let mut table = Self { writer, output, piece, written: 0, place };
        table.flush()?;
        table.save_place()?;
        Ok(table)
    }

    /// Goes on after the last complete page.
    fn reopen(request: &Request, path: &Path, columns: &'static [&'static str]) -> anyhow::Result<Self> {
        let saved = place_of(path);
        let text = fs::read(&saved).with_context(|| format!("--resume: cannot read {}", saved.display()))?;
        let place: Place = serde_json::from_slice(&text).with_context(|| saved.display().to_string())?;
        if place.request != request.stated {
            bail!("--resume: the other arguments differ from those of the interrupted export");
        }
        let writer = TableWriter::resume(request.format, columns, place.rows)
            .context("--resume: a spreadsheet is written as a whole at its end")?;
        let mut file =
            File::options().write(true).open(path).with_context(|| format!("--resume: {}", path.display()))?;
        if file.metadata()?.len() < place.bytes {
            bail!("--resume: {} is shorter than it was", path.display());
        }
        file.set_len(place.bytes)?;
        file.seek(SeekFrom::End(0))?;
        let output = Output::File { file, resume: Some(saved) };
        Ok(Self { writer, output, piece: Vec::new(), written: place.bytes, place })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> anyhow::Result<()> {
        self.writer.row(cells, &mut self.piece)?;
        if self.piece.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.output {
            Output::Stdout => std::io::stdout().lock().write_all(&self.piece)?,
            Output::File { file, .. } => file.write_all(&self.piece)?,
        }
        self.written += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }

    /// Saves the place after a complete page; after the last one, there is none to go on at.
    fn end_page(&mut self, next_cursor: Option<String>) -> anyhow::Result<()> {
        self.flush()?;
        self.place.cursor = next_cursor;
        self.place.rows = self.writer.rows();
        if self.place.cursor.is_some() { self.save_place() } else { Ok(()) }
    }

    fn save_place(&mut self) -> anyhow::Result<()> {
        self.place.bytes = self.written;
        if let Output::File { resume: Some(path), .. } = &self.output {
            // Replaced as a whole: an interruption leaves the place before.
            let new = path.with_extension("resume-new");
            fs::write(&new, serde_json::to_vec(&self.place)?)?;
            fs::rename(&new, path)?;
        }
        Ok(())
    }

    fn end(mut self) -> anyhow::Result<Place> {
        self.writer.end(&mut self.piece)?;
        match &mut self.output {
            Output::Stdout => std::io::stdout().lock().write_all(&self.piece)?,
            Output::File { file, resume } => {
                file.write_all(&self.piece)?;
                file.sync_all()?;
                match resume.as_ref().map(fs::remove_file) {
                    Some(Err(error)) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(self.place)
    }
}

/// The file beside an export that says where to go on.
fn place_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".resume");
    name.into()
}
