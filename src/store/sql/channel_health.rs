//! What the end of an attempt at a message says about its channel: it works, waits, or does not work and its owner is told.

use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use super::Conn;
use super::channels::{NEVER_MS, park_held, wake_held};
use crate::domain::{ChannelId, Email, EmailAddress, MessageId, NoticeFacts};
use crate::store::StoreResult;
use crate::store::channel_rows::notice_facts;
use crate::store::channels::MessageEnd;
use crate::store::clock::{ClockParam, millis};
use crate::store::rows::time;

/// So many messages in a row that were given up, over so long a time: the channel does not work.
const MAX_DEAD_IN_A_ROW: i32 = 3;
const FAILING_FOR_MS: i64 = 24 * 3600 * 1000;
/// The owner of a channel that does not work is told at most so often.
const TELL_EVERY_MS: i64 = 24 * 3600 * 1000;
/// Admins who are told by e-mail when no other channel works.
const MAX_ADMINS: i64 = 3;

/// The channel of a message after an attempt.
#[derive(sqlx::FromRow)]
struct Health {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    status: String,
    notice: Option<Json<serde_json::Value>>,
    failing_since: Option<i64>,
    dead_in_a_row: i32,
    told_at: Option<i64>,
    now_at: i64,
}

/// Writes the end of an attempt, and what it says about the channel. False: the lease was lost.
pub(super) async fn finish(
    conn: &mut Conn,
    id: MessageId,
    token: i64,
    end: MessageEnd,
    clock: ClockParam,
) -> StoreResult<bool> {
    const CHANNEL: &str = concat!(
        "SELECT c.id, c.tenant_id, c.name, c.status, m.notice, c.failing_since, c.dead_in_a_row, c.told_at, ",
        now!(3),
        " AS now_at FROM channel c JOIN message m ON m.channel_id = c.id \
         WHERE m.id = $1 AND m.token = $2 AND m.owner IS NOT NULL AND m.status = 'pending'",
        lock_values!("c, m")
    );
    let query = sqlx::query_as(CHANNEL).bind(id.0).bind(token).bind(clock);
    let Some(channel) = query.fetch_optional(&mut *conn).await? as Option<Health> else { return Ok(false) };
    let now_ms = channel.now_at;
    // Of a channel that was paused meanwhile, nothing is retried before it is used again.
    let retry_at = |after: Duration| if channel.status == "ok" { now_ms + millis(after) } else { NEVER_MS };
    match end {
        MessageEnd::Delivered { .. } => {
            end_message(conn, id, "delivered", now_ms, None, Some(now_ms)).await?;
            succeeded(conn, &channel, clock).await?;
        }
        MessageEnd::Retry { after, error } => {
            end_message(conn, id, "pending", retry_at(after), Some(&error), None).await?;
            failed(conn, &channel, &error).await?;
        }
        MessageEnd::Postponed { after, error } => {
            end_message(conn, id, "pending", retry_at(after), Some(&error), None).await?;
            postpone(conn, id, &channel, now_ms + millis(after)).await?;
        }
        MessageEnd::Dead { error } => {
            end_message(conn, id, "dead", now_ms, Some(&error), None).await?;
            mail_notice(conn, &channel).await?;
            failed(conn, &channel, &error).await?;
            let is_old = channel.failing_since.is_some_and(|since| now_ms - since >= FAILING_FOR_MS);
            if is_old && channel.dead_in_a_row + 1 >= MAX_DEAD_IN_A_ROW {
                break_channel(conn, &channel, &error).await?;
            } else {
                const COUNT: &str = "UPDATE channel SET dead_in_a_row = dead_in_a_row + 1 WHERE id = $1";
                sqlx::query(COUNT).bind(channel.id).execute(conn).await?;
            }
        }
        MessageEnd::Broken { error } => {
            mail_notice(conn, &channel).await?;
            take_apart(conn, id, &error).await?;
            failed(conn, &channel, &error).await?;
            break_channel(conn, &channel, &error).await?;
        }
    }
    Ok(true)
}

/// All members share the end of their message.
async fn end_message(
    conn: &mut Conn,
    id: MessageId,
    status: &str,
    ready_ms: i64,
    error: Option<&str>,
    delivered_ms: Option<i64>,
) -> StoreResult<()> {
    const MESSAGE: &str =
        "UPDATE message SET status = $2, ready_at = $3, last_error = $4, delivered_at = $5, owner = NULL WHERE id = $1";
    const MEMBERS: &str = "UPDATE delivery SET status = CASE WHEN $2 = 'pending' THEN 'sending' ELSE $2 END, ready_at = $3, \
           last_error = $4, delivered_at = $5, attempts = (SELECT attempts FROM message WHERE id = $1) WHERE message_id = $1";
    for statement in [MESSAGE, MEMBERS] {
        let query = sqlx::query(statement).bind(id.0).bind(status).bind(ready_ms).bind(error).bind(delivered_ms);
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

/// A success clears what failed before.
async fn succeeded(conn: &mut Conn, channel: &Health, clock: ClockParam) -> StoreResult<()> {
    const CLEAR: &str = "UPDATE channel SET failing_since = NULL, dead_in_a_row = 0, last_error = NULL, delivered_at = $2, \
           status = CASE WHEN status = 'broken' THEN 'ok' ELSE status END WHERE id = $1";
    sqlx::query(CLEAR).bind(channel.id).bind(channel.now_at).execute(&mut *conn).await?;
    if channel.failing_since.is_some() && channel.status != "paused" {
        wake_held(conn, ChannelId(channel.id), clock).await?;
    }
    Ok(())
}

async fn failed(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const FAILED: &str =
        "UPDATE channel SET failing_since = coalesce(failing_since, $2), last_error = $3 WHERE id = $1";
    sqlx::query(FAILED).bind(channel.id).bind(channel.now_at).bind(error).execute(conn).await?;
    Ok(())
}

async fn postpone(conn: &mut Conn, id: MessageId, channel: &Health, until_ms: i64) -> StoreResult<()> {
    const POSTPONE: &str = "UPDATE channel SET postponed_until = $2 WHERE id = $1";
    const OTHERS: &str = "UPDATE message SET ready_at = $2 WHERE channel_id = $1 AND status = 'pending' AND owner IS NULL AND ready_at < $2";
    const UNCOUNT: &str =
        "UPDATE message SET attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END WHERE id = $1";
    for statement in [POSTPONE, OTHERS] {
        sqlx::query(statement).bind(channel.id).bind(until_ms).execute(&mut *conn).await?;
    }
    sqlx::query(UNCOUNT).bind(id.0).execute(conn).await?;
    Ok(())
}

/// The service did not take the message, and takes no other: its members wait again, and are told with what comes meanwhile.
async fn take_apart(conn: &mut Conn, id: MessageId, error: &str) -> StoreResult<()> {
    const MEMBERS: &str =
        "UPDATE delivery SET status = 'held', message_id = NULL, ready_at = $2, last_error = $3 WHERE message_id = $1";
    const MESSAGE: &str = "DELETE FROM message WHERE id = $1";
    sqlx::query(MEMBERS).bind(id.0).bind(NEVER_MS).bind(error).execute(&mut *conn).await?;
    sqlx::query(MESSAGE).bind(id.0).execute(conn).await?;
    Ok(())
}

/// The channel is not used until it is repaired. Its owner is told by another channel, or else its admins by e-mail, once a day.
async fn break_channel(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const BREAK: &str = "UPDATE channel SET status = 'broken', version = version + 1 WHERE id = $1 AND status = 'ok'";
    const TOLD: &str = "UPDATE channel SET told_at = $2 WHERE id = $1";
    if sqlx::query(BREAK).bind(channel.id).execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(());
    }
    tracing::warn!(channel_id = %channel.id, error, "a channel does not work and is not used until it is repaired");
    park_held(&mut *conn, ChannelId(channel.id)).await?;
    if channel.told_at.is_some_and(|told_at| channel.now_at - told_at < TELL_EVERY_MS) {
        return Ok(());
    }
    tell_owner(conn, channel, error).await?;
    sqlx::query(TOLD).bind(channel.id).bind(channel.now_at).execute(conn).await?;
    Ok(())
}

async fn tell_owner(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const OTHER: &str = "SELECT id, host FROM channel WHERE tenant_id = $1 AND id <> $2 AND kind <> 'atom' AND status = 'ok' AND failing_since IS NULL \
         ORDER BY CASE kind WHEN 'email' THEN 0 ELSE 1 END, created_at LIMIT 1";
    const NOTICE: &str = "INSERT INTO message (id, tenant_id, channel_id, kind, notice, host, status, ready_at, created_at) \
         VALUES ($1, $2, $3, 'notice', $4, $5, 'pending', $6, $6)";
    let query = sqlx::query_as(OTHER).bind(channel.tenant_id).bind(channel.id);
    let other: Option<(Uuid, Option<String>)> = query.fetch_optional(&mut *conn).await?;
    let Some((other, host)) = other else { return mail_admins(conn, channel, &channel.name, error).await };
    let notice = NoticeFacts::ChannelBroken { name: channel.name.clone(), reason: error.to_owned() };
    let query = sqlx::query(NOTICE).bind(MessageId::new().0).bind(channel.tenant_id).bind(other).bind(Json(notice));
    query.bind(host).bind(channel.now_at).execute(conn).await?;
    Ok(())
}

/// A notice that its channel did not take goes to the admins.
async fn mail_notice(conn: &mut Conn, channel: &Health) -> StoreResult<()> {
    let notice = channel.notice.as_ref().and_then(|notice| notice_facts(notice.0.clone()).ok());
    match notice {
        Some(NoticeFacts::ChannelBroken { name, reason }) => mail_admins(conn, channel, &name, &reason).await,
        // Others are not about the tenant's own settings.
        _ => Ok(()),
    }
}

/// Tells the admins of the tenant that the channel of this name does not work.
async fn mail_admins(conn: &mut Conn, channel: &Health, name: &str, error: &str) -> StoreResult<()> {
    const ADMINS: &str = "SELECT email FROM tenant_user WHERE tenant_id = $1 AND role IN ('tenant_admin', 'superadmin') \
           AND status = 'active' AND verified_at IS NOT NULL ORDER BY created_at LIMIT $2";
    const MAIL: &str =
        "INSERT INTO delivery (id, tenant_id, mail, status, ready_at) VALUES ($1, $2, $3, 'pending', $4)";
    let query = sqlx::query_scalar(ADMINS).bind(channel.tenant_id).bind(MAX_ADMINS);
    let admins: Vec<String> = query.fetch_all(&mut *conn).await?;
    let useless_after = time(channel.now_at + 7 * TELL_EVERY_MS)?;
    for to in admins.iter().filter_map(|admin| admin.parse::<EmailAddress>().ok()) {
        let mail = Email {
            to,
            subject: format!("Alert channel “{name}” does not work"),
            text: format!(
                "The alert channel “{name}” does not work:\n\n    {error}\n\nNothing is sent there until it is repaired. What it should \
                 tell waits for seven days. To repair it, change or test the channel.\n"
            ),
            html: None,
            attachment: None,
            useless_after,
        };
        let query = sqlx::query(MAIL).bind(MessageId::new().0).bind(channel.tenant_id).bind(Json(mail));
        query.bind(channel.now_at).execute(&mut *conn).await?;
    }
    Ok(())
}
