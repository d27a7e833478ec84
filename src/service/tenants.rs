//! Tenants.

use std::sync::Arc;

use jiff::Timestamp;

use super::access::{Caller, Origin};
use super::auth::check_name;
use super::products::valid;
use super::users::GRACE;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::config::Plan;
use crate::domain::{Scope, SellerId, SpendingLimits, Tenant, TenantId, TenantSpending};
use crate::store::{AuditEntry, AuditFilter, DailyUsage, Page, TenantPatch, UsageRow};

/// Maximum seller ids of a tenant: one a marketplace and more.
const MAX_SELLER_IDS: usize = 100;

fn checked_seller_ids(ids: &[String], errors: &mut Vec<FieldError>) -> Vec<SellerId> {
    if ids.len() > MAX_SELLER_IDS {
        errors.push(FieldError::new("seller_ids", format!("must have at most {MAX_SELLER_IDS} ids")));
        return Vec::new();
    }
    let parsed = |(n, id): (usize, &String)| match id.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            errors.push(FieldError::new(&format!("seller_ids[{n}]"), error));
            None
        }
    };
    ids.iter().enumerate().filter_map(parsed).collect()
}

impl Service {
    /// One tenant.
    pub async fn tenant(&self, id: TenantId) -> ServiceResult<Tenant> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.tenant(id).await?)).await
    }

    /// The usage and the plan of the caller's tenant.
    pub async fn usage(&self, caller: &Caller) -> ServiceResult<(UsageRow, Plan)> {
        let (tenant_id, plan) = (caller.tenant_id, caller.plan);
        self.run(async move |deps: Arc<Dependencies>| {
            let usage = deps.store.usage(tenant_id).await?;
            Ok((usage, plan))
        })
        .await
    }

    /// What the caller's tenant spends on sources that cost money, and what its plan allows.
    pub async fn spending(&self, caller: &Caller) -> ServiceResult<(TenantSpending, SpendingLimits)> {
        let (tenant_id, limits) = (caller.tenant_id, caller.plan.spending_limits());
        self.run(async move |deps: Arc<Dependencies>| Ok((deps.store.spending(tenant_id).await?, limits))).await
    }

    /// Changes the name of the caller's tenant, and the ids under which it sells.
    pub async fn change_tenant(
        &self,
        caller: Caller,
        name: Option<String>,
        seller_ids: Option<Vec<String>>,
        expected_version: Option<i64>,
    ) -> ServiceResult<Tenant> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut errors = Vec::new();
            if let Some(name) = &name {
                check_name("name", name, &mut errors);
            }
            let seller_ids = seller_ids.map(|ids| checked_seller_ids(&ids, &mut errors));
            valid(errors)?;
            let patch = TenantPatch { name, seller_ids, expected_version, ..TenantPatch::default() };
            deps.update_tenant(&caller, caller.tenant_id, &patch, "tenant.update").await
        })
        .await
    }

    /// Schedules the deletion of the caller's tenant after the grace period.
    pub async fn schedule_tenant_deletion(
        &self,
        caller: Caller,
        expected_version: Option<i64>,
    ) -> ServiceResult<Tenant> {
        self.run(async move |deps: Arc<Dependencies>| {
            check_can_end(caller.tenant_id)?;
            let now = deps.store.now().await?;
            let deletion_scheduled_at = Some(Some(now.saturating_add(GRACE).unwrap_or(Timestamp::MAX)));
            let patch = TenantPatch { deletion_scheduled_at, expected_version, ..TenantPatch::default() };
            deps.update_tenant(&caller, caller.tenant_id, &patch, "tenant.schedule_deletion").await
        })
        .await
    }

    /// Cancels the deletion of the caller's tenant.
    pub async fn cancel_tenant_deletion(&self, caller: Caller) -> ServiceResult<Tenant> {
        self.run(async move |deps: Arc<Dependencies>| {
            let patch = TenantPatch { deletion_scheduled_at: Some(None), ..TenantPatch::default() };
            deps.update_tenant(&caller, caller.tenant_id, &patch, "tenant.cancel_deletion").await
        })
        .await
    }

    /// Deletes a tenant with all of its data, now. Requires a superadmin.
    pub async fn remove_tenant(
        &self,
        caller: Caller,
        id: TenantId,
        expected_version: Option<i64>,
    ) -> ServiceResult<()> {
        caller.require_superadmin()?;
        self.run(async move |deps: Arc<Dependencies>| {
            check_can_end(id)?;
            let now = deps.store.now().await?;
            // If this is interrupted, maintenance completes it.
            let deletion_scheduled_at = Some(Some(now));
            let patch = TenantPatch { deletion_scheduled_at, expected_version, ..TenantPatch::default() };
            deps.store.update_tenant(id, &patch).await?;
            deps.audit(caller.audit_event("tenant.delete", Some(format!("tenant:{id}")))).await;
            deps.invalidation.tenant_deleted(id);
            deps.store.remove_tenant(id).await?;
            Ok(())
        })
        .await
    }

    /// Changes the plan of a tenant. Requires a superadmin.
    pub async fn change_plan(
        &self,
        caller: Caller,
        id: TenantId,
        plan: String,
        expected_version: Option<i64>,
    ) -> ServiceResult<Tenant> {
        caller.require_superadmin()?;
        self.run(async move |deps: Arc<Dependencies>| {
            if !deps.plans.0.contains_key(&plan) {
                let names = deps.plans.0.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(ServiceError::Invalid(vec![FieldError::new("plan", format!("must be one of: {names}"))]));
            }
            let patch = TenantPatch { plan: Some(plan), expected_version, ..TenantPatch::default() };
            deps.update_tenant(&caller, id, &patch, "tenant.change_plan").await
        })
        .await
    }

    /// A page of all tenants, newest first. Requires a superadmin.
    pub async fn tenants(&self, caller: Caller, cursor: Option<String>, limit: u32) -> ServiceResult<Page<Tenant>> {
        caller.require_superadmin()?;
        self.run(async move |deps: Arc<Dependencies>| {
            let page = deps.store.tenants(cursor.as_deref(), limit).await?;
            deps.audit(caller.audit_event("tenant.list", None)).await;
            Ok(page)
        })
        .await
    }

    /// Any tenant. Requires a superadmin.
    pub async fn any_tenant(&self, caller: Caller, id: TenantId) -> ServiceResult<Tenant> {
        caller.require_superadmin()?;
        self.run(async move |deps: Arc<Dependencies>| {
            let tenant = deps.store.tenant(id).await?;
            deps.audit(caller.audit_event("tenant.get", Some(format!("tenant:{id}")))).await;
            Ok(tenant)
        })
        .await
    }

    /// The daily usage of a tenant, as far as it is stored.
    pub async fn daily_usage(&self, tenant_id: TenantId) -> ServiceResult<Vec<DailyUsage>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.daily_usage(tenant_id).await?)).await
    }

    /// Audits an export of a tenant, and returns it. Another tenant than the caller's requires a superadmin.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]
    pub async fn begin_export(&self, caller: Caller, id: TenantId) -> ServiceResult<Tenant> {
        require_export(&caller, id)?;
        self.run(async move |deps: Arc<Dependencies>| {
            let tenant = deps.store.tenant(id).await?;
            deps.audit_in_both(&caller, id, "tenant.export").await;
            Ok(tenant)
        })
        .await
    }

    /// Begins the export of a table; it is part of the audit log.
    pub async fn begin_table_export(&self, caller: Caller, table: &'static str) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.audit(caller.audit_event("table.export", Some(format!("table:{table}")))).await;
            Ok(())
        })
        .await
    }

    /// Whether a credential still allows the export of a tenant. While the database is unavailable it does.
    pub async fn may_still_export(&self, credential: &str, origin: Origin, id: TenantId) -> bool {
        match self.authenticate(credential, origin, 0).await {
            Ok((caller, _)) => require_export(&caller, id).is_ok(),
            Err(error) => !matches!(error, ServiceError::Unauthenticated | ServiceError::Forbidden(_)),
        }
    }

    /// A page of a tenant's audit log, newest first.
    pub async fn audit(
        &self,
        tenant_id: TenantId,
        filter: AuditFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<AuditEntry>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.audit_entries(tenant_id, &filter, cursor.as_deref(), limit).await?)
        })
        .await
    }
}

/// The installation's own tenant cannot be deleted.
fn check_can_end(id: TenantId) -> ServiceResult<()> {
    match id {
        TenantId::BUILT_IN => {
            let detail = "the installation's own tenant cannot be deleted";
            Err(ServiceError::Conflict("built_in", detail.to_owned()))
        }
        _ => Ok(()),
    }
}

impl Dependencies {
    async fn update_tenant(
        self: &Arc<Self>,
        caller: &Caller,
        id: TenantId,
        patch: &TenantPatch,
        action: &'static str,
    ) -> ServiceResult<Tenant> {
        let tenant = self.store.update_tenant(id, patch).await?;
        self.audit_in_both(caller, id, action).await;
        Ok(tenant)
    }

    /// Records an event in the caller's tenant and in the changed one.
    async fn audit_in_both(self: &Arc<Self>, caller: &Caller, id: TenantId, action: &'static str) {
        let resource = Some(format!("tenant:{id}"));
        self.audit(caller.audit_event(action, resource.clone())).await;
        if id != caller.tenant_id {
            self.audit(Caller { tenant_id: id, ..caller.clone() }.audit_event(action, resource)).await;
        }
    }
}

/// Admins export their own tenant, superadmins any.
fn require_export(caller: &Caller, id: TenantId) -> ServiceResult<()> {
    if id == caller.tenant_id { caller.require(Scope::AdminTenant) } else { caller.require_superadmin() }
}
