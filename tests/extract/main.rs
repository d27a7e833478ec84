//! The extractor against real pages, pages of every language, and every way of cutting a page into chunks.

mod chunks;
mod corpus;
mod hostile;
mod pages;
mod small_pages;
