//! `scripts/apisix-load.py`, against an Admin API that validates objects like APISIX.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::file;
use super::schema::{KINDS, Schemas, id_of};

const ADMIN_KEY: &str = "the-admin-key";
const PUBLIC_KEY: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

/// The content of etcd: objects by kind and id.
type Stored = BTreeMap<(String, String), Value>;

/// The part of APISIX's Admin API that the script uses.
#[derive(Clone)]
struct AdminApi {
    url: String,
    stored: Arc<Mutex<Stored>>,
}

impl AdminApi {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self { url: format!("http://{}", listener.local_addr().unwrap()), stored: Arc::default() };
        let serving = api.clone();
        std::thread::spawn(move || listener.incoming().for_each(|stream| serving.answer(stream.unwrap())));
        api
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(&stream);
        let (mut line, mut length, mut key) = (String::new(), 0, String::new());
        reader.read_line(&mut line).unwrap();
        let request: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "x-api-key" => value.clone_into(&mut key),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = match key == ADMIN_KEY {
            true => self.act(&request[0], &request[1], serde_json::from_slice(&body).ok()),
            false => (401, json!({ "description": "wrong apikey" })),
        };
        let answer = answer.to_string();
        let length = answer.len();
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all((head + &answer).as_bytes()).unwrap();
    }

    fn act(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut parts = path.strip_prefix("/apisix/admin/").unwrap().split('/');
        let (list, id) = (parts.next().unwrap().to_owned(), parts.next().map(str::to_owned));
        let bad_request = |problem: &str| (400, json!({ "error_msg": problem }));
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == list) else { return (404, json!({})) };
        let mut stored = self.stored.lock().unwrap();
        match (method, id, body) {
            ("GET", None, _) => {
                let values = stored.iter().filter(|((of, _), _)| *of == list);
                let entries: Vec<Value> = values.map(|(_, value)| json!({ "value": value })).collect();
                (200, json!({ "total": entries.len(), "list": entries }))
            }
            ("PUT", id, Some(object)) => {
                if let Some(problem) = Schemas::of_apisix().problems_of(kind, &object).first() {
                    return bad_request(problem);
                }
                let upstream = object.get("upstream_id").map(id_of_reference);
                if upstream.is_some_and(|id| !stored.contains_key(&("upstreams".to_owned(), id))) {
                    return bad_request("failed to fetch upstream info");
                }
                if id.is_none() != (list == "consumers") || id.is_some_and(|id| id != id_of(&object)) {
                    return bad_request("wrong id");
                }
                let before = stored.insert((list, id_of(&object)), object);
                (if before.is_some() { 200 } else { 201 }, json!({}))
            }
            ("DELETE", Some(id), _) => {
                let is_used = list == "upstreams" && stored.values().any(|object| object["upstream_id"] == id);
                let removed = if is_used { None } else { stored.remove(&(list, id)) };
                removed.map_or_else(|| bad_request("in use, or not found"), |_| (200, json!({ "deleted": "1" })))
            }
            other => panic!("unexpected request: {other:?}"),
        }
    }

    fn stored(&self) -> Stored {
        self.stored.lock().unwrap().clone()
    }
}

fn id_of_reference(id: &Value) -> String {
    id.as_str().unwrap().to_owned()
}

/// Runs the script like an operator.
fn load(api: &AdminApi, file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/apisix-load.py"));
    command.arg("--file").arg(file).args(["--url", &api.url]).args(more);
    command.env("APISIX_ADMIN_KEY", ADMIN_KEY).env("JWT_PUBLIC_KEY", PUBLIC_KEY).output().unwrap()
}

fn loaded(api: &AdminApi, file: &Path, more: &[&str]) -> String {
    let output = load(api, file, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn loading_the_file_is_complete_and_idempotent() {
    let api = AdminApi::start();
    let file = file::path("apisix.yaml");
    let output = loaded(&api, &file, &[]);
    let first = api.stored();
    let document = file::read("apisix.yaml", &[("JWT_PUBLIC_KEY", PUBLIC_KEY)]);
    let mut wanted = Stored::new();
    for (list, objects) in document.as_object().unwrap() {
        wanted.extend(objects.as_array().unwrap().iter().map(|it| ((list.clone(), id_of(it)), it.clone())));
    }
    assert_eq!(first, wanted);
    assert_eq!(loaded(&api, &file, &[]), output);
    assert_eq!(loaded(&api, &file, &["--prune"]), output);
    assert_eq!(api.stored(), wanted);
}

#[test]
fn other_objects_are_deleted_only_with_prune() {
    let api = AdminApi::start();
    for (list, object) in [
        ("upstreams", json!({ "id": "old", "nodes": { "a:80": 1 } })),
        ("routes", json!({ "id": "old", "uri": "/old", "upstream_id": "old" })),
    ] {
        api.stored.lock().unwrap().insert((list.to_owned(), "old".to_owned()), object);
    }
    let exists = |list: &str| api.stored().contains_key(&(list.to_owned(), "old".to_owned()));
    loaded(&api, &file::path("apisix.yaml"), &[]);
    assert!(exists("upstreams") && exists("routes"));
    let output = loaded(&api, &file::path("apisix.yaml"), &["--prune"]);
    assert!(output.contains("delete routes/old\ndelete upstreams/old\n"), "{output}");
    assert!(!exists("upstreams") && !exists("routes"));
}

#[test]
fn a_rejected_object_is_named_and_prevents_deletion() {
    let api = AdminApi::start();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("apisix.yaml");
    let limit = "      limit-req: {key: remote_addr, rate: 200,";
    let text = file::text("apisix.yaml");
    let (before, users) = text.split_once("- id: users\n").unwrap();
    assert!(users.contains(limit));
    let users = users.replacen(limit, "      limit-req: {rate: 200,", 1);
    std::fs::write(&broken, format!("{before}- id: users\n{users}")).unwrap();
    api.stored.lock().unwrap().insert(("routes".to_owned(), "old".to_owned()), json!({ "id": "old" }));
    let error = error_of(&load(&api, &broken, &["--prune"]));
    assert!(
        error.starts_with("refused: put routes/users: 400 ") && error.contains("\"key\\\" is a required"),
        "{error}"
    );
    let stored = api.stored();
    let has = |id: &str| stored.contains_key(&("routes".to_owned(), id.to_owned()));
    assert!(has("old") && has("products") && !has("users"), "the other objects are loaded");
}

#[test]
fn nothing_is_loaded_without_the_key_the_gateway_or_a_variable() {
    let api = AdminApi::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apisix.yaml");
    for (text, named) in [
        ("upstreams:\n  - id: ${{NOT_SET}}\n#END", "NOT_SET"),
        ("upstream:\n  - id: a\n#END", "upstream"),
        ("routes:\n  a: {}\n#END", "not a list: routes"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = error_of(&load(&api, &file, &[]));
        assert!(error.contains(named), "{error}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = AdminApi { url: format!("http://{closed}"), stored: Arc::default() };
    let error = error_of(&load(&unreachable, &file::path("apisix.yaml"), &["--wait", "0"]));
    assert!(error.contains("does not answer"), "{error}");
    let mut command = Command::new("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/apisix-load.py");
    command.arg(script).arg("--file").arg(file::path("apisix.yaml")).args(["--url", &api.url]);
    let wrong = command.env("APISIX_ADMIN_KEY", "wrong").env("JWT_PUBLIC_KEY", PUBLIC_KEY).output().unwrap();
    assert!(error_of(&wrong).contains("401"));
    assert!(api.stored().is_empty());
}
