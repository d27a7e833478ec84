//! What the attributes of one element tell.

use lol_html::send::Element;

use super::layout;

/// True for the selected row of the Buy Box accordion.
pub(super) fn is_active_row(id: &str, class: &str, el: &Element<'_, '_>) -> bool {
    let is_shown = || el.get_attribute("style").is_some_and(|style| !style.contains("none"));
    has_class(class, layout::ROW_ACTIVE) || (layout::is_in_centre(id) && is_shown())
}

/// True when the element has this class.
pub(super) fn has_class(classes: &str, name: &str) -> bool {
    classes.split_ascii_whitespace().any(|class| class == name)
}

/// The ASIN of an item of a list; empty if its element has none.
pub(super) fn asin_of_item(el: &Element<'_, '_>) -> String {
    let mut named = ["data-asin", "id"].iter().filter_map(|name| el.get_attribute(name));
    named.find(|value| value.len() == 10).unwrap_or_default()
}

/// True for a link to the reviews of a product.
pub(super) fn links_to_reviews(href: &str) -> bool {
    ["customerReviews", "/product-reviews/", "/gp/aw/cr/"].iter().any(|piece| href.contains(piece))
}

/// True for a link to a bestseller list. In every language, a detail row with such a link holds ranks.
pub(super) fn links_to_bestsellers(href: &str) -> bool {
    ["/bestsellers/", "/zgbs", "zg_hrsr", "pd_zg", "/Best-Sellers"].iter().any(|piece| href.contains(piece))
}
