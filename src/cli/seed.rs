//! `seed`: example data. Users, products and alerts only: the daemon records their history.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use url::Url;

use super::user::{add_key, add_tenant, add_user, new_user, on_store, password_for, settings_of};
use super::{DatabaseArgs, progress};
use crate::auth::Passwords;
use crate::config::in_production;
use crate::domain::{
    Condition, EmailAddress, Frequency, Listing, Marketplace, Money, ProductId, ProductSettings, ProductStatus, Role,
    RuleScope, RuleSettings, TenantId, User,
};
use crate::service::new_webhook_secret;
use crate::store::{NewProduct, NewRule, NewUser, RuleChannels, RuleFilter, RuleWebhook, SharedStore, StoreError};

const TENANT: &str = "Example";
const PLAN: &str = "pro";
const ADMIN: &str = "example-admin@example.com";
const VIEWER: &str = "example-viewer@example.com";

#[derive(Debug, Args)]
pub(super) struct SeedArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The URL of the alerts' webhooks.
    #[arg(long, default_value = "https://example.com/webhook")]
    webhook_url: Url,
    /// Allow TRACKER_ENV=production.
    #[arg(long)]
    force: bool,
}

/// A listing to track.
struct Example {
    marketplace: Marketplace,
    asin: &'static str,
    label: &'static str,
    tags: &'static [&'static str],
    frequency: Frequency,
    is_competitor: bool,
    /// The target of an alert, in minor units.
    target_minor: Option<i64>,
}

const EXAMPLES: &[Example] = &[
    Example { target_minor: Some(7999), ..example(Marketplace::Us, "B00FLYWNYQ", "Instant Pot Duo", &["kitchen"]) },
    Example {
        target_minor: Some(3499),
        ..example(Marketplace::De, "0131103628", "The C Programming Language", &["books"])
    },
    Example { is_competitor: true, ..example(Marketplace::Uk, "0131103628", "The C Programming Language", &["books"]) },
    example(Marketplace::Fr, "0131103628", "The C Programming Language", &["books"]),
    Example {
        frequency: Frequency::HOURLY,
        ..example(Marketplace::De, "B0BG6843GX", "Core i7-13700K", &["processors"])
    },
    Example { target_minor: Some(129_900), ..example(Marketplace::Br, "B0D6NN6TM7", "Ryzen 5 9600X", &["processors"]) },
];

const fn example(
    marketplace: Marketplace,
    asin: &'static str,
    label: &'static str,
    tags: &'static [&'static str],
) -> Example {
    Example { marketplace, asin, label, tags, frequency: Frequency::DAILY, is_competitor: false, target_minor: None }
}

pub(super) fn run(folder: &Path, args: SeedArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(folder, args.database)?;
    if in_production() && !args.force {
        bail!("TRACKER_ENV is production; use --force to add example data");
    }
    on_store(&settings, async |store, passwords| {
        let (admin, way_in) = people(&store, &passwords).await?;
        let (mut products, mut alerts) = (0, 0);
        let bar = progress::bar(Some(EXAMPLES.len() as u64), "products");
        for example in EXAMPLES {
            let (product_id, is_new) = watch(&store, admin.tenant_id, example).await?;
            products += u32::from(is_new);
            alerts += u32::from(wait_for_price(&store, admin.tenant_id, product_id, example, &args.webhook_url).await?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(format!("tenant {TENANT} {}\n{way_in}added {products} products and {alerts} alerts\n", admin.tenant_id))
    })
}

/// The admin, and the credentials of new users. Existing users keep their passwords.
async fn people(store: &SharedStore, passwords: &Passwords) -> anyhow::Result<(User, String)> {
    let mut way_in = String::new();
    let admin = match known(store, ADMIN).await? {
        Some(admin) => admin,
        None => {
            let (first, password) = newcomer(passwords, ADMIN, Role::TenantAdmin).await?;
            let admin = add_tenant(store, TENANT, PLAN, first).await?;
            way_in = format!("{ADMIN}: {password}API key {}\n", add_key(store, &admin, "example").await?);
            admin
        }
    };
    if known(store, VIEWER).await?.is_none() {
        let (viewer, password) = newcomer(passwords, VIEWER, Role::Viewer).await?;
        add_user(store, admin.tenant_id, viewer).await?;
        way_in += &format!("{VIEWER}: {password}");
    }
    if way_in.is_empty() {
        way_in = format!("{ADMIN} already exists; to set a new password: amazon-tracker user reset-password {ADMIN}\n");
    }
    Ok((admin, way_in))
}

async fn known(store: &SharedStore, email: &str) -> anyhow::Result<Option<User>> {
    match store.credentials(&email.parse()?).await {
        Err(StoreError::NotFound(_)) => Ok(None),
        credentials => Ok(Some(credentials?.user)),
    }
}

/// A new user, and the password to print.
async fn newcomer(passwords: &Passwords, email: &str, role: Role) -> anyhow::Result<(NewUser, String)> {
    let email: EmailAddress = email.parse()?;
    let (password, shown) = password_for(&email, false, passwords)?;
    Ok((new_user(&email, None, role, passwords.hash(password).await?), shown))
}

/// The product, and whether it is new.
async fn watch(store: &SharedStore, tenant_id: TenantId, example: &Example) -> anyhow::Result<(ProductId, bool)> {
    let settings = ProductSettings {
        label: Some(example.label.to_owned()),
        tags: example.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        frequency: example.frequency,
        is_competitor: example.is_competitor,
        status: ProductStatus::Active,
        offers_interval: None,
    };
    let listing = Listing::new(example.marketplace, example.asin.parse()?);
    match store.add_product(NewProduct { tenant_id, listing, settings, quota: u32::MAX }).await {
        Ok(product) => Ok((product.id, true)),
        Err(StoreError::AlreadyWatched(id)) => Ok((id, false)),
        Err(error) => Err(error.into()),
    }
}

/// Adds the alert of an example, unless the product has one. True if it was added.
async fn wait_for_price(
    store: &SharedStore,
    tenant_id: TenantId,
    product_id: ProductId,
    example: &Example,
    webhook_url: &Url,
) -> anyhow::Result<bool> {
    let Some(target_minor) = example.target_minor else { return Ok(false) };
    if !store.rules(tenant_id, &RuleFilter::of_product(product_id), None, 1).await?.items.is_empty() {
        return Ok(false);
    }
    let target = Money::new(target_minor, example.marketplace.currency());
    let rule = NewRule {
        tenant_id,
        scope: RuleScope::Product(product_id),
        settings: RuleSettings::of(Condition::PriceAtOrBelow { target }),
        webhook: Some(RuleWebhook { url: webhook_url.to_string(), secret: new_webhook_secret() }),
        channels: RuleChannels::default(),
        quota: u32::MAX,
    };
    store.add_rule(rule).await?;
    Ok(true)
}
