//! The selection of the Product Finder. A field that is not supported is an error: without it, the result would be another one.

use serde_json::{Map, Value};

use crate::domain::Marketplace;
use crate::http::problem::Problem;
use crate::keepa::Slot;
use crate::service::{Bound, FieldError, Measure, ProductSearch, SearchOrder};

const DEFAULT_PER_PAGE: u32 = 50;
const MAX_PER_PAGE: u32 = 1000;
/// The days of averages that are supported.
const AVERAGES: &[u32] = &[30, 90, 180, 365];
/// The number of ordinary products among the types of products.
const STANDARD: i64 = 0;

/// The search that a selection describes.
///
/// # Errors
/// Every field that is wrong or not supported.
pub(super) fn search_of(marketplace: Marketplace, selection: &str) -> Result<ProductSearch, Problem> {
    let fields: Map<String, Value> =
        serde_json::from_str(selection).map_err(|_| Problem::invalid_field("selection", "must be a JSON object"))?;
    let mut search = ProductSearch {
        marketplace,
        bounds: Vec::new(),
        words: Vec::new(),
        brands: Vec::new(),
        order: None,
        page: 0,
        per_page: DEFAULT_PER_PAGE,
    };
    let mut errors = Vec::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        if let Err(message) = set(&mut search, name, value) {
            errors.push(FieldError::new(&format!("selection.{name}"), message));
        }
    }
    if errors.is_empty() { Ok(search) } else { Err(Problem::invalid(errors)) }
}

fn set(search: &mut ProductSearch, name: &str, value: &Value) -> Result<(), String> {
    let number = |range: std::ops::RangeInclusive<u32>| {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|it| range.contains(it));
        number.ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
    };
    match name {
        "page" => search.page = number(0..=u32::MAX)?,
        "perPage" => search.per_page = number(1..=MAX_PER_PAGE)?,
        "title" => search.words = words(value.as_str().ok_or("must be a text")?),
        "brand" => search.brands = texts(value).ok_or("must be a text or a list of texts")?,
        "sort" => search.order = order(value)?,
        // All products are ordinary ones.
        "productType" if value == &Value::from(vec![STANDARD]) || value == &Value::from(STANDARD) => {}
        "productType" => return Err("must be 0".to_owned()),
        _ => search.bounds.push(bound(name, value)?),
    }
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().map(|text| Some(text.as_str()?.to_lowercase())).collect()
}

/// `[["current_SALES", "asc"]]`, of which the first one counts.
fn order(value: &Value) -> Result<Option<SearchOrder>, String> {
    let wrong = || "must be a list like [[\"current_SALES\", \"asc\"]]".to_owned();
    let Some(first) = value.as_array().ok_or_else(wrong)?.first() else { return Ok(None) };
    let [Value::String(name), Value::String(direction)] = first.as_array().ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let falls = match direction.as_str() {
        "asc" => false,
        "desc" => true,
        _ => return Err(wrong()),
    };
    match measure(name) {
        Some(Measure::Current(slot)) => Ok(Some(SearchOrder { slot, falls })),
        _ => Err(format!("cannot sort by `{name}`; sort by a current value")),
    }
}

/// `current_SALES_lte`, `avg90_AMAZON_gte`.
fn bound(name: &str, value: &Value) -> Result<Bound, String> {
    let unsupported = || {
        let known = "`current_X_gte` and `_lte`, `avg30`, `avg90`, `avg180` and `avg365` alike, `title`, `brand`, \
             `productType`, `sort`, `page`, `perPage`";
        format!("is not supported; supported: {known}")
    };
    let (measured, side) = name.rsplit_once('_').ok_or_else(unsupported)?;
    let is_lower = match side {
        "gte" => true,
        "lte" => false,
        _ => return Err(unsupported()),
    };
    let measure = measure(measured).ok_or_else(unsupported)?;
    let value = value.as_i64().ok_or("must be a whole number")?;
    Ok(Bound { measure, value, is_lower })
}

fn measure(name: &str) -> Option<Measure> {
    let (of, series) = name.split_once('_')?;
    let slot: Slot = series.parse().ok()?;
    if of == "current" {
        return Some(Measure::Current(slot));
    }
    let days = of.strip_prefix("avg")?.parse().ok()?;
    AVERAGES.contains(&days).then_some(Measure::Average(slot, days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_names_series_bounds_and_the_page() {
        let text = r#"{"current_SALES_lte":5000,"avg90_BUY_BOX_SHIPPING_gte":1000,"title":"Tea Kettle","brand":["ACME"],
            "sort":[["current_SALES","desc"]],"page":2,"perPage":100,"productType":[0],"current_NEW_gte":null}"#;
        let search = search_of(Marketplace::De, text).unwrap();
        let expected = [
            Bound { measure: Measure::Average(Slot::BuyBoxShipping, 90), value: 1000, is_lower: true },
            Bound { measure: Measure::Current(Slot::Sales), value: 5000, is_lower: false },
        ];
        assert!(expected.iter().all(|bound| search.bounds.contains(bound)) && search.bounds.len() == 2);
        assert_eq!((search.words.len(), search.brands.as_slice()), (2, &["acme".to_owned()][..]));
        assert_eq!((search.page, search.per_page), (2, 100));
        assert_eq!(search.order, Some(SearchOrder { slot: Slot::Sales, falls: true }));
    }

    #[test]
    fn what_is_not_supported_is_an_error_that_names_the_field() {
        for (text, field) in [
            ("[]", "selection"),
            (r#"{"monthlySold_gte":1}"#, "selection.monthlySold_gte"),
            (r#"{"current_WAREHOUSE_lte":1}"#, "selection.current_WAREHOUSE_lte"),
            (r#"{"avg7_NEW_lte":1}"#, "selection.avg7_NEW_lte"),
            (r#"{"current_NEW_lte":"x"}"#, "selection.current_NEW_lte"),
            (r#"{"sort":[["monthlySold","asc"]]}"#, "selection.sort"),
            (r#"{"perPage":0}"#, "selection.perPage"),
            (r#"{"productType":[5]}"#, "selection.productType"),
        ] {
            let (_, fields) = search_of(Marketplace::De, text).unwrap_err().explanation();
            assert!(fields.starts_with(&format!("{field}: ")), "{text}: {fields}");
        }
    }
}
