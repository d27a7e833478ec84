//! The command as a process: the subscriber of `tracing` is one for each.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A process whose lines are read, and that is killed when the test ends early.
pub struct Running {
    child: Child,
    lines: UnboundedReceiver<String>,
    /// Where it listens.
    pub url: String,
}

impl Running {
    /// Starts it and waits until it says where it listens.
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
        let said = running.until_it_says(" on http://").await;
        let url = said.split(" on ").nth(1).unwrap().split_whitespace().next().unwrap();
        running.url = url.to_owned();
        running
    }

    pub async fn until_it_says(&mut self, words: &str) -> String {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(30), self.lines.recv()).await;
            let line = line.ok().flatten().unwrap_or_else(|| panic!("it never said `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Tells it to stop; returns how it ended and what it said until then.
    pub async fn stop(mut self) -> (ExitStatus, Vec<String>) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let mut said = Vec::new();
        while let Some(line) = self.lines.recv().await {
            said.push(line);
        }
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
