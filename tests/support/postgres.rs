//! A throwaway PostgreSQL server from the distribution's binaries, and standbys of it. They end with the process that
//! started them.

#![allow(dead_code, reason = "each test binary uses a part of this module")]

use std::fs;
use std::io;
use std::net::TcpListener;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};

/// No durability: the data is discarded with the test.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=64MB",
];

/// A running server.
pub struct Server {
    installed: Installed,
}

impl Server {
    /// The server shared by all tests of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server for one test, which may stop and start it.
    pub fn start() -> Self {
        let server = Self { installed: Installed::new() };
        let mut initdb = server.installed.program("initdb");
        initdb.arg("-D").arg(server.installed.data());
        succeed(initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]));
        server.resume();
        // An ordinary role, as for the application in production: superusers bypass row-level security.
        server.execute("CREATE ROLE tracker LOGIN");
        server.create_database("tracker");
        server
    }

    /// Starts a hot standby of this server and waits until it has caught up.
    pub fn start_standby(&self) -> Standby {
        let standby = Standby { installed: Installed::new() };
        let mut backup = standby.installed.program("pg_basebackup");
        backup.args(["-h", "127.0.0.1", "-p", &self.port().to_string(), "-U", "postgres", "-D"]);
        succeed(backup.arg(standby.installed.data()).args(["-R", "--checkpoint=fast", "--no-sync"]));
        standby.resume();
        standby
    }

    /// A program of its distribution.
    pub fn program(&self, name: &str) -> PathBuf {
        self.installed.binaries.join(name)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.installed.port
    }

    /// Creates a database owned by the application's role.
    pub fn create_database(&self, name: &str) {
        self.execute(&format!("CREATE DATABASE {name} OWNER tracker"));
    }

    /// The same URL for the superuser, who bypasses row-level security.
    pub fn superuser_url(url: &str) -> String {
        url.replacen("tracker@", "postgres@", 1)
    }

    /// Runs a statement as the superuser.
    pub fn execute(&self, sql: &str) {
        succeed(self.installed.psql().args(["-c", sql, "postgres"]));
    }
}

/// A hot standby: follows its primary and answers reads.
pub struct Standby {
    installed: Installed,
}

impl Standby {
    /// Pauses replay: further WAL is received but not applied.
    pub fn fall_behind(&self) {
        succeed(self.installed.psql().args(["-c", "SELECT pg_wal_replay_pause()", "postgres"]));
    }

    /// Resumes replay.
    pub fn catch_up(&self) {
        succeed(self.installed.psql().args(["-c", "SELECT pg_wal_replay_resume()", "postgres"]));
    }
}

impl Deref for Server {
    type Target = Installed;

    fn deref(&self) -> &Installed {
        &self.installed
    }
}

impl Deref for Standby {
    type Target = Installed;

    fn deref(&self) -> &Installed {
        &self.installed
    }
}

/// What a primary and a standby have in common: programs, a directory, a port.
pub struct Installed {
    binaries: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Stops the server and removes its directory when its standard input closes, which happens however this process
    /// ends.
    watchdog: Child,
}

impl Installed {
    fn new() -> Self {
        let (binaries, folder) = (newest_binaries(), new_folder());
        let watchdog = watchdog(&binaries, &folder);
        Self { binaries, folder, port: free_port(), watchdog }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The URL of a database for the application's role.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tracker@127.0.0.1:{}/{database}", self.port)
    }

    fn program(&self, name: &str) -> Command {
        as_server_user(&self.binaries.join(name))
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
        psql.arg(self.port.to_string());
        psql
    }

    fn pg_ctl(&self) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-w").arg("-D").arg(self.data());
        command
    }

    /// Starts it, or starts it again at the same port.
    pub fn resume(&self) {
        let settings: String = SETTINGS.iter().map(|setting| format!("-c {setting} ")).collect();
        let options = format!("-p {} {settings}", self.port);
        succeed(self.pg_ctl().args(["-o", &options, "-l"]).arg(self.folder.join("log")).arg("start"));
    }

    /// Stops it and disconnects its clients. Not a crash: without `fsync`, a crash could lose committed data.
    pub fn interrupt(&self) {
        succeed(self.pg_ctl().args(["-m", "fast", "stop"]));
    }

    /// Stops every process of the server (SIGSTOP): connections stay open and new ones are made, but nothing is
    /// answered.
    pub fn freeze(&self) {
        // The postmaster first, because it would start new processes.
        let first = fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        let first: u32 = first.lines().next().and_then(|line| line.parse().ok()).expect("a process id");
        send(first, Signal::STOP);
        let children = children_of(first);
        children.iter().for_each(|child| send(*child, Signal::STOP));
        let frozen: Vec<String> = std::iter::once(first).chain(children).map(|id| id.to_string()).collect();
        fs::write(self.frozen(), frozen.join(" ")).expect("the test's own directory is writable");
    }

    /// Continues after a freeze.
    pub fn thaw(&self) {
        let frozen = fs::read_to_string(self.frozen()).expect("freeze() was called before");
        let _ = fs::remove_file(self.frozen());
        frozen.split(' ').rev().for_each(|id| send(id.parse().expect("freeze() wrote process ids"), Signal::CONT));
    }

    /// File with the ids of the frozen processes, for the watchdog: they cannot handle the signal to stop.
    fn frozen(&self) -> PathBuf {
        self.folder.join("frozen")
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

fn send(process: u32, signal: Signal) {
    let process = Pid::from_raw(process.cast_signed()).expect("a process id is not zero");
    // It may have exited by now.
    let _ = kill_process(process, signal);
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("a system with /proc").flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let is_child = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The process name, in parentheses, may contain anything; state and parent follow it.
        let parent_of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    processes.filter_map(number).filter(is_child).collect()
}

/// The directory with the newest installed version.
fn newest_binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let binaries = entry.path().join("bin");
        binaries.join("initdb").exists().then_some((version, binaries))
    });
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
    };
    installed.max().map(|(_, binaries)| binaries).or_else(on_path).expect(
        "these tests need the PostgreSQL server binaries (initdb, pg_ctl): `make test` installs them, or run \
         `apt-get install postgresql`",
    )
}

/// PostgreSQL refuses to run as root, so it then runs as the user `postgres` or `nobody`.
fn server_user() -> Option<&'static str> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let exists = |user: &&str| id_of("-u", user).is_ok();
    is_root.then(|| ["postgres", "nobody"].into_iter().find(exists).expect("a user other than root"))
}

fn id_of(which: &str, user: &str) -> io::Result<u32> {
    let output = Command::new("id").args([which, user]).output()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
}

fn as_server_user(program: &Path) -> Command {
    let Some(user) = server_user() else { return Command::new(program) };
    let mut command = Command::new("runuser");
    command.current_dir("/").args(["-u", user, "--"]).arg(program);
    command
}

fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("amazon-tracker-pg-").tempdir().expect("a temporary directory").keep();
    if let Some(user) = server_user() {
        let ids = id_of("-u", user).and_then(|uid| Ok((uid, id_of("-g", user)?)));
        let (uid, gid) = ids.expect("the ids of a user that exists");
        chown(&folder, Some(uid), Some(gid)).expect("root may change the owner");
    }
    folder
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// A shell that waits for the end of its input. It has a process group of its own, so that an interrupt from the
/// keyboard does not end it before it has cleaned up.
fn watchdog(binaries: &Path, folder: &Path) -> Child {
    const WAIT_THEN_CLEAN: &str =
        r#"cat >/dev/null; kill -CONT $(cat "$2/frozen"); "$1/pg_ctl" -D "$2/data" -m immediate stop; rm -rf "$2""#;
    let mut shell = as_server_user(Path::new("sh"));
    shell.args(["-c", WAIT_THEN_CLEAN, "watchdog"]).arg(binaries).arg(folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    shell.spawn().expect("a shell")
}

fn succeed(command: &mut Command) {
    let log = tempfile::tempfile().expect("a temporary file");
    let copy = || Stdio::from(log.try_clone().expect("another handle of an open file"));
    // Into a file, not a pipe: the server inherits it and would keep a pipe open as long as it runs.
    let status = command.stdin(Stdio::null()).stdout(copy()).stderr(copy()).status();
    let succeeded = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(succeeded, "{command:?}: {status:?}\n{}", read_from_start(&log));
}

fn read_from_start(mut log: &fs::File) -> String {
    use std::io::{Read, Seek};
    let mut text = String::new();
    let _ = log.rewind().and_then(|()| log.read_to_string(&mut text));
    text
}
