//! A condition from JSON, with the path of what is wrong: the derived reader of a tagged tree loses it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::check::{ConditionError, join};
use super::condition::{Condition, MAX_DEPTH};

/// The kinds of conditions, as an error lists them.
const KINDS: &str = "price_at_or_below, level, moved, lowest, state, seller, offer, content, competitor, all, any, not";

impl Condition {
    /// Reads a condition. What it means is not checked: see [`Condition::check`].
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn from_json(json: &Value) -> Result<Self, ConditionError> {
        node(json, "", 1)
    }
}

fn error(field: &str, message: impl Into<String>) -> ConditionError {
    ConditionError { field: field.to_owned(), message: message.into() }
}

fn node(json: &Value, path: &str, depth: usize) -> Result<Condition, ConditionError> {
    if depth > MAX_DEPTH {
        return Err(error(path, format!("is nested more than {MAX_DEPTH} levels deep")));
    }
    let object = json.as_object().ok_or_else(|| error(path, "must be an object"))?;
    let kind = object.get("kind").ok_or_else(|| error(&join(path, "kind"), "is required"))?;
    let kind = kind.as_str().ok_or_else(|| error(&join(path, "kind"), "must be a text"))?;
    let mut rest = object.clone();
    rest.remove("kind");
    match kind {
        "all" => Ok(Condition::All { of: children(&mut rest, path, depth)? }),
        "any" => Ok(Condition::Any { of: children(&mut rest, path, depth)? }),
        "not" => {
            let of = only_of(&mut rest, path)?;
            Ok(Condition::Not { of: Box::new(node(&of, &join(path, "of"), depth + 1)?) })
        }
        "price_at_or_below" => {
            let target = rest.remove("target").ok_or_else(|| error(&join(path, "target"), "is required"))?;
            nothing_else(&rest, path)?;
            Ok(Condition::PriceAtOrBelow { target: read(target, &join(path, "target"))? })
        }
        "level" => read(Value::Object(rest), path).map(Condition::Level),
        "moved" => read(Value::Object(rest), path).map(Condition::Moved),
        "lowest" => read(Value::Object(rest), path).map(Condition::Lowest),
        "state" => read(Value::Object(rest), path).map(Condition::State),
        "seller" => read(Value::Object(rest), path).map(Condition::Seller),
        "offer" => read(Value::Object(rest), path).map(Condition::Offer),
        "content" => read(Value::Object(rest), path).map(Condition::Content),
        "competitor" => read(Value::Object(rest), path).map(Condition::Competitor),
        other => Err(error(&join(path, "kind"), format!("unknown kind `{other}`; valid kinds: {KINDS}"))),
    }
}

fn children(rest: &mut Map<String, Value>, path: &str, depth: usize) -> Result<Vec<Condition>, ConditionError> {
    let of = only_of(rest, path)?;
    let path = join(path, "of");
    let items = of.as_array().ok_or_else(|| error(&path, "must be a list"))?;
    items.iter().enumerate().map(|(n, item)| node(item, &format!("{path}[{n}]"), depth + 1)).collect()
}

fn only_of(rest: &mut Map<String, Value>, path: &str) -> Result<Value, ConditionError> {
    let of = rest.remove("of").ok_or_else(|| error(&join(path, "of"), "is required"))?;
    nothing_else(rest, path)?;
    Ok(of)
}

fn nothing_else(rest: &Map<String, Value>, path: &str) -> Result<(), ConditionError> {
    rest.keys().next().map_or(Ok(()), |key| Err(error(&join(path, key), "unknown field")))
}

fn read<T: DeserializeOwned>(json: Value, path: &str) -> Result<T, ConditionError> {
    serde_path_to_error::deserialize(json).map_err(|failure| {
        let within = failure.path().to_string();
        let path = if within == "." { path.to_owned() } else { join(path, &within) };
        error(&path, failure.into_inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::money::Currency;

    fn wrong(json: Value) -> (String, String) {
        let found = Condition::from_json(&json).map(|condition| condition.check(Some(Currency::Usd)));
        let error = found.map_or_else(|error| error, |errors| errors.into_iter().next().unwrap());
        (error.field, error.message)
    }

    #[test]
    fn a_tree_is_read_and_written_the_same() {
        let json = json!({"kind": "all", "of": [
            {"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 10}, "vs": {"avg_days": 30}},
            {"kind": "seller", "is": ["amazon"]},
            {"kind": "not", "of": {"kind": "state", "of": "availability", "is": "out_of_stock", "for": {"crawls": 2}}},
            {"kind": "any", "of": [
                {"kind": "level", "field": "rating", "op": "gte", "value": 4.2},
                {"kind": "price_at_or_below", "target": {"amount_minor": 1999, "currency": "USD"}}]}]});
        let condition = Condition::from_json(&json).unwrap();
        assert_eq!(condition.check(Some(Currency::Usd)), []);
        assert_eq!(serde_json::to_value(&condition).unwrap(), json);
        assert_eq!(serde_json::from_value::<Condition>(json).unwrap(), condition);
    }

    #[test]
    fn an_error_names_the_field_within_the_tree() {
        let level = |more: Value| {
            let mut level = json!({"kind": "level", "field": "price", "op": "lte", "value": {"amount_minor": 1, "currency": "USD"}});
            level.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"kind": "all", "of": [{"kind": "state", "of": "coupon"}, level]})
        };
        for (json, field) in [
            (level(json!({"value": 5})), "of[1].value"),
            (level(json!({"value": {"amount_minor": -1, "currency": "USD"}})), "of[1].value.amount_minor"),
            (level(json!({"value": {"amount_minor": 1, "currency": "EUR"}})), "of[1].value.currency"),
            (level(json!({"field": "prize"})), "of[1].field"),
            (level(json!({"colour": 1})), "of[1].colour"),
            (level(json!({"category": "Books"})), "of[1].category"),
            (json!({"kind": "all", "of": []}), "of"),
            (json!({"kind": "all"}), "of"),
            (json!({"kind": "level"}), ""),
            (json!({"kind": "sometimes"}), "kind"),
            (json!([]), ""),
            (json!({"kind": "lowest", "field": "price"}), "days"),
            (json!({"kind": "lowest", "field": "rank", "days": 3}), "category"),
            (json!({"kind": "lowest", "field": "landed", "days": 3}), "field"),
            (json!({"kind": "moved", "field": "price", "by": {"percent": 0}}), "by.percent"),
            (json!({"kind": "moved", "field": "price", "by": {"any": true}, "vs": "extreme"}), "dir"),
            (json!({"kind": "not", "of": {"kind": "content", "fields": ["title"]}}), "of"),
            (json!({"kind": "state", "of": "availability"}), "is"),
        ] {
            assert_eq!(wrong(json.clone()).0, field, "{json}: {:?}", wrong(json.clone()));
        }
    }

    #[test]
    fn trees_are_bounded_in_depth_and_in_size() {
        let leaf = json!({"kind": "state", "of": "coupon"});
        let nested = |levels: usize| (1..levels).fold(leaf.clone(), |inner, _| json!({"kind": "not", "of": inner}));
        assert!(Condition::from_json(&nested(4)).is_ok());
        assert!(wrong(nested(5)).1.contains("4 levels"));
        let wide = |leaves: usize| json!({"kind": "any", "of": vec![leaf.clone(); leaves]});
        assert_eq!(Condition::from_json(&wide(16)).unwrap().check(None), []);
        assert!(wrong(wide(17)).1.contains("16 tests"));
    }
}
