//! Throwaway Redis servers from the distribution's binaries: a single server, a cluster of three, or a pair with three
//! Sentinels. They end with the process that started them.

#![allow(dead_code, reason = "each test binary uses a part of this module")]

#[path = "processes.rs"]
pub mod processes;

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use processes::{Folder, Process, free_port};

/// Starting takes milliseconds, a failover a few seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Offset of the cluster bus port from the port of a node.
const BUS_PORT_OFFSET: u16 = 10_000;

/// A single server that starts empty.
pub struct Redis {
    node: Node,
    _folder: Folder,
}

impl Redis {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let folder = Folder::new("amazon-tracker-redis-");
        let node = Node::start(&folder, "redis", free_port(), &[]);
        Self { node, _folder: folder }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// Kills it, as a crash would.
    pub fn kill(&self) {
        self.node.process.kill();
    }

    /// Starts it again at the same port, empty.
    pub fn resume(&self) {
        self.node.run();
    }

    /// Keeps and accepts connections, but does not answer until thawed.
    pub fn freeze(&self) {
        self.node.process.freeze();
    }

    /// Continues after a freeze.
    pub fn thaw(&self) {
        self.node.process.thaw();
    }

    /// Deletes all keys.
    pub fn flush(&self) {
        self.command(&["FLUSHALL"]);
    }

    /// The reply to a command.
    pub fn command(&self, words: &[&str]) -> String {
        self.node.command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// A Redis Cluster of three masters that share the slots.
pub struct RedisCluster {
    nodes: Vec<Node>,
    _folder: Folder,
}

impl RedisCluster {
    /// Starts a cluster and waits until it accepts commands.
    pub fn start() -> Self {
        let folder = Folder::new("amazon-tracker-redis-");
        let options =
            ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000"];
        let nodes: Vec<Node> =
            (1..=3).map(|n| Node::start(&folder, &format!("node{n}"), free_port_with_bus(), &options)).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(nodes.iter().map(Node::address)).args(["--cluster-yes"]);
        let output = create.stdin(Stdio::null()).output().expect("redis-cli was found before");
        assert!(output.status.success(), "{create:?}: {output:?}");
        for node in &nodes {
            node.await_answer(&["CLUSTER", "INFO"], |info| {
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            });
        }
        Self { nodes, _folder: folder }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", addresses(&self.nodes))
    }

    /// Kills a node, 0 to 2, as a crash would.
    pub fn kill_node(&self, n: usize) {
        self.nodes[n].process.kill();
    }

    /// Starts the node again; it rejoins from its saved cluster configuration.
    pub fn resume_node(&self, n: usize) {
        self.nodes[n].run();
        for node in &self.nodes {
            node.await_answer(&["CLUSTER", "INFO"], |info| info.contains("cluster_state:ok"));
        }
    }

    /// Kills all nodes.
    pub fn kill(&self) {
        self.nodes.iter().for_each(|node| node.process.kill());
    }

    /// The reply of a node, 0 to 2, to a command.
    pub fn command(&self, n: usize, words: &[&str]) -> String {
        self.nodes[n].command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// A master and a replica, with three Sentinels that promote the replica when the master fails.
pub struct Sentinels {
    servers: Vec<Node>,
    sentinels: Vec<Node>,
    _folder: Folder,
}

impl Sentinels {
    const MASTER: &str = "mymaster";

    /// Starts all of them, and waits until every Sentinel knows the others.
    pub fn start() -> Self {
        let folder = Folder::new("amazon-tracker-redis-");
        let master = Node::start(&folder, "first", free_port(), &[]);
        let of_master = ["--replicaof", "127.0.0.1", &master.port.to_string()];
        let replica = Node::start(&folder, "second", free_port(), &of_master);
        replica.await_answer(&["INFO", "replication"], |info| info.contains("master_link_status:up"));
        let sentinels = (1..=3).map(|n| Self::sentinel(&folder, n, master.port)).collect();
        let all = Self { servers: vec![master, replica], sentinels, _folder: folder };
        for sentinel in &all.sentinels {
            let all_known = |info: &str| info.contains("status=ok") && info.contains("slaves=1,sentinels=3");
            sentinel.await_answer(&["INFO", "sentinel"], all_known);
        }
        all
    }

    fn sentinel(folder: &Folder, n: usize, master: u16) -> Node {
        let name = format!("sentinel{n}");
        let process = Process::new(folder.home(&name));
        let settings = format!(
            "sentinel monitor {name} 127.0.0.1 {master} 2\nsentinel down-after-milliseconds {name} 1000\n\
             sentinel failover-timeout {name} 5000\n",
            name = Self::MASTER
        );
        // The Sentinel rewrites this file.
        fs::write(process.home().join("sentinel.conf"), settings).expect("the test's own directory is writable");
        Node::start_as(process, free_port(), &["sentinel.conf"], &["--sentinel"])
    }

    /// The URL of the Sentinels.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{}", addresses(&self.sentinels), Self::MASTER)
    }

    /// Port of the current master according to the Sentinels.
    pub fn master(&self) -> u16 {
        let answer = self.sentinels[0].command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        let port = answer.as_deref().ok().and_then(|answer| answer.lines().nth(1)?.trim().parse().ok());
        port.unwrap_or_else(|| panic!("no master: {answer:?}"))
    }

    /// Kills the master. The Sentinels notice after a second and vote.
    pub fn kill_master(&self) {
        let master = self.master();
        self.servers.iter().find(|server| server.port == master).expect("one of the two is master").process.kill();
    }

    /// Starts the killed server again; the Sentinels make it a replica.
    pub fn resume(&self) {
        self.servers.iter().filter(|server| !server.process.is_running()).for_each(Node::run);
    }
}

/// One `redis-server` process.
struct Node {
    port: u16,
    first_arguments: Vec<String>,
    last_arguments: Vec<String>,
    process: Process,
}

impl Node {
    fn start(folder: &Folder, name: &str, port: u16, options: &[&str]) -> Self {
        Self::start_as(Process::new(folder.home(name)), port, &[], options)
    }

    /// A configuration file must be the first argument, and `--sentinel` the last.
    fn start_as(process: Process, port: u16, first: &[&str], last: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let node = Self { port, first_arguments: owned(first), last_arguments: owned(last), process };
        node.run();
        node
    }

    fn run(&self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(&self.first_arguments).args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
        self.process.run(command.args(["--appendonly", "no"]).args(&self.last_arguments));
        self.await_answer(&["PING"], |answer| answer.trim() == "PONG");
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn command(&self, words: &[&str]) -> Result<String, String> {
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(words).stdin(Stdio::null());
        let output = cli.output().map_err(|error| error.to_string())?;
        let reply = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(reply) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn await_answer(&self, words: &[&str], is_right: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.command(words);
            if answer.as_deref().is_ok_and(&is_right) {
                return;
            }
            assert!(Instant::now() < until, "{words:?} at port {}: {answer:?}\n{}", self.port, self.process.log());
            pause();
        }
    }
}

fn addresses(nodes: &[Node]) -> String {
    nodes.iter().map(Node::address).collect::<Vec<_>>().join(",")
}

/// A free port whose cluster bus port is free too.
fn free_port_with_bus() -> u16 {
    let has_bus =
        |port: &u16| port.checked_add(BUS_PORT_OFFSET).is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok());
    std::iter::repeat_with(free_port).take(1000).find(has_bus).expect("two free ports")
}

#[expect(clippy::disallowed_methods, reason = "servers are started and awaited without a runtime")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
