//! Backup and restore by the scripts that the operations guide names, as an operator runs them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use amazon_tracker::store::{ProductFilter, ProductOrder, SharedStore};

use crate::accounts::tenant_of;
use crate::fixture::*;
use crate::migrate_store::answers;
use crate::postgres::Server;
use crate::tenants::fill;

on_both_engines! {
    a_backup_that_is_taken_while_others_write_comes_back_whole,
    nothing_that_is_there_is_written_over,
}

const BINARY: &str = env!("CARGO_BIN_EXE_amazon-tracker");

/// Runs a script on the database of a fixture.
fn run(script: &str, fixture: &Fixture, file: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
    let mut command = Command::new(script);
    command.env("DATABASE_URL", fixture.settings.url.reveal()).env("AMAZON_TRACKER", BINARY);
    command.arg(file).output().unwrap()
}

fn succeed(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

async fn products(store: &SharedStore) -> usize {
    store.products(US, &ProductFilter::default(), ProductOrder::OldestFirst, None, 100_000).await.unwrap().items.len()
}

async fn a_backup_that_is_taken_while_others_write_comes_back_whole(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    fill(fixture, US, 1).await;
    fill(fixture, them, 2).await;
    let claim = fixture.claim_from(amazon_tracker::store::Lane::Requested, 9).await.remove(0);
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    let now = fixture.now().await;
    fixture.store.ensure_partitions(now, now + 40 * DAY).await.unwrap();
    let (theirs, before) = (answers(&fixture.store, them).await, products(&fixture.store).await);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, stop) = (Arc::clone(&fixture.store), Arc::clone(&stop));
        async move {
            let mut n = 100;
            while !stop.load(Ordering::Relaxed) {
                store.add_product(new_product(US, n)).await.unwrap();
                n += 1;
            }
        }
    });
    while products(&fixture.store).await == before {
        tokio::task::yield_now().await;
    }
    succeed(&tokio::task::block_in_place(|| run("backup.sh", fixture, &file)));
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();

    let restored = fixture.without_schema().await;
    succeed(&run("restore.sh", &restored, &file));
    // Opens the database as the daemon does.
    let url = restored.settings.url.reveal();
    succeed(&Command::new(BINARY).args(["tenant", "--database-url", url, "list"]).output().unwrap());
    assert_eq!(answers(&restored.store, them).await, theirs);
    let (ours, after) = (products(&restored.store).await, products(&fixture.store).await);
    assert!(before < ours && ours <= after, "{before} {ours} {after}");
    let torn = "SELECT count(*) FROM product p \
         WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.listing_id = p.listing_id)";
    assert_eq!(restored.number(torn).await, 0);
    restored.store.add_product(new_product(them, 99)).await.unwrap();
    if fixture.is_postgres() {
        for what_the_server_keeps_of_it in [
            "SELECT string_agg(concat_ws(' ', tablename, policyname, cmd, qual), ';' ORDER BY tablename) \
               FROM pg_policies",
            "SELECT string_agg(oid::regclass::text, ' ' ORDER BY relname) FROM pg_class WHERE relforcerowsecurity",
            "SELECT string_agg(concat_ws(' ', relname, pg_get_expr(relpartbound, oid)), ';' ORDER BY relname) \
               FROM pg_class WHERE relispartition AND relkind = 'r'",
            "SELECT string_agg(concat_ws(' ', relname, reloptions), ';' ORDER BY relname) FROM pg_class \
               WHERE relnamespace = 'public'::regnamespace",
        ] {
            assert_eq!(
                restored.text(what_the_server_keeps_of_it).await,
                fixture.text(what_the_server_keeps_of_it).await
            );
        }
    }
    restored.end().await;
}

/// Production on Docker Compose: the database is not published, so the scripts run the server's own programs in its
/// container. Here, `docker compose exec … postgres PROGRAM …` runs the program on the host, against a real server.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_a_container_is_backed_up_and_restored_beside_itself() {
    let server = Server::start();
    let url = server.url("tracker");
    let superuser = Server::superuser_url(&url);
    let checkout = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(Command::new("cp").arg("-r").arg(source.join("scripts")).arg(checkout.path()).status().unwrap().success());
    std::fs::write(checkout.path().join(".env.production"), "").unwrap();
    let docker = checkout.path().join("docker");
    let exec = "#!/bin/bash\nwhile [ \"$1\" != postgres ]; do [ \"$1\" != -e ] || export \"$2\"; shift; done\nshift\nexec \"$@\"\n";
    std::fs::write(&docker, exec).unwrap();
    std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", checkout.path().display(), std::env::var("PATH").unwrap());
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env_remove("DATABASE_URL").env("PATH", &path).env("PGPORT", server.port().to_string());
        command.output().unwrap()
    };
    let sql = |database: &str, sql: &str| {
        let url = superuser.replacen("/tracker", &format!("/{database}"), 1);
        let output = run("psql", &["-X", "-At", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql]);
        succeed(&output);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    succeed(&Command::new(BINARY).args(["migrate", "--database-url", &url]).output().unwrap());
    succeed(&Command::new(BINARY).args(["seed", "--database-url", &url]).output().unwrap());

    let script = |name: &str| checkout.path().join("scripts").join(name).to_str().unwrap().to_owned();
    let file = checkout.path().join("backup.dump");
    succeed(&run(&script("backup.sh"), &[file.to_str().unwrap()]));
    succeed(&run(&script("restore.sh"), &[file.to_str().unwrap()]));
    let rows = "SELECT (SELECT count(*) FROM product) || ' ' || (SELECT count(*) FROM tenant) || ' ' || \
        (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'product')";
    assert_eq!(sql("tracker_restored", rows), sql("tracker", rows));
    assert!(sql("tracker_restored", rows).ends_with(" tracker"), "it belongs to the role of the daemons");
    let again = run(&script("restore.sh"), &[file.to_str().unwrap()]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("already exists"), "{again:?}");

    // As in docs/operations.md.
    sql("postgres", "ALTER DATABASE tracker RENAME TO tracker_before");
    sql("postgres", "ALTER DATABASE tracker_restored RENAME TO tracker");
    succeed(&Command::new(BINARY).args(["tenant", "--database-url", &url, "list"]).output().unwrap());
}

/// A dump of another major version has settings that the server refuses.
#[tokio::test]
async fn client_programs_of_another_major_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let program = |name: &str, output: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{output}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("psql", "150018");
    program("pg_dump", "pg_dump (PostgreSQL) 17.2 (Debian 17.2-1)");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/backup.sh");
    let mut command = Command::new(script);
    command.env("DATABASE_URL", "postgres://u@127.0.0.1:1/d").env("PATH", path).arg(folder.path().join("backup"));
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("install postgresql-client-15"), "{error}");
}

async fn nothing_that_is_there_is_written_over(fixture: &Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    succeed(&run("backup.sh", fixture, &file));
    let first = std::fs::read(&file).unwrap();
    assert!(!run("backup.sh", fixture, &file).status.success());
    assert_eq!(std::fs::read(&file).unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-made is left");
    fixture.watch(1).await;
    let refused = run("restore.sh", fixture, &file);
    assert!(!refused.status.success(), "{refused:?}");
    assert_eq!(products(&fixture.store).await, 1);
}
