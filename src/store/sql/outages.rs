//! Outages of marketplaces: one notice stands for the alerts about all their listings.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Backend, Conn};
use crate::domain::{Gate, Marketplace, MessageId, NoticeFacts, Policy, SentSoFar, Severity};
use crate::store::clock::ClockParam;
use crate::store::rows::{time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{Outages, StoreResult};

/// An outage that ends sooner is not told.
const TOLD_AFTER_MS: i64 = 10 * 60 * 1000;
/// Processes report once a minute.
const ENDS_AFTER_MS: i64 = 5 * 60 * 1000;

#[derive(sqlx::FromRow)]
struct Outage {
    marketplace: String,
    began_at: i64,
    seen_at: i64,
    told_at: Option<i64>,
    /// A crawl there has succeeded since: by a process that is not blocked.
    is_refuted: bool,
    now_at: i64,
}

/// A channel of a rule about listings that cannot be tracked.
#[derive(sqlx::FromRow)]
struct Receiver {
    id: Uuid,
    tenant_id: Uuid,
    host: Option<String>,
    policy: Json<Policy>,
}

#[async_trait]
impl Outages for Backend {
    async fn report_outages(&self, marketplaces: &[Marketplace]) -> StoreResult<()> {
        // In one order: two replicas that report at the same time must not wait for each other.
        const REPORT: &str = concat!(
            "INSERT INTO marketplace_outage (marketplace, began_at, seen_at) SELECT given.value, ",
            now!(2),
            ", ",
            now!(2),
            " FROM (",
            texts!(1),
            ") AS given WHERE true ORDER BY given.value \
             ON CONFLICT (marketplace) DO UPDATE SET seen_at = excluded.seen_at"
        );
        if marketplaces.is_empty() {
            return Ok(());
        }
        let codes: Vec<&str> = marketplaces.iter().map(|marketplace| marketplace.code()).collect();
        let query = sqlx::query(REPORT).bind(Json(codes)).bind(self.clock_param());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn outages(&self) -> StoreResult<Vec<(Marketplace, Timestamp)>> {
        const OUTAGES: &str = concat!(
            "SELECT marketplace, began_at FROM marketplace_outage WHERE seen_at > ",
            now!(1),
            " - $2 ORDER BY marketplace"
        );
        let query = sqlx::query_as(OUTAGES).bind(self.clock_param()).bind(ENDS_AFTER_MS);
        let rows: Vec<(String, i64)> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        rows.into_iter().map(|(marketplace, began_at)| Ok((word(&marketplace)?, time(began_at)?))).collect()
    }

    async fn tell_outages(&self) -> StoreResult<u64> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| tell_all(conn, clock).boxed()).await
    }
}

async fn tell_all(conn: &mut Conn, clock: ClockParam) -> StoreResult<u64> {
    const OUTAGES: &str = concat!(
        "SELECT marketplace, began_at, seen_at, told_at, EXISTS (SELECT 1 FROM listing l \
           WHERE l.marketplace = marketplace_outage.marketplace AND l.last_outcome = 'observed' \
             AND l.last_crawled_at > began_at + 60000) AS is_refuted, ",
        now!(1),
        " AS now_at FROM marketplace_outage ORDER BY marketplace",
        lock_rows!("marketplace_outage")
    );
    let outages: Vec<Outage> = sqlx::query_as(OUTAGES).bind(clock).fetch_all(&mut *conn).await?;
    let mut notices = 0;
    for outage in outages {
        notices += tell(conn, &outage).await?;
    }
    Ok(notices)
}

async fn tell(conn: &mut Conn, outage: &Outage) -> StoreResult<u64> {
    const TOLD: &str = "UPDATE marketplace_outage SET told_at = $2 WHERE marketplace = $1";
    const END: &str = "DELETE FROM marketplace_outage WHERE marketplace = $1";
    let (marketplace, since) = (word(&outage.marketplace)?, time(outage.began_at)?);
    let mut notices = 0;
    if outage.is_refuted || outage.now_at - outage.seen_at >= ENDS_AFTER_MS {
        sqlx::query(END).bind(&outage.marketplace).execute(&mut *conn).await?;
        if outage.told_at.is_some() {
            let unsent = forget_unsent(conn, &outage.marketplace).await?;
            let recovered = NoticeFacts::MarketplaceRecovered { marketplace, since, until: time(outage.seen_at)? };
            let receivers = receivers(conn, outage).await?;
            let receivers = receivers.into_iter().filter(|receiver| !unsent.contains(&receiver.id));
            notices = notify(conn, receivers, &recovered, outage.now_at).await?;
        }
    } else if outage.told_at.is_none() && outage.now_at - outage.began_at >= TOLD_AFTER_MS {
        sqlx::query(TOLD).bind(&outage.marketplace).bind(outage.now_at).execute(&mut *conn).await?;
        let failing = NoticeFacts::MarketplaceFailing { marketplace, since };
        let receivers = receivers(conn, outage).await?;
        notices = notify(conn, receivers.into_iter(), &failing, outage.now_at).await?;
    }
    Ok(notices)
}

/// Whoever has not been told of the beginning need not be told of the end. Returns their channels.
async fn forget_unsent(conn: &mut Conn, marketplace: &str) -> StoreResult<Vec<Uuid>> {
    const FORGET: &str = "DELETE FROM message WHERE kind = 'notice' AND status = 'pending' AND owner IS NULL AND attempts = 0 \
         AND notice ->> 'about' = 'marketplace_failing' AND notice ->> 'marketplace' = $1 RETURNING channel_id";
    Ok(sqlx::query_scalar(FORGET).bind(marketplace).fetch_all(conn).await?)
}

/// The channels of rules about listings of a marketplace that cannot be tracked.
async fn receivers(conn: &mut Conn, outage: &Outage) -> StoreResult<Vec<Receiver>> {
    const RECEIVERS: &str = concat!(
        "SELECT c.id, c.tenant_id, c.host, c.policy FROM channel c WHERE c.status = 'ok' AND c.kind <> 'atom' AND c.id IN ( \
           SELECT rc.channel_id FROM alert_rule r JOIN rule_channel rc ON rc.rule_id = r.id AND rc.fallback_after_secs IS NULL \
           WHERE CAST(r.condition AS text) LIKE '%\"tracking_failing\"%' AND NOT r.is_paused \
             AND (r.snoozed_until IS NULL OR r.snoozed_until <= $2) AND (r.expires_at IS NULL OR r.expires_at > $2) \
             AND EXISTS (SELECT 1 FROM product p JOIN listing l ON l.id = p.listing_id AND l.marketplace = $1 \
               WHERE p.tenant_id = r.tenant_id AND p.status = 'active' AND (r.product_id IS NULL OR r.product_id = p.id) \
                 AND (r.tag IS NULL OR ",
        has_tag!("r.tag"),
        "))) ORDER BY c.id"
    );
    Ok(sqlx::query_as(RECEIVERS).bind(&outage.marketplace).bind(outage.now_at).fetch_all(conn).await?)
}

/// A notice for each channel, when its policy lets it go.
async fn notify(
    conn: &mut Conn,
    receivers: impl Iterator<Item = Receiver>,
    notice: &NoticeFacts,
    now_ms: i64,
) -> StoreResult<u64> {
    const NOTICE: &str = "INSERT INTO message (id, tenant_id, channel_id, kind, notice, host, status, ready_at, created_at) \
         VALUES ($1, $2, $3, 'notice', $4, $5, 'pending', $6, $7)";
    let mut notices = 0;
    for receiver in receivers {
        let ready_ms = match receiver.policy.0.gate_new(time(now_ms)?, Severity::Normal, SentSoFar::default()) {
            Gate::Send => now_ms,
            Gate::Hold { until, .. } => until.as_millisecond(),
            Gate::Drop => continue,
        };
        let query = sqlx::query(NOTICE).bind(MessageId::new().0).bind(receiver.tenant_id).bind(receiver.id);
        let query = query.bind(Json(notice)).bind(receiver.host).bind(ready_ms).bind(now_ms);
        query.execute(&mut *conn).await?;
        notices += 1;
    }
    Ok(notices)
}
