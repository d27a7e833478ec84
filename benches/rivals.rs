//! Runs the reference programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use scraper::Selector;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rivals")
}

/// The eight selectors that all reference programs use.
pub fn selectors() -> Vec<Selector> {
    let selectors: Vec<String> = serde_json::from_str(include_str!("rivals/selectors.json")).expect("a list of text");
    selectors.iter().map(|css| Selector::parse(css).expect("a selector")).collect()
}

/// A script in `benches/rivals`, run in the virtual environment that `make bench` creates.
pub fn python(script: &str) -> Command {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-rivals/bin/python");
    assert!(python.exists(), "reference programs not installed: run `make bench` or scripts/require.sh rivals");
    let mut command = Command::new(python);
    command.arg(folder().join(script));
    command
}

/// The standard output of a program.
pub fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().expect("the program starts");
    assert!(output.status.success(), "{command:?} ended with {}", output.status);
    String::from_utf8(output.stdout).expect("the program prints text")
}

/// Peak resident memory of a process, in kB.
pub fn peak_rss_kb(process: u32) -> u64 {
    status_kb(process, "VmHWM:")
}

/// Current resident memory of a process, in kB.
pub fn rss_kb(process: u32) -> u64 {
    status_kb(process, "VmRSS:")
}

fn status_kb(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process that runs");
    let line = status.lines().find(|line| line.starts_with(field)).expect("a field that every process has");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number of kB")
}
