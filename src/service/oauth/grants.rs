//! What users have granted, and how they take it back.

use std::sync::Arc;

use crate::domain::{ClientGrant, SessionId};
use crate::service::{Caller, Dependencies, Service, ServiceResult};

impl Service {
    /// What the caller has granted to clients.
    ///
    /// # Errors
    /// [`crate::service::ServiceError::Forbidden`] for an API key.
    pub async fn grants(&self, caller: &Caller) -> ServiceResult<Vec<ClientGrant>> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.grants(user_id).await?)).await
    }

    /// Takes back what the caller has granted to a client. Its tokens are worth nothing from now on.
    ///
    /// # Errors
    /// [`crate::service::ServiceError::NotFound`] if the caller has no such grant in force.
    pub async fn revoke_grant(&self, caller: Caller, id: SessionId) -> ServiceResult<()> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.end_grant(user_id, id).await?;
            deps.invalidate_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event("auth.grant_revoke", Some(format!("grant:{id}")))).await;
            Ok(())
        })
        .await
    }
}
