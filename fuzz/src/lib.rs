//! The modules under test, compiled from the sources of the crate.

#![allow(dead_code, missing_docs, reason = "the targets use a part of the modules")]

#[path = "../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../src/extract/mod.rs"]
pub mod extract;

use domain::Marketplace;

/// A marketplace by any byte.
pub fn marketplace(byte: u8) -> Marketplace {
    Marketplace::ALL[usize::from(byte) % Marketplace::ALL.len()]
}
