//! `/mcp` over raw HTTP, in both eras of the protocol.

mod client;
mod history;
mod limits;
mod oauth;
mod protocol;
mod sdk;
mod tools;
