//! Processes started by tests. Each has a directory with its log, can be killed and frozen, and ends with the process
//! that started it.

#![allow(dead_code, reason = "each test binary uses a part of this module")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// File with the process id, for the watchdog.
const PID: &str = "pid";
const LOG: &str = "log";

/// The directory of the processes, and a shell that kills them and removes the directory when its standard input
/// closes, which happens however this process ends.
pub struct Folder {
    path: PathBuf,
    watchdog: Child,
}

impl Folder {
    /// Creates a directory with this prefix.
    pub fn new(prefix: &str) -> Self {
        const WAIT_THEN_CLEAN: &str = r#"cat >/dev/null; cat "$1"/*/pid | xargs -r kill -9; rm -rf "$1""#;
        let path = tempfile::Builder::new().prefix(prefix).tempdir().expect("a temporary directory").keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", WAIT_THEN_CLEAN, "watchdog"]).arg(&path);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { path, watchdog: shell.spawn().expect("a shell") }
    }

    /// The directory of one process.
    pub fn home(&self, name: &str) -> PathBuf {
        let home = self.path.join(name);
        fs::create_dir_all(&home).expect("the test's own directory is writable");
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
    /// Does not start the process yet.
    pub fn new(home: PathBuf) -> Self {
        Self { home, child: Mutex::default() }
    }

    /// Its directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Starts the process. Its output is appended to its log.
    pub fn run(&self, command: &mut Command) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.home.join(LOG))
            .expect("the test's own directory is writable");
        let copy = log.try_clone().expect("another handle of an open file");
        // A new process group, so that an interrupt from the keyboard does not reach it.
        command.current_dir(&self.home).stdin(Stdio::null()).stdout(log).stderr(copy).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| {
            let program = command.get_program().to_string_lossy();
            panic!("{program}: {error}; the make target of these tests installs what they need (scripts/require.sh)")
        });
        fs::write(self.home.join(PID), child.id().to_string()).expect("the test's own directory is writable");
        *self.child() = Some(child);
    }

    /// True from the start until the end is noticed.
    pub fn is_running(&self) -> bool {
        self.child().is_some()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child().as_ref().expect("the process is running").id()
    }

    /// Kills it, as a crash would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().and_then(|()| child.wait()).expect("a child process can be signalled and awaited");
            self.remove_pid_file();
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it (SIGSTOP) until it is thawed. Peers notice nothing but silence.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues it (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until it exits.
    pub async fn ended(&self, patience: Duration) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.try_wait() {
                return status;
            }
            assert!(Instant::now() < until, "it did not exit within {patience:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its exit status, if it has exited.
    fn try_wait(&self) -> Option<ExitStatus> {
        let mut child = self.child();
        let status = child
            .as_mut()
            .expect("the process is running")
            .try_wait()
            .expect("a child process can be signalled and awaited")?;
        *child = None;
        self.remove_pid_file();
        Some(status)
    }

    /// Its output so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join(LOG)).unwrap_or_default()
    }

    /// Removes the process id, because the system may reuse it.
    fn remove_pid_file(&self) {
        let _ = fs::remove_file(self.home.join(PID));
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().cast_signed()).expect("a process id is not zero");
        kill_process(id, signal).expect("a child process can be signalled and awaited");
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

/// A port that is not in use.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
