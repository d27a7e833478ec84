//! Makes a report. Of one product or one competitor set: in one step, which holds as many histories as a comparison does. Of many
//! products: some in each step, of which a small row is kept, and then the report from all rows. So no step holds the histories of more
//! than one of them, and what a crash costs is one step, however many there are.

use std::collections::HashMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::report_mail::mail_of;
use super::{ITEMS_PER_STEP, JobTools};
use crate::domain::{
    CompetitorSetId, Listing, Product, ProductId, ReportFormat, ReportOutput, ReportSpec, ReportSubject, ReportWindow,
    Series,
};
use crate::files::report::{pack, render};
use crate::insight::listing_rules::{ListingContent, check};
use crate::insight::report::{
    ProductRow, ProductsScope, Report, ReportExclusion, ReportedProduct, SERIES_OF_COMPETITOR_REPORT,
    SERIES_OF_REPORT_WINDOW, competitor_set_report, product_report, product_row, products_report,
};
use crate::insight::{ListingHistory, Peer, SERIES_OF_ALL_TIME, SERIES_OF_LAST_YEAR};
use crate::store::{ClaimedJob, FinishedReport, ItemSummary, MAX_DOCUMENT_BYTES, REPORT_ITEM, StoreError, StoreResult};

/// Products of one step: reading and summarising one takes some milliseconds, the lease of a step lasts a minute.
const PRODUCTS_PER_STEP: u32 = 25;
/// Products of a report. Of more, the rest is left out, and the report says so.
const MAX_PRODUCTS: u32 = 2000;
/// Points of one history.
const MAX_POINTS: u32 = 1_000_000;
/// Competitors of all sets of a product that its price is compared with.
const MAX_PEERS: usize = 500;
/// Sets that are searched for them.
const MAX_SETS: u32 = 500;
/// Until a report that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// Characters of a title that are stored beside the document.
const MAX_TITLE_CHARS: usize = 500;
/// Bytes of a spreadsheet that is attached to an e-mail.
const MAX_ATTACHED_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of all copies of it: each recipient gets an e-mail of their own.
const MAX_COPIED_BYTES: usize = 20 * 1024 * 1024;

/// What the job of a report works with.
#[derive(Debug, Clone)]
pub struct ReportTools {
    /// The base of links in e-mails.
    pub public_url: url::Url,
    /// How long reports are kept.
    pub kept_for: Duration,
}

/// Lists products, or summarises some, or makes the report.
pub(super) async fn step(tools: &JobTools, job: &ClaimedJob, spec: &ReportSpec) -> StoreResult<()> {
    let store = &tools.store;
    let Some(output) = &spec.output else {
        return store.fail_job(&job.lease, "the job names no report").await;
    };
    if !job.is_expanded {
        return store.expand_report(&job.lease, tag_of(&spec.subject), ITEMS_PER_STEP, MAX_PRODUCTS).await;
    }
    let mut unprocessed = store.unprocessed_items(&job.lease, PRODUCTS_PER_STEP).await?;
    unprocessed.retain(|item| item.input != REPORT_ITEM);
    if !unprocessed.is_empty() {
        let items = unprocessed.into_iter().map(|item| (item.place, item.input)).collect();
        return summarise(tools, job, items, &output.window).await;
    }
    match gather(tools, job, spec, &output.window).await? {
        Ok(material) => write(tools, job, spec, output, material).await,
        Err(why) => store.fail_job(&job.lease, why).await,
    }
}

fn tag_of(subject: &ReportSubject) -> Option<&str> {
    match subject {
        ReportSubject::Tag { tag } => Some(tag),
        ReportSubject::Product { .. } | ReportSubject::CompetitorSet { .. } | ReportSubject::Tenant => None,
    }
}

/// Keeps a row of each of some products.
async fn summarise(
    tools: &JobTools,
    job: &ClaimedJob,
    items: Vec<(u32, String)>,
    window: &ReportWindow,
) -> StoreResult<()> {
    let store = &tools.store;
    let listings: Vec<Listing> = items.iter().filter_map(|(_, input)| Listing::from_key(input)).collect();
    let products = store.products_of_listings(job.lease.tenant_id, &listings).await?;
    let mut products: HashMap<String, Product> =
        products.into_iter().map(|product| (product.listing.to_string(), product)).collect();
    let now = store.now().await?;
    let mut summaries = Vec::with_capacity(items.len());
    for (place, input) in items {
        let summary = match products.remove(&input) {
            Some(product) => {
                let parts = [(SERIES_OF_ALL_TIME, None), (SERIES_OF_REPORT_WINDOW, Some(window.from))];
                let history = history_of(tools, &product, &parts, now).await?;
                let row = product_row(&ReportedProduct { product: &product, history: &history, content: None }, window);
                Some(serde_json::to_string(&row).map_err(|error| StoreError::Corrupt(error.to_string()))?)
            }
            None => None,
        };
        summaries.push(ItemSummary { place, summary });
    }
    store.keep_summaries(&job.lease, summaries).await
}

/// A product with all that a report says about it.
struct ReadProduct {
    product: Product,
    history: ListingHistory,
    content: Option<Map<String, Value>>,
}

impl ReadProduct {
    fn reported(&self) -> ReportedProduct<'_> {
        ReportedProduct { product: &self.product, history: &self.history, content: self.content.as_ref() }
    }
}

/// What a report is made from.
enum Material {
    Product { own: Box<ReadProduct>, peers: Vec<Peer> },
    Set { name: String, own: Box<ReadProduct>, competitors: Vec<ReadProduct>, missing: Vec<ReportExclusion> },
    Many { scope: ProductsScope, rows: Vec<ProductRow>, left_out: u64, made_at: Timestamp },
}

/// Reads what a report is made from, or says why there is nothing to report about.
async fn gather(
    tools: &JobTools,
    job: &ClaimedJob,
    spec: &ReportSpec,
    window: &ReportWindow,
) -> StoreResult<Result<Material, &'static str>> {
    let store = &tools.store;
    let now = store.now().await?;
    match &spec.subject {
        ReportSubject::Product { product_id } => {
            let Some(product) = product_of(tools, job, *product_id).await? else {
                return Ok(Err("the product was deleted"));
            };
            let days = i64::from(window.days().max(365));
            let year = now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
            let parts = [
                (SERIES_OF_ALL_TIME, None),
                (SERIES_OF_LAST_YEAR, Some(year.min(window.from))),
                (OF_PRODUCT_WINDOW, Some(window.from)),
            ];
            let peers = peers_of(tools, &product).await?;
            let own = Box::new(read(tools, product, &parts, now).await?);
            Ok(Ok(Material::Product { own, peers }))
        }
        ReportSubject::CompetitorSet { set_id } => gather_set(tools, job, *set_id, window, now).await,
        ReportSubject::Tag { .. } | ReportSubject::Tenant => {
            let tag = tag_of(&spec.subject);
            let rows = store.report_summaries(&job.lease).await?;
            let rows = rows.iter().map(|row| serde_json::from_str(row)).collect::<Result<Vec<ProductRow>, _>>();
            let rows = rows.map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let active =
                if rows.len() < MAX_PRODUCTS as usize { 0 } else { store.count_active(&job.lease, tag).await? };
            let scope = tag.map_or(ProductsScope::All, |tag| ProductsScope::Tag(tag.to_owned()));
            let left_out = active.saturating_sub(rows.len() as u64);
            Ok(Ok(Material::Many { scope, rows, left_out, made_at: now }))
        }
    }
}

/// What [`SERIES_OF_REPORT_WINDOW`] has beyond [`SERIES_OF_LAST_YEAR`]: no point may be given twice.
const OF_PRODUCT_WINDOW: &[Series] = &[Series::Rating, Series::ReviewCount];

async fn gather_set(
    tools: &JobTools,
    job: &ClaimedJob,
    id: CompetitorSetId,
    window: &ReportWindow,
    now: Timestamp,
) -> StoreResult<Result<Material, &'static str>> {
    let tenant_id = job.lease.tenant_id;
    let set = match tools.store.competitor_set(tenant_id, id).await {
        Err(StoreError::NotFound(_)) => return Ok(Err("the competitor set was deleted")),
        set => set?,
    };
    let ids: Vec<ProductId> = std::iter::once(set.product_id).chain(set.competitors).collect();
    let products = tools.store.products_of_ids(tenant_id, &ids).await?;
    let mut products: HashMap<ProductId, Product> = products.into_iter().map(|product| (product.id, product)).collect();
    let parts = [(SERIES_OF_COMPETITOR_REPORT, Some(window.from))];
    let Some(own) = products.remove(&ids[0]) else { return Ok(Err("the product was deleted")) };
    let own = Box::new(read(tools, own, &parts, now).await?);
    let (mut competitors, mut missing) = (Vec::new(), Vec::new());
    for id in &ids[1..] {
        match products.remove(id) {
            Some(product) => competitors.push(read(tools, product, &parts, now).await?),
            None => missing.push(ReportExclusion { what: id.to_string(), reason: "it was deleted".to_owned() }),
        }
    }
    Ok(Ok(Material::Set { name: set.name, own, competitors, missing }))
}

async fn product_of(tools: &JobTools, job: &ClaimedJob, id: ProductId) -> StoreResult<Option<Product>> {
    Ok(tools.store.products_of_ids(job.lease.tenant_id, &[id]).await?.into_iter().next())
}

/// The competitors of a product in all sets that it is the own product of.
async fn peers_of(tools: &JobTools, product: &Product) -> StoreResult<Vec<Peer>> {
    let sets = tools.store.competitor_sets(product.tenant_id, Some(product.id), None, MAX_SETS).await?;
    let mut ids: Vec<ProductId> = sets.items.into_iter().flat_map(|set| set.competitors).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(MAX_PEERS);
    let products = tools.store.products_of_ids(product.tenant_id, &ids).await?;
    Ok(products.iter().map(Peer::from).collect())
}

async fn read(
    tools: &JobTools,
    product: Product,
    parts: &[(&[Series], Option<Timestamp>)],
    now: Timestamp,
) -> StoreResult<ReadProduct> {
    let history = history_of(tools, &product, parts, now).await?;
    let newest = tools.store.content_versions(product.listing_id, None, 1).await?;
    let content = newest.items.into_iter().next().map(|version| version.content);
    Ok(ReadProduct { product, history, content })
}

/// The history of a product's listing: some series, each from a time on.
async fn history_of(
    tools: &JobTools,
    product: &Product,
    parts: &[(&[Series], Option<Timestamp>)],
    now: Timestamp,
) -> StoreResult<ListingHistory> {
    let mut points = Vec::new();
    for (series, from) in parts {
        points.extend(tools.store.points(product.listing_id, series, *from, None, MAX_POINTS).await?);
    }
    Ok(ListingHistory::new(points, product.open_gap(now), product.is_price_stale(now), now))
}

impl Material {
    fn report(&self, window: &ReportWindow) -> Report {
        match self {
            Self::Product { own, peers } => {
                let day = own.history.now().to_zoned(TimeZone::UTC).date();
                let marketplace = own.product.listing.marketplace;
                let checked =
                    own.content.as_ref().map(|content| check(&ListingContent::observed(marketplace, content), day));
                product_report(&own.reported(), peers, checked.as_ref(), window)
            }
            Self::Set { name, own, competitors, missing } => {
                let competitors: Vec<ReportedProduct<'_>> = competitors.iter().map(ReadProduct::reported).collect();
                competitor_set_report(name, &own.reported(), &competitors, missing.clone(), window)
            }
            Self::Many { scope, rows, left_out, made_at } => {
                let mut report = products_report(scope, rows, window, *made_at);
                if *left_out > 0 {
                    report.exclusions.push(ReportExclusion {
                        what: format!("{left_out} further products"),
                        reason: format!("a report has at most {MAX_PRODUCTS} products"),
                    });
                }
                report
            }
        }
    }
}

/// A report in the forms in which it is stored and sent.
struct Written {
    report: Report,
    document: Vec<u8>,
    /// The spreadsheet, if it is to be attached and small enough.
    spreadsheet: Option<Vec<u8>>,
}

/// Makes the report and ends the job.
async fn write(
    tools: &JobTools,
    job: &ClaimedJob,
    spec: &ReportSpec,
    output: &ReportOutput,
    material: Material,
) -> StoreResult<()> {
    let (store, window) = (&tools.store, output.window.clone());
    let max_copies = spec.recipients.len();
    let attaches = max_copies > 0 && spec.formats.contains(&ReportFormat::Xlsx);
    let written = tokio::task::spawn_blocking(move || {
        let report = material.report(&window);
        let document = pack(&report).map_err(|error| error.to_string())?;
        let spreadsheet = attaches.then(|| render(&report, ReportFormat::Xlsx)).transpose();
        let spreadsheet = spreadsheet.map_err(|error| error.to_string())?.filter(|file| {
            file.len() <= MAX_ATTACHED_BYTES && file.len().saturating_mul(max_copies) <= MAX_COPIED_BYTES
        });
        Ok::<_, String>(Written { report, document, spreadsheet })
    });
    let written = match written.await.map_err(|error| error.to_string()).flatten() {
        Ok(written) => written,
        Err(error) => {
            tracing::error!(job_id = %job.lease.id, %error, "a report could not be written");
            return store.release_job(&job.lease, RETRY).await;
        }
    };
    if written.document.len() > MAX_DOCUMENT_BYTES {
        return store.fail_job(&job.lease, "the report is too large; make it about fewer products or days").await;
    }
    let mail = match spec.recipients.is_empty() {
        true => None,
        false => {
            let about = (&written.report, written.spreadsheet.as_deref());
            Some(mail_of(tools, job, spec, output, about).await?)
        }
    };
    let finished = FinishedReport {
        title: written.report.title.chars().take(MAX_TITLE_CHARS).collect(),
        has_data: written.report.has_data(),
        document: written.document,
        kept_for: tools.reports.kept_for,
        mail,
    };
    store.finish_report(&job.lease, finished).await
}
