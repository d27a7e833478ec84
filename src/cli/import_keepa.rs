//! `import keepa`: the past of listings from a saved answer of Keepa's API.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::user::settings_of;
use super::{DatabaseArgs, print_result, progress};
use crate::app::open_store;
use crate::config::Settings;
use crate::domain::{Frequency, ListingId, Past, ProductSettings, TenantId, product::normalize_tags};
use crate::sources::keepa::{KeepaProduct, NAME, past_of, products_in_file};
use crate::store::{NewProduct, ProductFilter, ProductOrder, SharedStore, StoreError};

#[derive(Debug, Args)]
pub(super) struct KeepaArgs {
    /// The file: an answer of `/product` with its history, or products of such answers.
    file: PathBuf,
    /// Show what would be imported, and import nothing.
    #[arg(long)]
    dry_run: bool,
    /// Add the listings of the file that the tenant does not have as products. Otherwise they are skipped.
    #[arg(long)]
    add: bool,
    /// How often to crawl the products that are added; default daily.
    #[arg(long, requires = "add")]
    frequency: Option<Frequency>,
    /// A tag of the products that are added; may be repeated.
    #[arg(long = "tag", requires = "add")]
    tags: Vec<String>,
    /// The products that are added are competitors'.
    #[arg(long, requires = "add")]
    competitor: bool,
    /// The tenant; default: that of the installation.
    #[arg(long)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(folder: &Path, args: KeepaArgs) -> anyhow::Result<ExitCode> {
    let file = args.file.display().to_string();
    let json = std::fs::read(&args.file).with_context(|| format!("cannot open {file}"))?;
    let products = products_in_file(&json).with_context(|| format!("cannot read {file}"))?;
    drop(json);
    let added = ProductSettings {
        frequency: args.frequency.unwrap_or(Frequency::DAILY),
        tags: normalize_tags(args.tags).map_err(|errors| anyhow::anyhow!("--tag: {}", errors.join("; ")))?,
        is_competitor: args.competitor,
        ..ProductSettings::default()
    };
    let tenant_id = args.tenant.unwrap_or(TenantId::BUILT_IN);
    let settings = settings_of(folder, args.database)?;
    let store = open_store(&settings).await?;
    let import = Import {
        keep_from: keep_from(&store, &settings).await?,
        quota: settings.plans.of(&store.tenant(tenant_id).await?.plan).products,
        store,
        tenant_id,
        is_dry: args.dry_run,
        added: args.add.then_some(added),
    };
    let result = import.all(&products).await;
    import.store.close().await;
    let (text, failed) = result?;
    print_result(&text)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Points that are older are deleted by the retention.
async fn keep_from(store: &SharedStore, settings: &Settings) -> anyhow::Result<Option<Timestamp>> {
    let days = settings.retention.history_days;
    if days == 0 {
        return Ok(None);
    }
    Ok(store.now().await?.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).ok())
}

struct Import {
    store: SharedStore,
    tenant_id: TenantId,
    is_dry: bool,
    /// How products are added; `None`: they are not.
    added: Option<ProductSettings>,
    quota: u32,
    keep_from: Option<Timestamp>,
}

/// What became of one listing.
enum Imported {
    /// So many points were added; in a dry run, this is the most that would be.
    Points(u64),
    /// All of its points are known, or none of them lies before the first crawl.
    Unchanged,
    /// Keepa has no history of it.
    Unknown,
    /// The tenant has no such product.
    NoProduct,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points(count) => write!(f, "{count} points"),
            Self::Unchanged => f.write_str("nothing new before the first crawl"),
            Self::Unknown => f.write_str("skipped: the file has no history of it"),
            Self::NoProduct => f.write_str("skipped: not a product of the tenant (--add adds it)"),
        }
    }
}

impl Import {
    /// Imports each product. Returns what became of them, for people, and how many failed.
    async fn all(&self, products: &[KeepaProduct]) -> anyhow::Result<(String, usize)> {
        let bar = progress::bar(Some(products.len() as u64), "listings");
        let (mut lines, now) = (String::new(), self.store.now().await?);
        let (mut imported, mut unchanged, mut skipped, mut failed) = (0, 0, 0, 0);
        for (index, product) in products.iter().enumerate() {
            let (name, result) = match past_of(product, now) {
                Ok(past) => (past.listing.to_string(), self.one(&past).await),
                Err(error) => (format!("product {}", index + 1), Err(error.into())),
            };
            match &result {
                Ok(Imported::Points(_)) => imported += 1,
                Ok(Imported::Unchanged) => unchanged += 1,
                Ok(Imported::Unknown | Imported::NoProduct) => skipped += 1,
                Err(_) => failed += 1,
            }
            lines += &match result {
                Ok(result) => format!("{name}: {result}\n"),
                Err(error) => format!("{name}: failed: {error:#}\n"),
            };
            bar.inc(1);
        }
        bar.finish_and_clear();
        let what = if self.is_dry { "would import at most" } else { "imported" };
        let count = products.len();
        lines += &format!(
            "{what} {imported}, unchanged {unchanged}, skipped {skipped}, failed {failed} of {count} listings\n"
        );
        Ok((lines, failed))
    }

    async fn one(&self, past: &Past) -> anyhow::Result<Imported> {
        if past.points.is_empty() {
            return Ok(Imported::Unknown);
        }
        let known = self.product(past).await?;
        if self.is_dry {
            let would_be = known.is_some() || self.added.is_some();
            return Ok(if would_be { Imported::Points(past.points.len() as u64) } else { Imported::NoProduct });
        }
        let listing_id = match (known, &self.added) {
            (Some(id), _) => id,
            (None, Some(settings)) => self.add(past, settings.clone()).await?,
            (None, None) => return Ok(Imported::NoProduct),
        };
        let imported = self.store.import_past(listing_id, past, NAME, self.keep_from).await?;
        Ok(if imported.added > 0 { Imported::Points(imported.added) } else { Imported::Unchanged })
    }

    /// The listing, if the tenant has it as a product.
    async fn product(&self, past: &Past) -> Result<Option<ListingId>, StoreError> {
        let filter = ProductFilter {
            marketplace: Some(past.listing.marketplace),
            text: Some(past.listing.asin.to_string()),
            ..ProductFilter::default()
        };
        let mut cursor = None;
        loop {
            let order = ProductOrder::default();
            let page = self.store.products(self.tenant_id, &filter, order, cursor.as_deref(), 100).await?;
            // Labels may contain the ASIN too.
            if let Some(product) = page.items.iter().find(|product| product.listing == past.listing) {
                return Ok(Some(product.listing_id));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    async fn add(&self, past: &Past, settings: ProductSettings) -> Result<ListingId, StoreError> {
        let new = NewProduct { tenant_id: self.tenant_id, listing: past.listing, settings, quota: self.quota };
        Ok(self.store.add_product(new).await?.listing_id)
    }
}
