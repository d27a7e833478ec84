//! The rules of the architecture that the compiler does not check: who may import whom, and which names stay where.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod document;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import besides itself. The table of ARCHITECTURE.md, section "Dependencies between modules".
const RULES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("telemetry", &["domain"]),
    ("extract", &["domain"]),
    ("files", &["domain", "insight", "chart"]),
    ("chart", &["domain"]),
    ("insight", &["domain"]),
    ("keepa", &["domain"]),
    ("advice", &["domain", "config", "telemetry", "insight"]),
    ("jobs", &["domain", "config", "files", "insight", "sources", "store"]),
    ("store", &["domain", "config", "telemetry"]),
    ("replicas", &["domain", "config", "telemetry"]),
    ("limits", &["domain", "config", "telemetry", "replicas"]),
    ("outbound", &["domain"]),
    ("client_documents", &["domain", "config", "outbound"]),
    ("notify", &["domain", "config", "telemetry", "outbound", "chart"]),
    ("auth", &["domain", "config", "telemetry"]),
    ("sources", &["domain", "extract", "config", "telemetry", "outbound", "keepa"]),
    ("actors/kernel", &["telemetry"]),
    ("actors", &["domain", "config", "telemetry", "store", "sources", "limits", "notify", "replicas", "jobs"]),
    (
        "service",
        &[
            "domain",
            "auth",
            "client_documents",
            "config",
            "telemetry",
            "limits",
            "store",
            "sources",
            "actors",
            "replicas",
            "files",
            "jobs",
            "chart",
            "insight",
            "keepa",
            "advice",
        ],
    ),
    ("mcp", &["domain", "auth", "insight", "service", "telemetry"]),
    ("http", &["domain", "auth", "files", "insight", "keepa", "service", "mcp", "telemetry"]),
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
    ("resvg::", &["chart"]),
    ("minijinja::", &["notify"]),
    ("fluent_bundle::", &["notify"]),
    ("bb8_redis::", &["replicas"]),
    ("rmcp::", &["mcp"]),
    ("schemars::", &["mcp"]),
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

/// Pairs of files that may import each other.
const ALLOWED_CIRCLES: &[&[&str]] = &[&["actors/kernel/actor", "actors/kernel/inbox"]];

/// The files of `src`, with what each imports. A folder's `mod.rs` (or the file named like the folder) is its facade: what
/// it re-exports belongs to the file that defines it, and imports between a facade and what is below it do not count.
struct ImportGraph {
    files: BTreeMap<Vec<String>, PathBuf>,
}

impl ImportGraph {
    fn read() -> Self {
        let module = |file: &PathBuf| {
            let mut path: Vec<String> = place(file).split('/').map(str::to_owned).collect();
            path.pop_if(|last| last == "mod");
            path
        };
        Self { files: rust_files(&src()).into_iter().map(|file| (module(&file), file)).collect() }
    }

    /// The length of the longest module on a path.
    fn module_length(&self, path: &[String]) -> Option<usize> {
        (1..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))
    }

    /// The file that defines what a path names: the longest module on the path, or the one below it that this re-exports the
    /// name from.
    fn file_of(&self, path: &[String]) -> Option<Vec<String>> {
        let length = self.module_length(path)?;
        let (module, name) = (&path[..length], path.get(length));
        let is_reexport = |import: &Vec<String>| {
            import.starts_with(module) && import.last() == name && self.module_length(import) > Some(length)
        };
        let below = imports_of(&self.files[module], module).into_iter().find(is_reexport);
        below.and_then(|path| self.file_of(&path)).or_else(|| Some(module.to_vec()))
    }

    fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let edges = self.files.iter().map(|(module, file)| {
            let targets = imports_of(file, module).into_iter().filter_map(|path| self.file_of(&path));
            let others = targets.filter(|target| !target.starts_with(module) && !module.starts_with(target));
            (place(file), others.map(|target| place(&self.files[&target])).collect())
        });
        edges.collect()
    }
}

/// Every path below the crate that a file names, outside of its tests.
fn imports_of(file: &Path, module: &[String]) -> Vec<Vec<String>> {
    let code = code_lines(file).join("\n");
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut paths = Vec::new();
    for statement in code.split("use ").skip(1) {
        expand(statement.split(';').next().unwrap_or_default(), &[], &mut paths);
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root).filter(|(at, _)| !code[..*at].ends_with(is_path)) {
            let text: String = code[at..].chars().take_while(|c| is_path(*c)).collect();
            paths.push(text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
        }
    }
    paths.into_iter().filter_map(|path| absolute(&path, module, file)).collect()
}

/// The paths of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str, prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = tree.split_once('{').map_or((tree, None), |(head, group)| (head, Some(group)));
    let head = head.split(" as ").next().unwrap_or_default();
    let own = head.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "self" && *part != "*");
    let path: Vec<String> = prefix.iter().cloned().chain(own.map(str::to_owned)).collect();
    let Some(group) = group else { return paths.push(path) };
    let (mut depth, mut start) = (0, 0);
    let group = group.trim_end().trim_end_matches('}');
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&group[start..at], &path, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        expand(&group[start..], &path, paths);
    }
}

/// A path from the root of the crate. One that begins with neither `crate` nor `super` begins below the file's own module.
fn absolute(path: &[String], module: &[String], file: &Path) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "super" => {
            let parent = module.split_last()?.1;
            let above = rest.iter().take_while(|part| *part == "super").count();
            let parent = &parent[..parent.len().checked_sub(above)?];
            Some(parent.iter().chain(&rest[above..]).cloned().collect())
        }
        _ if file.ends_with("mod.rs") => Some(module.iter().chain(path).cloned().collect()),
        _ => None,
    }
}

/// The files that can be reached from each, each within itself: those that reach each other are a circle.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reach = |from: &String| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(file) = next.pop() {
            for import in imports.get(&file).into_iter().flatten() {
                if reached.insert(import.clone()) {
                    next.push(import.clone());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|file| (file, reach(file))).collect();
    let circle = |file: &String| -> Vec<String> {
        let mutual = |other: &&String| reached.get(*other).is_some_and(|back| back.contains(file));
        reached[file].iter().filter(mutual).cloned().collect()
    };
    imports.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = ImportGraph::read().imports();
    let allowed = ALLOWED_CIRCLES.iter();
    let allowed: BTreeSet<Vec<String>> =
        allowed.map(|circle| circle.iter().map(|&file| file.to_owned()).collect()).collect();
    let found: Vec<String> = circles(&imports).difference(&allowed).map(|circle| circle.join(" <-> ")).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // A check that reads no imports finds no circles.
    assert!(circles(&imports).contains(&vec!["actors/kernel/actor".to_owned(), "actors/kernel/inbox".to_owned()]));
}
