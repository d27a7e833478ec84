//! A double of Docker and Docker Compose for the deployment scripts: a program `docker` that runs each command in this
//! process, on containers that are started and stopped by the test. `up` follows the rules of Compose (convergence.go):
//! what recreates a container, what it recreates along, and what the versions do differently.

#![allow(dead_code, reason = "each test binary uses a part of this module")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};

use serde_norway::Value;

/// A version of Docker Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compose {
    /// 2.26 of Debian 13: `--no-deps` changes what a container is compared by, a service that is recreated recreates its
    /// dependants, `--wait` takes a finished service for a failure.
    Debian13,
    /// 2.40, without these.
    Current,
    /// 2.20, which cannot read the files.
    TooOld,
}

impl Compose {
    fn version(self) -> &'static str {
        match self {
            Self::Debian13 => "2.26.1-4",
            Self::Current => "v2.40.3",
            Self::TooOld => "2.20.2",
        }
    }
}

/// What the containers are in a test.
pub trait Containers: Send {
    /// A replica or another service starts, from an image of this number.
    fn start(&mut self, id: &str, service: &str, image: u32);
    fn stop(&mut self, id: &str);
    fn is_healthy(&mut self, id: &str, service: &str, image: u32) -> bool;
    /// The gateway gets SIGHUP.
    fn reload_gateway(&mut self) {}
}

#[derive(Debug, Clone)]
struct Container {
    id: String,
    service: String,
    hash: String,
    image: u32,
    state: &'static str,
    exit_code: i32,
}

/// The engine and its containers.
pub struct Engine {
    compose: Compose,
    services: BTreeMap<String, Value>,
    /// The image that the next build makes, and the one that containers are created from.
    pub image: u32,
    pub is_migration_broken: bool,
    containers: Vec<Container>,
    created: u32,
    work: Box<dyn Containers>,
    env_file: PathBuf,
    /// What was done, one line each.
    pub events: Vec<String>,
    /// The smallest number of healthy trackers since the first one was, seen between any two commands or steps.
    pub least_healthy: Option<usize>,
}

type Answer = Result<String, String>;

impl Engine {
    fn containers_of<'e>(&'e self, service: &'e str) -> impl Iterator<Item = &'e Container> {
        self.containers.iter().filter(move |container| container.service == service)
    }

    pub fn ids(&self, service: &str) -> Vec<String> {
        self.containers_of(service).map(|container| container.id.clone()).collect()
    }

    /// The number of the image of every running container of a service.
    pub fn running_images(&self, service: &str) -> Vec<u32> {
        self.containers_of(service).filter(|it| it.state == "running").map(|it| it.image).collect()
    }

    fn healthy(&mut self, service: &str) -> usize {
        let running: Vec<_> = self.containers_of(service).filter(|it| it.state == "running").cloned().collect();
        running.iter().filter(|it| self.work.is_healthy(&it.id, &it.service, it.image)).count()
    }

    fn note(&mut self, event: String) {
        self.events.push(event);
        let healthy = self.healthy("tracker");
        match &mut self.least_healthy {
            Some(least) => *least = healthy.min(*least),
            none if healthy > 0 => *none = Some(healthy),
            _ => {}
        }
    }

    fn dependencies(&self, service: &str) -> Vec<(String, String)> {
        let depends_on = &self.services[service]["depends_on"];
        let condition = |value: &Value| value["condition"].as_str().unwrap().to_owned();
        let entries = depends_on.as_mapping().into_iter().flatten();
        entries.map(|(name, value)| (name.as_str().unwrap().to_owned(), condition(value))).collect()
    }

    fn replicas(&self, service: &str) -> usize {
        let Some(replicas) = self.services[service]["deploy"].get("replicas") else { return 1 };
        let Some(text) = replicas.as_str() else { return usize::try_from(replicas.as_u64().unwrap()).unwrap() };
        // ${TRACKER_REPLICAS:-2}
        let (variable, default) = text.trim_matches(['$', '{', '}']).split_once(":-").unwrap();
        let file = fs::read_to_string(&self.env_file).unwrap();
        let set = file.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('='));
        set.unwrap_or(default).parse().unwrap()
    }

    fn hash(&self, service: &str, without_dependencies: bool) -> String {
        let changed =
            without_dependencies && self.compose != Compose::Current && !self.dependencies(service).is_empty();
        format!("{service} {} {}", self.image_of(service), if changed { "no-deps" } else { "" })
    }

    /// Only the tracker's image is built here.
    fn image_of(&self, service: &str) -> u32 {
        if self.services[service]["image"].as_str().unwrap().contains("TRACKER_IMAGE") { self.image } else { 0 }
    }

    fn create(&mut self, service: &str, hash: &str) {
        self.created += 1;
        let id = format!("{service}-{}", self.created);
        let (image, hash) = (self.image_of(service), hash.to_owned());
        let service = service.to_owned();
        self.containers.push(Container { id, service, hash, image, state: "created", exit_code: 0 });
    }

    fn stop(&mut self, id: &str) {
        let Some(container) = self.containers.iter_mut().find(|container| container.id == id) else { return };
        if container.state == "running" {
            container.state = "exited";
            self.work.stop(id);
            self.note(format!("stop {id}"));
        }
    }

    fn remove(&mut self, id: &str) {
        self.stop(id);
        self.containers.retain(|container| container.id != id);
    }

    fn start(&mut self, id: &str) {
        let is_migration_broken = self.is_migration_broken;
        let container = self.containers.iter_mut().find(|container| container.id == id).unwrap();
        if container.state == "running" {
            return;
        }
        if matches!(container.service.as_str(), "migrate" | "apisix-load") {
            container.state = "exited";
            container.exit_code = i32::from(is_migration_broken);
        } else {
            container.state = "running";
            let (service, image) = (container.service.clone(), container.image);
            self.work.start(id, &service, image);
        }
        self.note(format!("start {id}"));
    }

    /// Stops all containers of a service and starts others in their place, without Compose.
    pub fn move_all(&mut self, service: &str) {
        for id in self.ids(service) {
            self.remove(&id);
            let hash = self.hash(service, false);
            self.create(service, &hash);
        }
        self.ids(service).iter().for_each(|id| self.start(id));
    }

    /// The services, and all that they depend on.
    fn with_dependencies(&self, mut services: BTreeSet<String>) -> BTreeSet<String> {
        loop {
            let found = services.iter().flat_map(|name| self.dependencies(name)).map(|(name, _)| name);
            let all: BTreeSet<String> = found.chain(services.iter().cloned()).collect();
            if all == services {
                return all;
            }
            services = all;
        }
    }

    /// A service after the services it depends on.
    fn in_order(&self, names: &BTreeSet<String>) -> Vec<String> {
        let mut order: Vec<String> = Vec::new();
        while order.len() < names.len() {
            let is_next = |name: &&String| {
                let mut before = self.dependencies(name).into_iter().filter(|(other, _)| names.contains(other));
                !order.contains(*name) && before.all(|(other, _)| order.contains(&other))
            };
            let next = names.iter().find(is_next).expect("no circle").clone();
            order.push(next);
        }
        order
    }

    fn up(&mut self, arguments: &[&str]) -> Answer {
        let (mut selected, mut scale) = (BTreeSet::new(), BTreeMap::new());
        let (mut no_recreate, mut no_deps, mut waits) = (false, false, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--detach" | "--remove-orphans" => {}
                "--no-recreate" => no_recreate = true,
                "--no-deps" => no_deps = true,
                "--wait" => waits = true,
                "--wait-timeout" => drop(rest.next()),
                "--scale" => {
                    let (service, count) = rest.next().unwrap().split_once('=').unwrap();
                    scale.insert(service.to_owned(), count.parse::<usize>().unwrap());
                }
                service if self.services.contains_key(service) => drop(selected.insert(service.to_owned())),
                other => return Err(format!("unknown flag or service: {other}")),
            }
        }
        if selected.is_empty() {
            selected.extend(self.services.keys().cloned());
        }
        if !no_deps {
            selected = self.with_dependencies(selected);
        }
        let mut recreated: BTreeSet<String> = BTreeSet::new();
        for service in self.in_order(&selected) {
            let dependencies = self.dependencies(&service);
            let is_forced =
                self.compose != Compose::Current && dependencies.iter().any(|(name, _)| recreated.contains(name));
            let hash = self.hash(&service, no_deps);
            let wanted = scale.get(&service).copied().unwrap_or_else(|| self.replicas(&service));
            for (n, container) in self.containers_of(&service).cloned().collect::<Vec<_>>().into_iter().enumerate() {
                if n >= wanted {
                    self.remove(&container.id);
                } else if !no_recreate && (is_forced || container.hash != hash) {
                    self.remove(&container.id);
                    recreated.insert(service.clone());
                }
            }
            while self.containers_of(&service).count() < wanted {
                self.create(&service, &hash);
            }
            for (name, condition) in dependencies.iter().filter(|_| !no_deps) {
                let holds = match condition.as_str() {
                    "service_healthy" => self.healthy(name) == self.containers_of(name).count(),
                    "service_completed_successfully" => self.containers_of(name).all(|it| it.exit_code == 0),
                    _ => true,
                };
                if !holds {
                    return Err(format!("dependency failed to start: {name}"));
                }
            }
            for id in self.ids(&service) {
                self.start(&id);
            }
        }
        let has_exited = self.containers.iter().any(|it| selected.contains(&it.service) && it.state == "exited");
        if waits && has_exited {
            return Err("container exited (0)".to_owned());
        }
        let all_healthy = selected.iter().all(|service| {
            let count = self.containers_of(service).filter(|it| it.state == "running").count();
            self.healthy(service) == count
        });
        if waits && !all_healthy { Err("a container is unhealthy".to_owned()) } else { Ok(String::new()) }
    }

    fn compose(&mut self, arguments: &[&str]) -> Answer {
        let command = arguments.iter().position(|argument| !argument.starts_with("--") && !argument.contains(".env"));
        let (command, rest) = arguments[command.unwrap()..].split_first().unwrap();
        match (*command, rest) {
            ("version", ["--short"]) => Ok(self.compose.version().to_owned()),
            ("config", ["--quiet"]) => Ok(String::new()),
            ("config", ["--services"]) => Ok(self.services.keys().map(|name| format!("{name}\n")).collect()),
            ("config", []) => {
                let service =
                    |name: &String| format!("  {name}:\n    deploy:\n      replicas: {}\n", self.replicas(name));
                Ok(format!(
                    "name: x\nservices:\n{}networks: {{}}\n",
                    self.services.keys().map(service).collect::<String>()
                ))
            }
            ("pull", _) => Ok(String::new()),
            ("build", _) => {
                self.image += 1;
                Ok(String::new())
            }
            ("up", rest) => {
                self.events.push(format!("up {}", rest.join(" ")));
                self.up(rest)
            }
            ("config", ["--images"]) => Ok("postgres:15\namazon-tracker:local\n".to_owned()),
            ("ps", ["--all"]) => Ok("(the containers)".to_owned()),
            ("exec", ["-T", "apisix", "bash", "-c", "kill -HUP 1"]) => {
                self.work.reload_gateway();
                self.note("reload gateway".to_owned());
                Ok(String::new())
            }
            _ => Err(format!("this double has no `docker compose {}`", arguments.join(" "))),
        }
    }

    fn each(&mut self, ids: &[&str], act: fn(&mut Self, &str)) -> String {
        ids.iter().for_each(|id| act(self, id));
        String::new()
    }

    fn run(&mut self, arguments: &[&str]) -> Answer {
        match arguments {
            ["compose", rest @ ..] => self.compose(rest),
            ["ps", "--all", "--quiet", "--no-trunc", filters @ ..] => {
                let service =
                    filters.iter().find_map(|it| it.strip_prefix("label=com.docker.compose.service=")).unwrap();
                assert!(filters.contains(&"label=com.docker.compose.project=x"), "{filters:?}");
                assert!(filters.contains(&"label=com.docker.compose.oneoff=False"), "{filters:?}");
                Ok(self.ids(service).iter().map(|id| format!("{id}\n")).collect())
            }
            ["version", ..] => Ok("26.1.5+dfsg1".to_owned()),
            ["inspect", "--format", format, ids @ ..] => {
                let mut lines = String::new();
                for id in ids {
                    let Some(it) = self.containers.iter().find(|it| it.id == *id).cloned() else {
                        return Err(format!("no such object: {id}"));
                    };
                    let healthy = self.work.is_healthy(&it.id, &it.service, it.image);
                    let last = match format.contains("ExitCode") {
                        true => it.exit_code.to_string(),
                        false if it.state != "running" => String::new(),
                        false => if healthy { "healthy" } else { "unhealthy" }.to_owned(),
                    };
                    lines += &format!("{} {last}\n", it.state);
                }
                Ok(lines)
            }
            ["stop", "-t", _, ids @ ..] => Ok(self.each(ids, Self::stop)),
            ["start", ids @ ..] => Ok(self.each(ids, Self::start)),
            ["rm", "--force", ids @ ..] => Ok(self.each(ids, Self::remove)),
            ["rm", ids @ ..] => {
                match ids.iter().find(|id| self.containers.iter().any(|it| it.id == **id && it.state == "running")) {
                    Some(id) => Err(format!("cannot remove container {id}: container is running")),
                    None => Ok(self.each(ids, Self::remove)),
                }
            }
            ["logs", ..] => Ok("(the end of the log)\n".to_owned()),
            _ => Err(format!("this double has no `docker {}`", arguments.join(" "))),
        }
    }
}

/// A host with the double of Docker and a checkout of the project.
pub struct Host {
    folder: tempfile::TempDir,
    pub engine: Arc<Mutex<Engine>>,
    url: String,
}

impl Host {
    pub fn new(compose: Compose, work: Box<dyn Containers>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let copied = ["scripts", "config", "docker-compose.prod.yml", "docker-compose.roles.yml", ".env.example"];
        let copy = Command::new("cp").arg("-r").args(copied.map(|name| source.join(name))).arg(folder.path()).status();
        assert!(copy.unwrap().success());
        fs::copy(folder.path().join(".env.example"), folder.path().join(".env.production")).unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let program = "#!/bin/sh\n\
            printf '%s\\0' \"$@\" | curl --silent --show-error --fail-with-body --data-binary @- \"$DOCKER_DOUBLE\"\n";
        fs::write(bin.join("docker"), program).unwrap();
        fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();

        let file = fs::read_to_string(folder.path().join("docker-compose.prod.yml")).unwrap();
        let mut project: Value = serde_norway::from_str(&file).unwrap();
        project.apply_merge().unwrap();
        let services = project["services"].as_mapping().unwrap().iter();
        let services = services.map(|(name, service)| (name.as_str().unwrap().to_owned(), service.clone())).collect();
        let engine = Arc::new(Mutex::new(Engine {
            compose,
            services,
            image: 0,
            is_migration_broken: false,
            containers: Vec::new(),
            created: 0,
            work,
            env_file: folder.path().join(".env.production"),
            events: Vec::new(),
            least_healthy: None,
        }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&engine);
        std::thread::spawn(move || listener.incoming().for_each(|stream| answer(&serving, stream.unwrap())));
        Self { folder, engine, url }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn set(&self, line: &str) {
        let path = self.path(".env.production");
        let content = fs::read_to_string(&path).unwrap() + line + "\n";
        fs::write(path, content).unwrap();
    }

    /// Runs a script of the checkout; `gateway` answers its request to /health.
    pub fn run(&self, script: &str, arguments: &[&str], gateway: Option<&str>) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(self.path("scripts").join(script));
        command.args(arguments).env("PATH", path).env("DOCKER_DOUBLE", &self.url);
        command.env("GATEWAY", gateway.unwrap_or(&self.url)).env("DEPLOY_PATIENCE_SECS", "3");
        command.output().unwrap()
    }
}

impl Drop for Host {
    /// Ends what runs in the containers: the thread that answers keeps the engine.
    fn drop(&mut self) {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.work = Box::new(Ended);
    }
}

/// Containers of a host that is gone.
struct Ended;

impl Containers for Ended {
    fn start(&mut self, _id: &str, _service: &str, _image: u32) {}

    fn stop(&mut self, _id: &str) {}

    fn is_healthy(&mut self, _id: &str, _service: &str, _image: u32) -> bool {
        false
    }
}

/// Answers a command in the body of a POST, its arguments separated by NUL, or a request through the gateway.
fn answer(engine: &Mutex<Engine>, mut stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let arguments: Vec<&str> = body.split_terminator('\0').collect();
    let mut engine = engine.lock().unwrap();
    let answer = match first.starts_with("GET /health ") {
        true if engine.healthy("tracker") > 0 && !engine.running_images("apisix").is_empty() => Ok("ok".to_owned()),
        true => Err("no replica".to_owned()),
        false => engine.run(&arguments),
    };
    let (status, text) = answer.map_or_else(|error| (500, error + "\n"), |text| (200, text));
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    stream.write_all((head + &text).as_bytes()).unwrap();
}
