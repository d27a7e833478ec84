//! Keepa: a service that has watched Amazon's listings since 2011. It tells the past of a listing, once; the present is crawled.
//!
//! Source: the API's documentation (<https://keepa.com/#!api>) and its official Java client
//! (<https://github.com/keepacom/api_backend>).

mod answer;
mod client;
mod history;
mod tokens;

pub use answer::{Answer, AnswerError, ApiProblem, KeepaProduct, products_in_file};
pub use client::{KeepaClient, NAME};
pub use history::{UnusableProduct, past_of};
