//! The report of one product.

use super::document::Report;
use super::reported::ReportedProduct;
use crate::domain::ReportWindow;
use crate::insight::Peer;
use crate::insight::listing_rules::ListingCheck;

/// The report of one product beside the offers of its competitors. `check`: of its content by the rules of today; `None`: none was read.
pub fn product_report(
    _reported: &ReportedProduct<'_>,
    _peers: &[Peer],
    _check: Option<&ListingCheck>,
    _window: &ReportWindow,
) -> Report {
    todo!()
}
