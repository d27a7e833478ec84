//! Trackings of Keepa: the alert rules about one product whose conditions Keepa can say.
//!
//! A product has one tracking. Its thresholds are rules of their own, also those that were created otherwise; of these, those that tell
//! somebody are never removed here. Rules about several products, and those with other conditions, are no part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::access::Caller;
use super::alerts::AddRule;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::{Asin, Listing, Marketplace, Product, ProductId, RuleScope, RuleSettings, TenantId};
use crate::keepa::Watch;
use crate::store::{EventFilter, EventRow, RuleChannels, RuleFilter, RuleRow, StoreError};

/// Rules that are read at once.
const PAGE: u32 = 250;
/// Events that are told at once.
const MAX_EVENTS: usize = 1000;

/// A tracking: a product, and the rules that wait for something.
#[derive(Debug, Clone)]
pub struct Tracking {
    /// The product.
    pub product: Product,
    /// Its rules, newest first, with what each waits for.
    pub rules: Vec<(Watch, RuleRow)>,
}

/// A tracking to be set.
#[derive(Debug, Clone)]
pub struct SetTracking {
    /// The marketplace of the product.
    pub marketplace: Marketplace,
    /// The product.
    pub asin: Asin,
    /// What it waits for.
    pub watches: Vec<Watch>,
    /// A name for people.
    pub name: Option<String>,
    /// It ends then.
    pub expires_at: Option<Timestamp>,
    /// Crossings within so long after one that was told are told together at its end.
    pub cooldown_secs: u32,
}

impl Service {
    /// Makes the tracking of a product wait for this and for nothing else. Rules that wait for the same already stay as they are, and so do
    /// those that tell people.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: the listing is not the tenant's product. [`ServiceError::Invalid`]: no rule can wait for this.
    pub async fn set_tracking(&self, caller: Caller, request: SetTracking) -> ServiceResult<Tracking> {
        let (tenant_id, marketplace, asin) = (caller.tenant_id, request.marketplace, request.asin);
        let before = self.tracking(tenant_id, marketplace, asin).await?;
        let product_id = before.product.id;
        let is_wanted = |watch: &Watch| request.watches.contains(watch);
        for watch in &request.watches {
            if before.rules.iter().any(|(known, _)| known == watch) {
                continue;
            }
            let condition = watch.condition(marketplace.currency()).ok_or_else(|| {
                ServiceError::invalid("csvType", format!("alerts cannot wait for {}", watch.slot().name()))
            })?;
            let settings = RuleSettings {
                name: request.name.clone(),
                expires_at: request.expires_at,
                cooldown_secs: request.cooldown_secs,
                ..RuleSettings::of(condition)
            };
            let rule = AddRule {
                scope: RuleScope::Product(product_id),
                settings,
                condition_path: "thresholdValues.",
                webhook_url: None,
                channels: RuleChannels::default(),
                may_be_silent: true,
            };
            self.add_rule(caller.clone(), rule, None).await?;
        }
        for (_, rule) in before.rules.iter().filter(|(watch, rule)| !is_wanted(watch) && tells_nobody(rule)) {
            self.remove_rule(caller.clone(), rule.id).await?;
        }
        self.tracking(tenant_id, marketplace, asin).await
    }

    /// Removes the rules of a product's tracking that tell nobody. Returns whether there was one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: the listing is not the tenant's product.
    pub async fn remove_tracking(&self, caller: Caller, marketplace: Marketplace, asin: Asin) -> ServiceResult<bool> {
        let tracking = self.tracking(caller.tenant_id, marketplace, asin).await?;
        let own = tracking.rules.iter().filter(|(_, rule)| tells_nobody(rule));
        let mut is_any = false;
        for (_, rule) in own {
            self.remove_rule(caller.clone(), rule.id).await?;
            is_any = true;
        }
        Ok(is_any)
    }

    /// The tracking of a product; without rules if it has none.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: the listing is not the tenant's product.
    pub async fn tracking(&self, tenant_id: TenantId, marketplace: Marketplace, asin: Asin) -> ServiceResult<Tracking> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.product_of_listing(tenant_id, Listing::new(marketplace, asin)).await?;
            let rules = deps.tracking_rules(tenant_id, Some(product.id)).await?;
            Ok(Tracking { product, rules: rules.into_iter().map(|(_, watch, rule)| (watch, rule)).collect() })
        })
        .await
    }

    /// All trackings of a tenant.
    pub async fn trackings(&self, tenant_id: TenantId) -> ServiceResult<Vec<Tracking>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut by_product: BTreeMap<ProductId, Vec<(Watch, RuleRow)>> = BTreeMap::new();
            for (product_id, watch, rule) in deps.tracking_rules(tenant_id, None).await? {
                by_product.entry(product_id).or_default().push((watch, rule));
            }
            let mut trackings = Vec::new();
            for (product_id, rules) in by_product {
                match deps.store.product(tenant_id, product_id).await {
                    Ok(product) => trackings.push(Tracking { product, rules }),
                    // Removed meanwhile.
                    Err(StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(trackings)
        })
        .await
    }

    /// The latest events of trackings since a time, newest first.
    pub async fn tracking_events(
        &self,
        tenant_id: TenantId,
        since: Timestamp,
    ) -> ServiceResult<Vec<(Watch, EventRow)>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let filter = EventFilter { since: Some(since), ..EventFilter::default() };
            let (mut events, mut cursor) = (Vec::new(), None::<String>);
            while events.len() < MAX_EVENTS {
                let page = deps.store.events(tenant_id, &filter, cursor.as_deref(), PAGE).await?;
                let told = page.items.into_iter().filter_map(|row| Some((Watch::of(&row.event.facts.condition)?, row)));
                events.extend(told);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            events.truncate(MAX_EVENTS);
            Ok(events)
        })
        .await
    }
}

/// True of the rules that trackings make: their events are only read. A program written for Keepa takes away no alert that somebody has
/// set up to be told.
fn tells_nobody(rule: &RuleRow) -> bool {
    rule.webhook.is_none() && rule.channels == RuleChannels::default()
}

impl Dependencies {
    /// The rules that are part of a tracking, newest first.
    async fn tracking_rules(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
    ) -> ServiceResult<Vec<(ProductId, Watch, RuleRow)>> {
        let filter = RuleFilter { product_id, tag: None };
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = self.store.rules(tenant_id, &filter, cursor.as_deref(), PAGE).await?;
            found.extend(page.items.into_iter().filter_map(|rule| match rule.scope {
                RuleScope::Product(id) => Some((id, Watch::of(&rule.settings.condition)?, rule)),
                RuleScope::Tag(_) | RuleScope::All => None,
            }));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}
