//! The files that deploy the daemon, held against the rules of who reads them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gateway;
