//! The dashboard in a real Chromium: `scripts/require.sh browser` installs it. Each test has a daemon and a profile of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../api/daemon.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod daemon;
#[path = "../support/model_endpoint.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod model_endpoint;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/processes.rs"]
mod processes;
#[path = "../api/receiver.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod receiver;
#[path = "../support/webdriver.rs"]
mod webdriver;

mod accessibility;
mod actions;
mod advice;
mod alerts;
mod board;
mod checks;
mod every_page;
mod first_run;
mod fixture;
mod languages;
mod live;
mod page;
mod pages;
mod product;
mod scale;
mod screenshots;
mod shop;
mod sign_in;
mod tenants;
mod times;
mod walk;
