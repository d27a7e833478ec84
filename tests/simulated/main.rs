//! The simulated marketplace, asked over HTTP as any client asks it.

mod controls;
mod determinism;
mod faults;
mod market;
mod marketplaces;
mod saved_pages;
mod start;
mod truth;
