//! `/keepa`: programs written for Keepa read our products. See `docs/keepa-api.md`.
//!
//! The paths, parameters and answers are Keepa's. The credential is an API key of ours in the parameter `key`.

mod envelope;
pub(super) mod graph;
mod parameters;
pub(super) mod product;
pub(super) mod query;
mod selection;
pub(super) mod token;
pub(super) mod tracking;
mod tracking_view;

pub(super) use envelope::enveloped;

use super::routes::{Access, CredentialPlace, Routes};
use crate::domain::Scope;

pub(super) fn routes(routes: &mut Routes<'_>) {
    let keepa = routes.below_with(envelope::PREFIX, CredentialPlace::KeyParameter);
    keepa.path("/token", |path| path.get(Access::Authenticated, token::token));
    keepa.path("/product", |path| path.get(Scope::ProductRead, product::product));
    keepa.path("/query", |path| path.get(Scope::ProductRead, query::query));
    keepa.path("/graphimage", |path| path.get(Scope::ProductRead, graph::image));
    keepa.path("/tracking", |path| path.get(Scope::ProductRead, tracking::read).post(Scope::AlertWrite, tracking::add));
    // What Keepa knows and we do not.
    keepa.path("/{endpoint}", |path| path.get(Access::Authenticated, token::elsewhere));
}
