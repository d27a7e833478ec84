//! Public links to products.

use async_trait::async_trait;
use futures_util::FutureExt;
use uuid::Uuid;

use super::{Backend, Conn, catalog, usage};
use crate::domain::{ProductId, Share, ShareId, SharedParts, TenantId, TokenHash};
use crate::store::clock::ClockParam;
use crate::store::error::{OrNotFound, or_report};
use crate::store::rows::time;
use crate::store::tenant_scope::TenantScope;
use crate::store::{NewShare, Shares, StoreError, StoreResult};

#[derive(sqlx::FromRow)]
struct ShareColumns {
    id: Uuid,
    tenant_id: Uuid,
    product_id: Uuid,
    shows_label: bool,
    shows_tags: bool,
    shows_target: bool,
    created_at: i64,
    used_at: Option<i64>,
}

/// A share that is being used.
#[derive(sqlx::FromRow)]
struct UsedColumns {
    #[sqlx(flatten)]
    share: ShareColumns,
    is_use_due: bool,
}

impl TryFrom<ShareColumns> for Share {
    type Error = StoreError;

    fn try_from(row: ShareColumns) -> StoreResult<Self> {
        Ok(Self {
            id: ShareId(row.id),
            tenant_id: TenantId(row.tenant_id),
            product_id: ProductId(row.product_id),
            shows: SharedParts { label: row.shows_label, tags: row.shows_tags, target: row.shows_target },
            created_at: time(row.created_at)?,
            used_at: row.used_at.map(time).transpose()?,
        })
    }
}

#[async_trait]
impl Shares for Backend {
    async fn add_share(&self, share: NewShare) -> StoreResult<Share> {
        let clock = self.clock_param();
        self.transaction(share.tenant_id, move |conn| add(conn, share, clock).boxed()).await
    }

    async fn shares(&self, tenant_id: TenantId, product_id: ProductId) -> StoreResult<Vec<Share>> {
        const ALL: &str = "SELECT id, tenant_id, product_id, shows_label, shows_tags, shows_target, created_at, used_at \
             FROM share WHERE tenant_id = $1 AND product_id = $2 ORDER BY created_at DESC, id DESC";
        let query = sqlx::query_as(ALL).bind(tenant_id.0).bind(product_id.0);
        let rows: Vec<ShareColumns> = query.fetch_all(&mut *self.reader(tenant_id).await?).await?;
        Ok(rows.into_iter().map(Share::try_from).filter_map(or_report).collect())
    }

    async fn remove_share(&self, tenant_id: TenantId, id: ShareId) -> StoreResult<Share> {
        const REMOVE: &str = "DELETE FROM share WHERE tenant_id = $1 AND id = $2 \
             RETURNING id, tenant_id, product_id, shows_label, shows_tags, shows_target, created_at, used_at";
        let query = sqlx::query_as(REMOVE).bind(tenant_id.0).bind(id.0);
        let removed: ShareColumns = query.fetch_one(&mut *self.writer(tenant_id).await?).await.or_not_found("share")?;
        removed.try_into()
    }

    async fn use_share(&self, token: TokenHash) -> StoreResult<Share> {
        const FIND: &str = concat!(
            "SELECT s.id, s.tenant_id, s.product_id, s.shows_label, s.shows_tags, s.shows_target, s.created_at, s.used_at, \
               coalesce(s.used_at, 0) < ",
            now!(2),
            " - 3600000 AS is_use_due \
             FROM share s JOIN tenant t ON t.id = s.tenant_id WHERE s.hash = $1 AND t.deletion_scheduled_at IS NULL"
        );
        const USE: &str = concat!("UPDATE share SET used_at = ", now!(2), " WHERE id = $1");
        let clock = self.clock_param();
        let query = sqlx::query_as(FIND).bind(token.0.to_vec()).bind(clock);
        let found: UsedColumns =
            query.fetch_one(&mut *self.reader(TenantScope::All).await?).await.or_not_found("share")?;
        let share = Share::try_from(found.share)?;
        if found.is_use_due {
            let query = sqlx::query(USE).bind(share.id.0).bind(clock);
            query.execute(&mut *self.writer(share.tenant_id).await?).await?;
        }
        Ok(share)
    }
}

async fn add(conn: &mut Conn, share: NewShare, clock: ClockParam) -> StoreResult<Share> {
    const COUNT: &str = "SELECT count(*) FROM share WHERE tenant_id = $1 AND product_id = $2";
    const INSERT: &str = concat!(
        "INSERT INTO share (id, tenant_id, product_id, hash, shows_label, shows_tags, shows_target, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, ",
        now!(8),
        ") RETURNING id, tenant_id, product_id, shows_label, shows_tags, shows_target, created_at, used_at"
    );
    let NewShare { tenant_id, product_id, hash, shows, quota } = share;
    usage::lock(conn, tenant_id).await?;
    // Of another tenant, there is none.
    catalog::listing_of(conn, tenant_id, product_id).await?;
    let query = sqlx::query_scalar(COUNT).bind(tenant_id.0).bind(product_id.0);
    let existing: i64 = query.fetch_one(&mut *conn).await?;
    if existing >= i64::from(quota) {
        return Err(StoreError::OverQuota { quota: "shares", limit: quota });
    }
    let query = sqlx::query_as(INSERT).bind(ShareId::new().0).bind(tenant_id.0).bind(product_id.0);
    let query = query.bind(hash.0.to_vec()).bind(shows.label).bind(shows.tags).bind(shows.target).bind(clock);
    let added: ShareColumns = query.fetch_one(conn).await?;
    added.try_into()
}
