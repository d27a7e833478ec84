//! The answers of Keepa's API. Fields that are not known are ignored, and a field of another type than documented counts as missing:
//! it takes nothing else along.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Why an answer has no products.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not JSON.
    #[error("it is not JSON")]
    Syntax(#[from] serde_json::Error),
    /// It is JSON, but nothing that Keepa answers.
    #[error("it is neither an answer of Keepa nor a product or a list of products")]
    NoProducts,
}

/// What every answer holds, errors too, with its products.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// Tokens of the account. May be negative: a call may use more than there are.
    #[serde(deserialize_with = "whole")]
    pub tokens_left: Option<i64>,
    /// Milliseconds until tokens are added.
    #[serde(deserialize_with = "whole")]
    pub refill_in: Option<i64>,
    /// Tokens that are added each minute.
    #[serde(deserialize_with = "whole")]
    pub refill_rate: Option<i64>,
    /// Tokens of each minute that trackings of the account use up.
    #[serde(deserialize_with = "lenient")]
    pub token_flow_reduction: Option<f64>,
    /// What this call has cost.
    #[serde(deserialize_with = "whole")]
    pub tokens_consumed: Option<i64>,
    /// Why there is nothing else.
    #[serde(deserialize_with = "lenient")]
    pub error: Option<ApiProblem>,
    /// The products.
    #[serde(deserialize_with = "each_product")]
    pub products: Vec<KeepaProduct>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`AnswerError::Syntax`]
    pub fn parse(json: &[u8]) -> Result<Self, AnswerError> {
        Ok(serde_json::from_slice(json)?)
    }
}

/// An error of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiProblem {
    /// Keepa's name of the error.
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// Keepa's explanation.
    #[serde(deserialize_with = "lenient")]
    pub message: String,
}

/// A list of whole numbers; an element that is none is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(pub Vec<Option<i64>>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Value>::deserialize(deserializer)?;
        Ok(Self(list.iter().map(number_in).collect()))
    }
}

/// A category by its id.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Category {
    /// Amazon's id.
    #[serde(deserialize_with = "whole")]
    pub cat_id: Option<i64>,
    /// Its name on the marketplace.
    #[serde(deserialize_with = "lenient")]
    pub name: String,
}

/// What is read of a product.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeepaProduct {
    /// The ASIN.
    #[serde(deserialize_with = "lenient")]
    pub asin: Option<String>,
    /// The marketplace, see [`marketplace_of`](crate::keepa::marketplace_of).
    #[serde(deserialize_with = "whole")]
    pub domain_id: Option<i64>,
    /// Which of the other fields mean something.
    #[serde(deserialize_with = "whole")]
    pub product_type: Option<i64>,
    /// When Keepa last looked at the product, in Keepa minutes.
    #[serde(deserialize_with = "whole")]
    pub last_update: Option<i64>,
    /// The series by their index.
    #[serde(deserialize_with = "each")]
    pub csv: Vec<Option<Numbers>>,
    /// The path of the product's category, from the root on.
    #[serde(deserialize_with = "each")]
    pub category_tree: Vec<Option<Category>>,
    /// Id of the root category.
    #[serde(deserialize_with = "whole")]
    pub root_category: Option<i64>,
    /// The category whose rank the series SALES holds.
    #[serde(deserialize_with = "whole")]
    pub sales_rank_reference: Option<i64>,
    /// Which category that was before: time and id in turn; -1: none.
    #[serde(deserialize_with = "lenient")]
    pub sales_rank_reference_history: Option<Numbers>,
    /// Ranks by the id of their category: time and rank in turn.
    #[serde(deserialize_with = "each_rank")]
    pub sales_ranks: BTreeMap<i64, Numbers>,
    /// The name of the category whose rank the series SALES holds. Only this service's own answers have it: it knows no ids.
    #[serde(deserialize_with = "lenient")]
    pub sales_rank_category: Option<String>,
    /// Times of which nothing is known, begin and end in turn. Only this service's own answers tell them.
    #[serde(deserialize_with = "lenient")]
    pub unknown_times: Numbers,
    /// Time and seller of the Buy Box in turn.
    #[serde(deserialize_with = "each")]
    pub buy_box_seller_id_history: Vec<Option<Text>>,
}

/// A text that may also be written as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err(serde::de::Error::custom("a text")),
        }
    }
}

/// The products of a saved answer, of a list of products or answers, or a product alone.
///
/// # Errors
/// See [`AnswerError`].
pub fn products_in_file(json: &[u8]) -> Result<Vec<KeepaProduct>, AnswerError> {
    // An answer is read product by product; of other forms there are few products.
    let mut products = Answer::parse(json).map(|answer| answer.products).unwrap_or_default();
    if products.is_empty() {
        products = products_in(serde_json::from_slice(json)?);
    }
    if products.is_empty() { Err(AnswerError::NoProducts) } else { Ok(products) }
}

fn products_in(value: Value) -> Vec<KeepaProduct> {
    match value {
        Value::Array(list) => list.into_iter().flat_map(products_in).collect(),
        Value::Object(mut fields) => match fields.remove("products") {
            Some(products) => products_in(products),
            None if fields.contains_key("asin") => from_value(Value::Object(fields)).into_iter().collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// A whole number, also one that is written as a text or with a fraction of zero.
fn number_in(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            // Floating-point numbers are exact up to 2^53; larger ones are none of Keepa's.
            let number = number.as_f64()?;
            (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(number_in(&Value::deserialize(deserializer)?))
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A list; an element of another type is `None`.
fn each<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<Option<T>>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Array(list) => Ok(list.into_iter().map(from_value).collect()),
        _ => Ok(Vec::new()),
    }
}

fn each_rank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<i64, Numbers>, D::Error> {
    let Value::Object(fields) = Value::deserialize(deserializer)? else { return Ok(BTreeMap::new()) };
    Ok(fields.into_iter().filter_map(|(id, ranks)| Some((id.parse().ok()?, from_value(ranks)?))).collect())
}

/// The products, one after the other: most of a product is not needed, and an answer may have a hundred of them.
fn each_product<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KeepaProduct>, D::Error> {
    struct Products;

    impl<'de> Visitor<'de> for Products {
        type Value = Vec<KeepaProduct>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of products")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut products = Vec::new();
            while let Some(product) = list.next_element::<Value>()? {
                products.extend(from_value::<KeepaProduct>(product));
            }
            Ok(products)
        }
    }
    deserializer.deserialize_any(Products)
}
