//! The extractor on real pages, on pages of every language, and with every split into chunks.

mod chunks;
mod corpus;
mod hostile;
mod layouts;
mod mutations;
mod pages;
mod small_pages;
