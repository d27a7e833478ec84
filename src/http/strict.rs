//! Strict extractors of bodies, queries and paths: unknown and wrong fields are errors that name the field.

use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::problem::Problem;
use super::{HttpSettings, Shared};
use crate::service::{FieldError, ServiceError};

/// Maximum nesting of a JSON body.
const MAX_DEPTH: usize = 16;
/// Maximum number of values in a JSON body: each costs more than its bytes.
const MAX_VALUES: usize = 10_100;
/// Maximum length of a text in a body or a query, in characters. Most fields allow less.
pub(super) const MAX_TEXT_CHARS: usize = 4096;
/// Maximum number of unknown fields that a problem names.
const MAX_UNKNOWN: usize = 20;

/// A JSON body.
pub struct StrictJson<T>(pub T);

/// A JSON body of any shape, for programs that were written for another service.
pub struct AnyJson(pub Value);

/// A query string.
pub struct StrictQuery<T>(pub T);

/// A list in a body that is refused while it is being read, as soon as it has more items.
#[derive(Debug)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The `{id}` of a path.
pub struct PathId<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for StrictJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = json_body(request, payload);
        async move { parse_json(&body.await?).map(Self) }.boxed_local()
    }
}

impl FromRequest for AnyJson {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = json_body(request, payload);
        async move {
            let body = body.await?;
            check_shape(&body)?;
            serde_json::from_slice(&body).map(Self).map_err(|error| malformed(&error))
        }
        .boxed_local()
    }
}

impl AnyJson {
    /// The value; fields that are not known are ignored.
    ///
    /// # Errors
    /// Names the wrong field.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let read = serde_path_to_error::deserialize(self.0);
        read.map_err(|error| wrong_field(&error.path().to_string(), &error.inner().to_string()))
    }
}

/// The body of a request with JSON.
fn json_body(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    // Browsers send other types across origins without a preflight request.
    let is_json = request.content_type() == "application/json";
    let shared = request.app_data::<Data<Shared>>().cloned();
    let payload = payload.take();
    async move {
        if !is_json {
            let detail = "the content type must be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let shared = shared.ok_or(ServiceError::Internal)?;
        read_body(payload, &shared.settings).await
    }
}

/// Reads a body within the size and the time that the settings allow.
pub(super) async fn read_body(payload: Payload, settings: &HttpSettings) -> Result<Bytes, Problem> {
    read_body_within(payload, settings, settings.max_body_bytes).await
}

/// The same within a size of its own.
pub(super) async fn read_body_within(
    payload: Payload,
    settings: &HttpSettings,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(settings.body_timeout(), read_bytes(payload, max_bytes)).await;
    let detail = "the body was not received in time";
    read.unwrap_or_else(|_| Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", detail)))
}

async fn read_bytes(mut payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "broken_body", "the body is incomplete");
        body.extend_from_slice(&chunk.map_err(broken)?);
        if body.len() > most {
            let detail = format!("the body may have at most {most} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        }
    }
    Ok(body.freeze())
}

/// Checks the limits of every body before work is spent on it.
pub(super) fn check_shape(body: &[u8]) -> Result<(), Problem> {
    let Shape { depth, values, longest_text } = shape_of(body);
    if depth > MAX_DEPTH {
        let detail = format!("JSON may be nested at most {MAX_DEPTH} levels deep");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_deep", detail));
    }
    if values > MAX_VALUES {
        return Err(Problem::invalid_field("body", format!("must have at most {MAX_VALUES} values")));
    }
    // Escapes and characters of several bytes make a text longer than it is.
    if longest_text > MAX_TEXT_CHARS {
        let whole: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        if let Some(field) = too_long_text(&whole, "") {
            return Err(too_long(field.trim_start_matches('.')));
        }
    }
    Ok(())
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    check_shape(body)?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong_body(body, &error))?;
    reader.end().map_err(|error| malformed(&error))?;
    let Object(parsed) = parsed;
    Ok(parsed)
}

/// Why a body cannot be read. Only now it is parsed as a whole: to know whether it is JSON, and which other fields are unknown.
fn wrong_body(body: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let whole: Value = match serde_json::from_slice(body) {
        Ok(whole) => whole,
        Err(error) => return malformed(&error),
    };
    let message = without_position(&error.inner().to_string());
    let unknown = unknown_fields(&whole, error.path(), &message);
    if unknown.is_empty() { wrong_field(&error.path().to_string(), &message) } else { Problem::invalid(unknown) }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtMost<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMost<T, MAX> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {MAX} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.len() == MAX {
                        return Err(A::Error::custom(format_args!("must have at most {MAX} items")));
                    }
                    list.push(item);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(AtMost::<T, MAX>(PhantomData)).map(Self)
    }
}

/// What a body is like, before it is parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Of objects and arrays.
    depth: usize,
    /// The number of values.
    values: usize,
    /// In bytes, with its escapes.
    longest_text: usize,
}

fn shape_of(json: &[u8]) -> Shape {
    let mut shape = Shape { depth: 0, values: 1, longest_text: 0 };
    let (mut depth, mut began_at, mut is_text, mut is_escaped) = (0usize, 0, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' if is_text => {
                is_text = false;
                shape.longest_text = shape.longest_text.max(at - began_at);
            }
            b'"' => (is_text, began_at) = (true, at + 1),
            b'{' | b'[' if !is_text => {
                depth += 1;
                shape.depth = shape.depth.max(depth);
            }
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            b',' if !is_text => shape.values += 1,
            _ => {}
        }
    }
    shape
}

/// The path of a text that is too long.
fn too_long_text(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => (text.chars().count() > MAX_TEXT_CHARS).then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| too_long_text(item, &format!("{path}[{n}]")))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(name, value)| too_long_text(value, &format!("{path}.{name}")))
        }
        _ => None,
    }
}

fn too_long(field: &str) -> Problem {
    Problem::invalid_field(field, format!("must have at most {MAX_TEXT_CHARS} characters"))
}

/// Accepts JSON objects only: serde would read an array into a struct too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// For the objects within a body: `#[serde(deserialize_with = "object")]`.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct OnlyMaps<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMaps<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    deserializer.deserialize_map(OnlyMaps(PhantomData))
}

/// The same for an object that may be missing or null.
pub(super) fn optional_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(inner)| inner))
}

/// Distinguishes null from an omitted field.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// All unknown fields of an object. Serde stops at the first one; its message lists the known fields.
fn unknown_fields(whole: &Value, path: &serde_path_to_error::Path, message: &str) -> Vec<FieldError> {
    let Some((_, known)) = message.strip_prefix("unknown field `").and_then(|rest| rest.rsplit_once("`, expected "))
    else {
        return Vec::new();
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let mut parents: Vec<_> = path.iter().collect();
    parents.pop();
    let parent = parents.iter().try_fold(whole, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let prefix: String = parents.iter().map(|segment| format!("{segment}.")).collect();
    let fields = parent.and_then(Value::as_object).into_iter().flat_map(|object| object.keys());
    let unknown = fields.filter(|field| !known.contains(&field.as_str())).take(MAX_UNKNOWN);
    let message = format!("unknown field; valid fields: {}", known.join(", "));
    unknown.map(|field| FieldError::new(&format!("{prefix}{field}"), &message)).collect()
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format_args!("the body is not valid JSON: {error}"))
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn wrong_field(path: &str, message: &str) -> Problem {
    Problem::invalid(vec![FieldError::of_wrong_value(path, message)])
}

impl<T: DeserializeOwned> FromRequest for StrictQuery<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        if let Some((field, _)) = pairs.clone().find(|(_, value)| value.chars().count() > MAX_TEXT_CHARS) {
            return ready(Err(too_long(&field)));
        }
        let reader = serde_urlencoded::Deserializer::new(pairs);
        let parsed = serde_path_to_error::deserialize(reader);
        ready(parsed.map(Self).map_err(|error| wrong_field(&error.path().to_string(), &error.inner().to_string())))
    }
}

impl<T: std::str::FromStr> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        // A malformed id cannot exist.
        let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "no such id");
        ready(id.map(Self).ok_or_else(missing))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count_as_nesting() {
        let shape = |json: &[u8]| {
            let Shape { depth, values, longest_text } = shape_of(json);
            (depth, values, longest_text)
        };
        assert_eq!([shape(b"{}"), shape(br#"[[{"a":[]}]]"#), shape(b"1")], [(1, 1, 0), (4, 1, 1), (0, 1, 0)]);
        assert_eq!(shape(br#"{"a":"[[[[\"[[,[","b":"\\"}"#), (1, 2, 10));
        assert_eq!(shape(&b"[".repeat(1000)), (1000, 1, 0));
    }

    #[test]
    fn a_text_that_is_too_long_is_named_by_its_path() {
        let read = |text: &str| {
            let body = serde_json::json!({ "kind": "small", "inner": { "list": [1, text] } }).to_string();
            serde_json::to_value(parse_json::<Outer>(body.as_bytes()).unwrap_err()).unwrap()["errors"][0].clone()
        };
        let problem = read(&"ä".repeat(MAX_TEXT_CHARS + 1));
        let message = format!("must have at most {MAX_TEXT_CHARS} characters");
        assert_eq!(problem, serde_json::json!({ "field": "inner.list[1]", "message": message }));
        // Longer in bytes only: the error is another one.
        assert_eq!(read(&"\n".repeat(MAX_TEXT_CHARS))["field"], "inner.list");
    }

    #[test]
    fn a_list_is_refused_at_its_first_item_too_many() {
        #[derive(Deserialize, Debug)]
        struct Tagged {
            tags: Option<List<String, 2>>,
        }
        let read = |body: &str| parse_json::<Tagged>(body.as_bytes());
        assert_eq!(read(r#"{"tags":["a","b"]}"#).unwrap().tags.unwrap().0, ["a", "b"]);
        assert!(read(r#"{"tags":null}"#).unwrap().tags.is_none());
        // The item after it would be an error of its own.
        let problem = serde_json::to_value(read(r#"{"tags":["a","b","c",4]}"#).unwrap_err()).unwrap();
        assert_eq!(problem["errors"], serde_json::json!([{ "field": "tags", "message": "must have at most 2 items" }]));
    }

    #[test]
    fn a_problem_names_some_of_many_wrong_fields() {
        let many: String = (0..5000).map(|n| format!(r#""x{n}":1,"#)).collect();
        let problem = problem(&format!(r#"{{{many}"inner":{{"amount_minor":1}}}}"#));
        assert_eq!(problem["errors"].as_array().unwrap().len(), MAX_UNKNOWN);
        let too_many = "0,".repeat(MAX_VALUES);
        let problem =
            serde_json::to_value(parse_json::<Outer>(format!("[{too_many}0]").as_bytes()).unwrap_err()).unwrap();
        assert_eq!(problem["errors"][0]["field"], "body");
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their parsing is tested")]
    struct Outer {
        #[serde(deserialize_with = "object")]
        inner: Inner,
        count: Option<u32>,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Small,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their parsing is tested")]
    struct Inner {
        amount_minor: i64,
    }

    fn problem(body: &str) -> serde_json::Value {
        serde_json::to_value(parse_json::<Outer>(body.as_bytes()).unwrap_err()).unwrap()
    }

    #[test]
    fn every_kind_of_wrong_field_is_named_by_its_path() {
        for (body, field) in [
            (r#"{"inner":{"amount_minor":1},"colour":2}"#, "colour"),
            (r#"{"inner":{"amount_minor":1,"colour":2}}"#, "inner.colour"),
            (r#"{"inner":{}}"#, "inner.amount_minor"),
            (r#"{"inner":{"amount_minor":"x"}}"#, "inner.amount_minor"),
            (r#"{"inner":{"amount_minor":1},"count":-1}"#, "count"),
            (r#"{"inner":{"amount_minor":1},"kind":1}"#, "kind"),
            (r#"{"inner":{"amount_minor":1},"kind":"large"}"#, "kind"),
            (r#"{"inner":{"amount_minor":1},"count":1,"count":2}"#, "count"),
            (r#"{"inner":[1]}"#, "inner"),
            (r#"{}"#, "inner"),
            (r#"[]"#, "body"),
            (r#"[{"amount_minor":1}]"#, "body"),
            ("1", "body"),
        ] {
            let problem = problem(body);
            assert_eq!(
                (problem["status"].as_u64(), problem["errors"][0]["field"].as_str()),
                (Some(422), Some(field)),
                "{body}: {problem}"
            );
        }
    }

    #[test]
    fn every_unknown_field_of_an_object_is_named() {
        for (body, fields) in [
            (r#"{"size":1,"inner":{"amount_minor":1},"colour":2,"a`b":3}"#, vec!["a`b", "colour", "size"]),
            (r#"{"inner":{"size":1,"amount_minor":1,"colour":2}}"#, vec!["inner.colour", "inner.size"]),
        ] {
            let problem = problem(body);
            let named = problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap());
            assert_eq!(named.collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_a_bad_request() {
        for body in ["", "{", "nonsense", r#"{"inner":{"amount_minor":1}} x"#] {
            assert_eq!(problem(body)["status"], 400, "{body}");
        }
    }
}
