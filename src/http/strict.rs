//! Bodies, queries and paths that say exactly what they may: an unknown or wrong field is named.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Problem;

/// A JSON body.
pub struct StrictJson<T>(pub T);

/// A query string.
pub struct StrictQuery<T>(pub T);

/// The `{id}` of a path.
pub struct PathId<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for StrictJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request.content_type().is_empty() || request.content_type().ends_with("json");
        let most = request.app_data::<Data<Shared>>().map_or(0, |shared| shared.settings.max_body_bytes);
        let payload = payload.take();
        async move {
            if !is_json {
                let detail = "send the body as application/json";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
            }
            parse_json(&read_body(payload, most).await?).map(Self)
        }
        .boxed_local()
    }
}

async fn read_body(mut payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "broken_body", "the body ended early");
        body.extend_from_slice(&chunk.map_err(broken)?);
        if body.len() > most {
            let detail = format!("a body has at most {most} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        }
    }
    Ok(body.freeze())
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        match error.classify() {
            serde_json::error::Category::Data => wrong_field(&path, &without_position(&error.to_string())),
            _ => malformed(&error),
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format_args!("the body is not JSON: {error}"))
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// A missing or unknown field stands in the message; of a wrong one the path is known.
fn wrong_field(path: &str, message: &str) -> Problem {
    let named = ["unknown field `", "missing field `", "duplicate field `"].iter().find_map(|kind| {
        let (_, rest) = message.split_once(kind)?;
        rest.split_once('`').map(|(name, _)| name)
    });
    let parent = path.trim_end_matches('?').trim_end_matches('.');
    let field = match named {
        // The path of an unknown field already ends with it; that of a missing one is its parent.
        Some(name) if parent.is_empty() || parent == name || parent.ends_with(&format!(".{name}")) => {
            if parent.is_empty() { name.to_owned() } else { parent.to_owned() }
        }
        Some(name) => format!("{parent}.{name}"),
        None if parent.is_empty() => "body".to_owned(),
        None => parent.to_owned(),
    };
    Problem::invalid_field(&field, message)
}

impl<T: DeserializeOwned> FromRequest for StrictQuery<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
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
        // What is no id names nothing.
        let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing with this id");
        ready(id.map(Self).ok_or_else(missing))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their parsing is tested")]
    struct Outer {
        inner: Inner,
        count: Option<u32>,
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
    fn each_kind_of_wrong_field_is_named_by_its_path() {
        for (body, field) in [
            (r#"{"inner":{"amount_minor":1},"colour":2}"#, "colour"),
            (r#"{"inner":{"amount_minor":1,"colour":2}}"#, "inner.colour"),
            (r#"{"inner":{}}"#, "inner.amount_minor"),
            (r#"{"inner":{"amount_minor":"x"}}"#, "inner.amount_minor"),
            (r#"{"inner":{"amount_minor":1},"count":-1}"#, "count"),
            (r#"{}"#, "inner"),
            (r#"[]"#, "body"),
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
    fn what_is_not_json_is_a_bad_request() {
        for body in ["", "{", "nonsense", r#"{"inner":{"amount_minor":1}} x"#] {
            assert_eq!(problem(body)["status"], 400, "{body}");
        }
    }
}
