//! Row-level security of PostgreSQL: what a statement sees that forgets its tenant, asked as the application's own role.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::accounts::tenant_of;
use crate::fixture::*;
use crate::tenants::{TABLES, fill};

/// As the daemon connects.
async fn as_application(fixture: &Fixture) -> PgConnection {
    PgConnection::connect(fixture.settings.url.reveal()).await.unwrap()
}

async fn see_as(conn: &mut PgConnection, reach: &str) {
    let set = "SELECT set_config('tracker.tenant_id', $1, false)";
    sqlx::query(set).bind(reach).execute(conn).await.unwrap();
}

async fn count(conn: &mut PgConnection, table: &str) -> i64 {
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(count).fetch_one(conn).await.unwrap()
}

/// Every table that says whose its rows are, with the column that says it.
async fn tables_of_tenants(conn: &mut PgConnection) -> Vec<(String, &'static str)> {
    // Views are as open as their tables to whoever asks.
    let named = "SELECT c.table_name::text FROM information_schema.columns c JOIN pg_class t ON t.relname = c.table_name \
         WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' \
           AND NOT (t.relkind = 'v' AND t.reloptions @> ARRAY['security_invoker=true']) ORDER BY c.table_name";
    let tables: Vec<String> = sqlx::query_scalar(named).fetch_all(conn).await.unwrap();
    let tables = tables.into_iter().map(|table| (table, "tenant_id"));
    tables.chain([("tenant".to_owned(), "id")]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_forgets_its_tenant_sees_and_changes_nothing_of_another() {
    let fixture = Fixture::postgres().await;
    let them = tenant_of(&fixture, "them").await.tenant_id;
    fill(&fixture, US, 1).await;
    fill(&fixture, them, 2).await;
    let claim = fixture.claim_from(amazon_tracker::store::Lane::Requested, 9).await.remove(0);
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    while fixture.dispatch_one().await {}
    let mut conn = as_application(&fixture).await;
    for (table, column) in tables_of_tenants(&mut conn).await {
        see_as(&mut conn, "*").await;
        let all = count(&mut conn, &table).await;
        see_as(&mut conn, &US.0.to_string()).await;
        let select = AssertSqlSafe(format!("SELECT {column} FROM {table}"));
        let seen = sqlx::query(select).fetch_all(&mut conn).await.unwrap();
        assert!(!seen.is_empty() && (seen.len() as i64) < all, "{table}: {} of {all}", seen.len());
        assert!(seen.iter().all(|row| row.get::<uuid::Uuid, _>(0) == US.0), "{table} leaks");
        let mut transaction = conn.begin().await.unwrap();
        let grab = AssertSqlSafe(format!("UPDATE {table} SET {column} = '{}'", them.0));
        assert!(sqlx::query(grab).execute(&mut *transaction).await.is_err(), "{table} can be given away");
        transaction.rollback().await.unwrap();
        see_as(&mut conn, "").await;
        assert_eq!(count(&mut conn, &table).await, 0, "{table} is seen by nobody");
    }
    assert_eq!(count(&mut conn, "refresh_token").await, 0);
    assert_eq!(count(&mut conn, "grant_token").await, 0);
    drop(conn);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_tenants_is_under_row_level_security_also_for_its_owner() {
    let fixture = Fixture::postgres().await;
    let mut conn = as_application(&fixture).await;
    let tables = tables_of_tenants(&mut conn).await;
    let known: Vec<&str> = tables.iter().map(|(table, _)| table.as_str()).filter(|table| *table != "tenant").collect();
    assert_eq!(known, TABLES, "a table is missing in the tests of tenants");
    for (table, _) in tables {
        let forced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = $1";
        assert!(sqlx::query_scalar::<_, bool>(forced).bind(&table).fetch_one(&mut conn).await.unwrap(), "{table}");
    }
    drop(conn);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_one_tenant_drops_is_still_watched_for_the_other() {
    let fixture = Fixture::postgres().await;
    let them = tenant_of(&fixture, "them").await.tenant_id;
    let ours = fixture.watch(1).await;
    fixture.store.add_product(new_product(them, 1)).await.unwrap();
    fixture.store.remove_product(US, ours.id, None).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM lease WHERE parked_at IS NULL").await, 1);
    fixture.end().await;
}
