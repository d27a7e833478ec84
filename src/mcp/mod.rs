//! Tools for agents (Model Context Protocol) over the use cases of [`crate::service`]: one file a tool.
//!
//! Only this module names the crates `rmcp` and `schemars`. It knows neither actix-web nor routes: `http/mcp.rs` authenticates a
//! request, takes it from the rate limit and passes it to [`McpServer::answer`].

mod amount;
mod answer;
mod arguments;
mod call;
mod handler;
mod measured;
mod product_facts;
mod resources;
mod schema;
mod server;
mod tool;
mod tools;

pub use call::CallContext;
pub use server::{MAX_BODY_BYTES, McpServer};
