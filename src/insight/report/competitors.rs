//! The report of a competitor set.

use super::document::{Report, ReportExclusion};
use super::reported::ReportedProduct;
use crate::domain::ReportWindow;

/// The report of an own product beside its competitors. `missing`: competitors of the set that could not be read, and why.
pub fn competitor_set_report(
    _name: &str,
    _own: &ReportedProduct<'_>,
    _competitors: &[ReportedProduct<'_>],
    _missing: Vec<ReportExclusion>,
    _window: &ReportWindow,
) -> Report {
    todo!()
}
