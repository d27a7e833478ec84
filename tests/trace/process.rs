//! The command as a process, because the `tracing` subscriber is global to a process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A process whose output is read. Killed when dropped.
pub struct Running {
    child: Child,
    lines: UnboundedReceiver<String>,
    /// Its base URL.
    pub url: String,
}

impl Running {
    /// Starts the process and waits until it logs its address.
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amazon-tracker"));
        command.env_clear().current_dir(std::env::temp_dir()).args(arguments).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (line, lines) = unbounded_channel();
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let line = line.clone();
            std::thread::spawn(move || BufReader::new(stream).lines().try_for_each(|read| line.send(read.unwrap())));
        }
        let mut running = Self { child, lines, url: String::new() };
        let line = running.until_it_logs(" on http://").await;
        let url = line.split(" on ").nth(1).unwrap().split_whitespace().next().unwrap();
        running.url = url.to_owned();
        running
    }

    pub async fn until_it_logs(&mut self, words: &str) -> String {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(30), self.lines.recv()).await;
            let line = line.ok().flatten().unwrap_or_else(|| panic!("it never logged `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Sends SIGTERM and returns the exit status and the remaining output.
    pub async fn stop(mut self) -> (ExitStatus, Vec<String>) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let mut log = Vec::new();
        while let Some(line) = self.lines.recv().await {
            log.push(line);
        }
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
