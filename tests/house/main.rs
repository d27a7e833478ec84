//! The rules of the house that the compiler does not check: who may import whom, and which names stay where.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import besides itself. The table of ARCHITECTURE.md, section "Who may import whom".
const RULES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("telemetry", &["domain"]),
    ("extract", &["domain"]),
    ("store", &["domain", "config", "telemetry"]),
    ("replicas", &["domain", "config", "telemetry"]),
    ("limits", &["domain", "config", "telemetry", "replicas"]),
    ("notify", &["domain", "config", "telemetry"]),
    ("auth", &["domain", "config", "telemetry"]),
    ("sources", &["domain", "extract", "config", "telemetry"]),
    ("actors/kernel", &["telemetry"]),
    ("actors", &["domain", "config", "telemetry", "store", "sources", "limits", "notify", "replicas"]),
    ("service", &["domain", "auth", "config", "telemetry", "limits", "store", "actors", "replicas"]),
    ("http", &["domain", "auth", "service", "telemetry"]),
];

/// Crates that belong to some rooms only.
const CRATES: &[(&str, &[&str])] = &[
    ("actix::", &["actors/kernel"]),
    ("sqlx::", &["store"]),
    ("lol_html::", &["extract"]),
    ("governor::", &["limits"]),
    ("jsonwebtoken::", &["auth"]),
    ("argon2::", &["auth"]),
    ("lettre::", &["notify"]),
    ("bb8_redis::", &["replicas"]),
    ("opentelemetry::", &["telemetry"]),
    ("tracing_opentelemetry::", &["telemetry"]),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

/// The path of a file below `src`, without its ending.
fn place(file: &Path) -> String {
    file.strip_prefix(src()).unwrap().with_extension("").to_string_lossy().into_owned()
}

fn is_in(place: &str, room: &str) -> bool {
    place == room || place.starts_with(&format!("{room}/"))
}

/// Lines of code: comments and documentation may name whatever they like.
fn code_lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")).map(str::to_owned).collect()
}

/// Every `crate::room` that a file names.
fn imported_rooms(file: &Path) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let named = |line: &String| line.match_indices("crate::").map(|(at, _)| name(&line[at + 7..])).collect::<Vec<_>>();
    code_lines(file).iter().flat_map(named).collect()
}

#[test]
fn every_room_imports_only_what_it_may() {
    let mut breaches = Vec::new();
    for file in rust_files(&src()) {
        let place = place(&file);
        let Some((room, allowed)) = RULES.iter().find(|(room, _)| is_in(&place, room)) else { continue };
        let home = room.split('/').next().unwrap();
        for import in imported_rooms(&file) {
            if import != home && !allowed.contains(&import.as_str()) {
                breaches.push(format!("src/{place}.rs imports crate::{import}"));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_room_has_a_rule_or_may_import_everything() {
    let everything = ["app", "cli", "lib", "main"];
    for file in rust_files(&src()) {
        let place = place(&file);
        let ruled =
            RULES.iter().any(|(room, _)| is_in(&place, room)) || everything.iter().any(|room| is_in(&place, room));
        assert!(ruled, "src/{place}.rs is in a room without a rule");
    }
}

#[test]
fn each_crate_stays_in_its_room() {
    for file in rust_files(&src()) {
        let place = place(&file);
        for (name, rooms) in CRATES {
            let named = code_lines(&file).iter().any(|line| {
                line.match_indices(name).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            let allowed = rooms.iter().any(|room| is_in(&place, room));
            assert!(allowed || !named, "src/{place}.rs names {name}");
        }
    }
}

#[test]
fn no_room_has_a_name_that_says_nothing() {
    for file in rust_files(&src()) {
        let place = place(&file);
        for part in place.split('/') {
            let empty = ["util", "utils", "common", "helper", "helpers", "model", "models", "types", "manager", "misc"];
            assert!(!empty.contains(&part), "src/{place}.rs");
        }
    }
}

#[test]
fn a_panic_unwinds_in_the_release_profile_too() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    assert_eq!(manifest["profile"]["release"]["panic"].as_str(), Some("unwind"));
}

/// A route is registered with who may use it, and in no other way.
#[test]
fn only_one_place_registers_routes() {
    let ways = ["web::resource(", ".route(", "#[get(", "#[post(", "web::get()", "web::post()"];
    let mut breaches = Vec::new();
    for file in rust_files(&src().join("http")) {
        if place(&file) != "http/routes" {
            let lines = code_lines(&file).into_iter().filter(|line| ways.iter().any(|way| line.contains(way)));
            breaches.extend(lines.map(|line| format!("{}: {line}", place(&file))));
        }
    }
    assert_eq!(breaches, Vec::<String>::new());
}
