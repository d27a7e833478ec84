//! `/mcp` over raw HTTP, in both eras of the protocol.

mod client;
mod history;
mod key_proxy;
mod limits;
mod oauth;
mod official;
mod protocol;
mod sdk;
mod tools;
