//! Tenants: one's own, and, for who runs the installation, all of them.

use std::sync::Arc;

use super::access::Caller;
use super::auth::check_name;
use super::products::{cursor_or, valid};
use super::{FieldError, Parts, Service, ServiceError, ServiceResult};
use crate::config::Plan;
use crate::domain::{Tenant, TenantId};
use crate::store::{AuditEntry, Page, UsageRow};

impl Service {
    /// One tenant.
    pub async fn tenant(&self, id: TenantId) -> ServiceResult<Tenant> {
        self.run(async move |parts: Arc<Parts>| {
            parts.store.tenant(id).await.map_err(|error| ServiceError::of(error, "tenant"))
        })
        .await
    }

    /// What the caller's tenant has, and what it may have.
    pub async fn usage(&self, caller: &Caller) -> ServiceResult<(UsageRow, Plan)> {
        let (tenant_id, plan) = (caller.tenant_id, caller.plan);
        self.run(async move |parts: Arc<Parts>| {
            let usage = parts.store.usage(tenant_id).await.map_err(|error| ServiceError::of(error, "tenant"))?;
            Ok((usage, plan))
        })
        .await
    }

    /// Renames the caller's tenant.
    pub async fn rename_tenant(&self, caller: Caller, name: String) -> ServiceResult<Tenant> {
        self.run(async move |parts: Arc<Parts>| {
            let mut errors = Vec::new();
            check_name("name", &name, &mut errors);
            valid(errors)?;
            let renamed = parts.store.update_tenant(caller.tenant_id, Some(&name), None).await;
            let tenant = renamed.map_err(|error| ServiceError::of(error, "tenant"))?;
            parts.note(caller.act("tenant.update", Some(format!("tenant:{}", tenant.id)))).await;
            Ok(tenant)
        })
        .await
    }

    /// Puts a tenant on another plan. For who runs the installation.
    pub async fn change_plan(&self, caller: Caller, id: TenantId, plan: String) -> ServiceResult<Tenant> {
        caller.require_superadmin()?;
        self.run(async move |parts: Arc<Parts>| {
            if !parts.plans.0.contains_key(&plan) {
                let names = parts.plans.0.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(ServiceError::Invalid(vec![FieldError::new("plan", format!("use one of: {names}"))]));
            }
            let changed = parts.store.update_tenant(id, None, Some(&plan)).await;
            let tenant = changed.map_err(|error| ServiceError::of(error, "tenant"))?;
            // Where it was done, and to whom: both can read it.
            let resource = Some(format!("tenant:{id}"));
            parts.note(caller.act("tenant.change_plan", resource.clone())).await;
            if id != caller.tenant_id {
                parts.note(Caller { tenant_id: id, ..caller }.act("tenant.change_plan", resource)).await;
            }
            Ok(tenant)
        })
        .await
    }

    /// A page of all tenants, the newest first. For who runs the installation.
    pub async fn tenants(&self, caller: Caller, cursor: Option<String>, limit: u32) -> ServiceResult<Page<Tenant>> {
        caller.require_superadmin()?;
        self.run(async move |parts: Arc<Parts>| {
            let page = parts.store.tenants(cursor.as_deref(), limit).await.map_err(cursor_or("tenant"))?;
            parts.note(caller.act("tenant.list", None)).await;
            Ok(page)
        })
        .await
    }

    /// Any tenant. For who runs the installation.
    pub async fn any_tenant(&self, caller: Caller, id: TenantId) -> ServiceResult<Tenant> {
        caller.require_superadmin()?;
        self.run(async move |parts: Arc<Parts>| {
            let tenant = parts.store.tenant(id).await.map_err(|error| ServiceError::of(error, "tenant"))?;
            parts.note(caller.act("tenant.get", Some(format!("tenant:{id}")))).await;
            Ok(tenant)
        })
        .await
    }

    /// A page of what was done in a tenant, the latest first.
    pub async fn audit(
        &self,
        tenant_id: TenantId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<AuditEntry>> {
        self.run(async move |parts: Arc<Parts>| {
            parts.store.acts(tenant_id, cursor.as_deref(), limit).await.map_err(cursor_or("act"))
        })
        .await
    }
}
