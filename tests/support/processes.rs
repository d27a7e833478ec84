//! Processes that tests start: each lives in a folder and writes its log there, can be killed and frozen, and goes away with
//! the process that started it.

#![allow(dead_code, reason = "each program of tests uses its part of this")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Where a running process writes its number, for the watchdog.
const PID: &str = "pid";
const LOG: &str = "log";

/// Where processes live, and the shell that ends them and removes it once the pipe to it closes, which it does however this
/// process ends.
pub struct Folder {
    path: PathBuf,
    watchdog: Child,
}

impl Folder {
    /// A new one; its name begins so.
    pub fn new(prefix: &str) -> Self {
        const WAIT_THEN_CLEAN: &str = r#"cat >/dev/null; cat "$1"/*/pid | xargs -r kill -9; rm -rf "$1""#;
        let path = tempfile::Builder::new().prefix(prefix).tempdir().expect("a temporary folder").keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", WAIT_THEN_CLEAN, "watchdog"]).arg(&path);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { path, watchdog: shell.spawn().expect("a shell") }
    }

    /// The home of one process.
    pub fn home(&self, name: &str) -> PathBuf {
        let home = self.path.join(name);
        fs::create_dir_all(&home).expect("a folder of ours");
        home
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// One process, running or not. Killed when dropped.
pub struct Process {
    home: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Not running yet.
    pub fn new(home: PathBuf) -> Self {
        Self { home, child: Mutex::default() }
    }

    /// Where it lives.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Starts it by this command. What it prints is added to its log.
    pub fn run(&self, command: &mut Command) {
        let log = File::options().create(true).append(true).open(self.home.join(LOG)).expect("a folder of ours");
        let copy = log.try_clone().expect("another handle of an open file");
        // The interrupt from the keyboard that ends the tests is not for it.
        command.current_dir(&self.home).stdin(Stdio::null()).stdout(log).stderr(copy).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| {
            let program = command.get_program().to_string_lossy();
            panic!("{program}: {error}; `make test-cluster` installs what these tests need (scripts/require.sh)")
        });
        fs::write(self.home.join(PID), child.id().to_string()).expect("a folder of ours");
        *self.child() = Some(child);
    }

    /// True from when it is started until its end is noticed.
    pub fn is_running(&self) -> bool {
        self.child().is_some()
    }

    /// Its number, while it runs.
    pub fn id(&self) -> u32 {
        self.child().as_ref().expect("it runs").id()
    }

    /// Ends it as a crash does.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().and_then(|()| child.wait()).expect("a child of ours");
            self.forget();
        }
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// It does nothing more until it is thawed, and whoever talks to it does not see why.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on where it was frozen.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits for its end.
    pub async fn ended(&self, patience: Duration) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.end() {
                return status;
            }
            assert!(Instant::now() < until, "it did not end within {patience:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How it ended, if it has.
    fn end(&self) -> Option<ExitStatus> {
        let mut child = self.child();
        let status = child.as_mut().expect("it runs").try_wait().expect("a child of ours")?;
        *child = None;
        self.forget();
        Some(status)
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join(LOG)).unwrap_or_default()
    }

    /// Whoever is given its number next is not to be killed for it.
    fn forget(&self) {
        let _ = fs::remove_file(self.home.join(PID));
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().cast_signed()).expect("a process has a number");
        kill_process(id, signal).expect("a child of ours");
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
