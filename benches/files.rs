//! Files: reading and importing 100,000 products, exporting a million points.

use std::fmt::Write;
use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::{ImportLine, Point, PointValue, Series};
use amazon_tracker::files::ImportReader;
use amazon_tracker::store::{StoreClock, open};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::Value;
use sqlx::{Connection, Row, SqliteConnection};

use crate::api::{Process, fill};
use crate::table::{Table, Target, median, per_second};

const LINES: usize = 100_000;
const POINTS: usize = 1_000_000;
const ROUNDS: usize = 5;
/// What a process may use beside what it uses when it does nothing.
const MEMORY_LIMIT_MB: f64 = 64.0;

/// Measures everything.
pub fn run(table: &mut Table) {
    let file = file();
    reading(table, &file);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(importing(table, &file));
    runtime.block_on(exporting(table));
}

fn file() -> String {
    let mut file = "listing,marketplace,label,tags,frequency,status\n".to_owned();
    (0..LINES).for_each(|n| writeln!(file, "B{n:09},de,\"Product, {n}\",toys;new,daily,paused").unwrap());
    file
}

fn reading(table: &mut Table, file: &str) {
    let (mut ours, mut rivals, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (began_at, mut reader, mut lines) = (Instant::now(), ImportReader::default(), Vec::new());
        let mut count = 0;
        for chunk in file.as_bytes().chunks(16 * 1024) {
            reader.push(chunk, &mut lines).unwrap();
            count += lines.len();
            lines.clear();
        }
        reader.finish(&mut lines).unwrap();
        assert_eq!(count + lines.len(), LINES);
        ours.push(per_second(LINES, began_at.elapsed()));
        let began_at = Instant::now();
        let typed = csv::Reader::from_reader(file.as_bytes()).into_deserialize::<ImportLine>();
        assert_eq!(typed.filter(Result::is_ok).count(), LINES);
        rivals.push(per_second(LINES, began_at.elapsed()));
        let began_at = Instant::now();
        assert_eq!(csv::Reader::from_reader(file.as_bytes()).records().filter(Result::is_ok).count(), LINES);
        bare.push(per_second(LINES, began_at.elapsed()));
    }
    let ours = median(ours);
    // The same texts as fields of the same struct, without encodings, wish lists, plain lists and bounds.
    table.add("lines of a file", "/s", ours, ("csv and serde, same struct", median(rivals)), Target::AtLeast(0.25));
    table.add("lines of a file", "/s", ours, ("csv, records without fields", median(bare)), Target::None);
}

async fn importing(table: &mut Table, file: &str) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (key, _) = fill(&url, Vec::new()).await;
    let daemon = Process::daemon_with(&url, &[]).await;
    let (client, idle_mb) = (Client::new(), peak_mb(daemon.id()));
    let base = format!("http://{}/api/v1", daemon.address);
    let began_at = Instant::now();
    let upload = client.post(format!("{base}/products/import")).bearer_auth(&key).body(file.to_owned());
    let job: Value = upload.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let job = format!("{base}/jobs/{}", job["id"].as_str().unwrap());
    loop {
        let job: Value = client.get(&job).bearer_auth(&key).send().await.unwrap().json().await.unwrap();
        if !job["finished_at"].is_null() {
            assert_eq!(job["progress"]["done"], LINES, "{job}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ours = per_second(LINES, began_at.elapsed());
    let used_mb = peak_mb(daemon.id()) - idle_mb;
    drop(daemon);
    let rival = bare_inserts(&folder.path().join("bare.sqlite")).await;
    table.add("import of 100,000 lines", "/s", ours, ("bare INSERTs of their rows", rival), Target::AtLeast(0.5));
    table.add("memory of the import", "MB", used_mb, ("limit", MEMORY_LIMIT_MB), Target::AtMost(1.0));
}

/// The rows of a product and of what it needs, one statement each, 250 products in a transaction.
async fn bare_inserts(path: &std::path::Path) -> f64 {
    let url = format!("sqlite://{}", path.display());
    let settings = DatabaseSettings { url: Secret::from(url.clone()), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut conn).await.unwrap();
    let tenant: Vec<u8> = sqlx::query("SELECT id FROM tenant").fetch_one(&mut conn).await.unwrap().get(0);
    let began_at = Instant::now();
    for first in (0..LINES as i64).step_by(250) {
        let mut transaction = conn.begin().await.unwrap();
        for n in first..first + 250 {
            let listing = "INSERT INTO listing (id, marketplace, asin, state, created_at) VALUES (?, 'de', ?, '{}', 0)";
            let lease = "INSERT INTO lease (listing_id, marketplace, ready_at, parked_at) VALUES (?, 'de', 0, 0)";
            let product = "INSERT INTO product (id, tenant_id, listing_id, label, search_label, tags, interval_secs, \
                 is_competitor, status, created_at, updated_at) VALUES (?, ?, ?, 'x', 'x', '[]', 86400, 0, 'paused', 0, 0)";
            sqlx::query(listing).bind(n + 10).bind(format!("B{n:09}")).execute(&mut *transaction).await.unwrap();
            sqlx::query(lease).bind(n + 10).execute(&mut *transaction).await.unwrap();
            let product = sqlx::query(product).bind(uuid::Uuid::now_v7()).bind(tenant.clone()).bind(n + 10);
            product.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    per_second(LINES, began_at.elapsed())
}

async fn exporting(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (key, _) = fill(&url, a_million_points()).await;
    let daemon = Process::daemon_with(&url, &[]).await;
    let idle_mb = peak_mb(daemon.id());
    let began_at = Instant::now();
    let path = format!("http://{}/api/v1/products/history/export", daemon.address);
    let mut response = Client::new().get(path).bearer_auth(&key).send().await.unwrap().error_for_status().unwrap();
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    let ours = bytes as f64 / 1e6 / began_at.elapsed().as_secs_f64();
    let used_mb = peak_mb(daemon.id()) - idle_mb;
    drop(daemon);
    let rival = bare_export(&url).await;
    table.add("export of a million points", "MB/s", ours, ("bare SELECT and csv::Writer", rival), Target::AtLeast(0.5));
    table.add("memory of the export", "MB", used_mb, ("limit", MEMORY_LIMIT_MB), Target::AtMost(1.0));
}

fn a_million_points() -> Vec<Point> {
    let start: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let point = |n: i64| Point {
        key: Series::Price.into(),
        at: start + SignedDuration::from_secs(60 * n),
        value: Some(PointValue::Number(1000 + n % 997)),
    };
    (0..POINTS as i64).map(point).collect()
}

async fn bare_export(url: &str) -> f64 {
    use futures_util::TryStreamExt;
    let mut conn = SqliteConnection::connect(url).await.unwrap();
    let began_at = Instant::now();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut rows = sqlx::query("SELECT listing_id, series, category, at, number FROM point").fetch(&mut conn);
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await.unwrap() {
        let at = Timestamp::from_millisecond(row.get(3)).unwrap().to_string();
        let (listing, series) = (row.get::<i64, _>(0).to_string(), row.get::<i64, _>(1).to_string());
        let number = row.get::<i64, _>(4).to_string();
        writer.write_record([&listing, "de", "B08PZHYWJS", &series, row.get(2), &at, &number, "USD"]).unwrap();
        if writer.get_ref().len() > 1 << 20 {
            bytes += std::mem::replace(&mut writer, csv::Writer::from_writer(Vec::new())).into_inner().unwrap().len();
        }
    }
    bytes += writer.into_inner().unwrap().len();
    bytes as f64 / 1e6 / began_at.elapsed().as_secs_f64()
}

/// The most memory that a process has had resident.
fn peak_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
