//! Who may get a report by e-mail.

use sqlx::types::Json;

use super::Conn;
use crate::domain::{EmailAddress, TenantId};
use crate::store::StoreResult;
use crate::store::rows::word;

/// Those of some addresses that belong to active users of a tenant and were verified.
pub(super) async fn recipients_of(
    conn: &mut Conn,
    tenant_id: TenantId,
    addresses: &[EmailAddress],
) -> StoreResult<Vec<EmailAddress>> {
    const RECIPIENTS: &str = concat!(
        "SELECT email FROM tenant_user WHERE tenant_id = $1 AND status = 'active' AND verified_at IS NOT NULL \
           AND email IN (",
        texts!(2),
        ") ORDER BY email"
    );
    let query = sqlx::query_scalar(RECIPIENTS).bind(tenant_id.0).bind(Json(addresses.to_vec()));
    let found: Vec<String> = query.fetch_all(conn).await?;
    found.iter().map(|address| word(address)).collect()
}
