//! The folder of real pages and vendor responses, outside the project.

use std::path::PathBuf;

/// The folder; `None`, with a note, where it is absent. That is an error in CI.
pub fn folder() -> Option<PathBuf> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if corpus.join("labels.jsonl").exists() {
        return Some(corpus);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus must be available in CI");
    println!("SKIPPED: the corpus of real pages and responses is not at ../shared/corpus");
    None
}
