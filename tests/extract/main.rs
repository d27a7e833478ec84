//! The extractor on real pages, on pages of every language, and with every split into chunks.

mod chunks;
mod content;
mod corpus;
#[path = "../support/corpus.rs"]
mod corpus_folder;
mod hostile;
mod layouts;
mod listing_check;
mod mutations;
mod offers;
mod pages;
mod small_pages;
