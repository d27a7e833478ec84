//! Where observations come from.

pub mod simulated;
