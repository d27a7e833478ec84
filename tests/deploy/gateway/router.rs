//! Route matching by the rules of APISIX's default router (`radixtree_host_uri`), for routes without hosts.

use jsonschema::Validator;
use serde_json::{Value, json};

/// Headers; names are in lower case.
pub type Headers<'r> = &'r [(&'r str, &'r str)];

/// A route for matching.
pub struct Route<'g> {
    pub object: &'g Value,
    pub uris: Vec<&'g str>,
    /// Without any, all.
    methods: Vec<&'g str>,
    priority: i64,
    condition: Option<Condition>,
}

impl<'g> Route<'g> {
    fn new(object: &'g Value) -> Self {
        for unknown in ["host", "hosts", "remote_addr", "remote_addrs", "filter_func"] {
            assert!(object.get(unknown).is_none(), "this router does not support `{unknown}`");
        }
        let one = object.get("uri").into_iter();
        let uris =
            one.chain(object["uris"].as_array().into_iter().flatten()).map(|uri| uri.as_str().unwrap()).collect();
        let methods =
            object["methods"].as_array().into_iter().flatten().map(|method| method.as_str().unwrap()).collect();
        let condition = object.get("vars").map(|vars| Condition::parse(vars).unwrap());
        Self { object, uris, methods, priority: object["priority"].as_i64().unwrap_or(0), condition }
    }

    pub fn id(&self) -> &'g str {
        self.object["id"].as_str().unwrap()
    }

    /// The settings of a plugin that runs on this route.
    pub fn plugin(&self, name: &str) -> Option<&'g Value> {
        self.object["plugins"].get(name)
    }

    /// The rank of the match, if the route matches: exact or prefix, length of the match, priority.
    fn rank(&self, method: &str, path: &str, headers: Headers<'_>) -> Option<(bool, usize, i64)> {
        let ranks = self.uris.iter().filter_map(|uri| match uri.split_once('*') {
            None => (*uri == path).then_some((true, path.len())),
            Some((prefix, "")) => path.starts_with(prefix).then_some((false, prefix.len())),
            Some(_) => panic!("this router does not support `*` in the middle: {uri}"),
        });
        let matches = self.condition.as_ref().is_none_or(|condition| condition.matches(path, headers));
        let is_for_method = self.methods.is_empty() || self.methods.contains(&method);
        ranks.max().filter(|_| matches && is_for_method).map(|(exact, length)| (exact, length, self.priority))
    }
}

/// All routes of a file.
pub struct Router<'g>(pub Vec<Route<'g>>);

impl<'g> Router<'g> {
    pub fn new(document: &'g Value) -> Self {
        Self(document["routes"].as_array().unwrap().iter().map(Route::new).collect())
    }

    /// The route of a `GET` request. Panics if several routes match equally well.
    pub fn find(&self, path: &str, headers: Headers<'_>) -> Option<&Route<'g>> {
        self.find_for("GET", path, headers)
    }

    /// The route of a request. Panics if several routes match equally well.
    pub fn find_for(&self, method: &str, path: &str, headers: Headers<'_>) -> Option<&Route<'g>> {
        let matching = || self.0.iter().filter_map(|route| Some((route.rank(method, path, headers)?, route)));
        let best = matching().map(|(rank, _)| rank).max()?;
        let found: Vec<&Route<'g>> = matching().filter(|(rank, _)| *rank == best).map(|(_, route)| route).collect();
        let ids: Vec<&str> = found.iter().map(|route| route.id()).collect();
        assert_eq!(ids.len(), 1, "{path} {headers:?} is ambiguous: {ids:?}");
        Some(found[0])
    }
}

fn case(text: &str, ignored: bool) -> String {
    if ignored { text.to_lowercase() } else { text.to_owned() }
}

/// The condition in `vars` (lua-resty-expr). Only the operators that the configuration uses are supported.
pub enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// A header, or without one the path, matches a pattern.
    Matches {
        header: Option<String>,
        pattern: Validator,
        ignore_case: bool,
    },
    Not(Box<Self>),
}

impl Condition {
    pub fn parse(vars: &Value) -> Result<Self, String> {
        let parts = vars.as_array().filter(|parts| !parts.is_empty()).ok_or("not a list")?;
        let all = |parts: &[Value]| parts.iter().map(Self::parse).collect::<Result<Vec<_>, _>>();
        let texts: Vec<&str> = parts.iter().map_while(Value::as_str).collect();
        match *texts.as_slice() {
            [] => Ok(Self::All(all(parts)?)),
            ["AND"] if parts.len() > 2 => Ok(Self::All(all(&parts[1..])?)),
            ["OR"] if parts.len() > 2 => Ok(Self::Any(all(&parts[1..])?)),
            ["!OR"] if parts.len() > 2 => Ok(Self::Not(Box::new(Self::Any(all(&parts[1..])?)))),
            [variable, operator @ ("~~" | "~*"), pattern] if parts.len() == 3 => {
                let header = match variable.strip_prefix("http_") {
                    Some(header) => Some(header.replace('_', "-")),
                    None if variable == "uri" => None,
                    None => return Err(format!("{variable} is not a header")),
                };
                let ignore_case = operator == "~*";
                // Uses the regular expressions of the schema validator, to avoid another dependency.
                let pattern = json!({ "pattern": case(pattern, ignore_case) });
                let pattern = jsonschema::validator_for(&pattern).map_err(|error| error.to_string())?;
                Ok(Self::Matches { header, pattern, ignore_case })
            }
            [variable, "!", operator, pattern] if parts.len() == 4 => {
                Ok(Self::Not(Box::new(Self::parse(&json!([variable, operator, pattern]))?)))
            }
            _ => Err(format!("unsupported condition: {vars}")),
        }
    }

    pub fn matches(&self, path: &str, headers: Headers<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(path, headers)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(path, headers)),
            Self::Not(part) => !part.matches(path, headers),
            Self::Matches { header, pattern, ignore_case } => {
                // A missing header never matches.
                let named = |header| headers.iter().find(|(name, _)| name == header).map(|(_, value)| *value);
                let value = header.as_ref().map_or(Some(path), named);
                value.is_some_and(|value| pattern.is_valid(&json!(case(value, *ignore_case))))
            }
        }
    }
}

#[test]
fn the_router_matches_like_apisix() {
    let document = json!({ "routes": [
        { "id": "all", "uri": "/*" },
        { "id": "deep", "uri": "/a/b/*" },
        { "id": "exact", "uri": "/a/b/c" },
        { "id": "with-header", "uris": ["/a/b/*", "/a/b/c"], "priority": 1, "vars": [["http_x_key", "~~", "^at_"]] },
        { "id": "without", "uri": "/b", "priority": 1, "vars": [["http_x_key", "!", "~~", "."]] },
        { "id": "with", "uri": "/b" },
        { "id": "post", "uri": "/d", "methods": ["POST"] },
        { "id": "words", "uri": "/w/*", "vars": [["uri", "~~", "^/w/[a-z]+$"]] },
    ] });
    let router = Router::new(&document);
    let found = |path, headers| router.find(path, headers).unwrap().id();
    let key = &[("x-key", "at_1")][..];
    assert_eq!(found("/a/b/c", &[]), "exact", "an exact path takes precedence over a prefix");
    assert_eq!(found("/a/b/d", &[]), "deep", "a longer prefix takes precedence");
    assert_eq!(found("/a/b", &[]), "all", "a prefix includes its slash");
    assert_eq!(found("/a/b/d", key), "with-header", "for equal paths, the priority decides");
    assert_eq!(found("/a/b/c", key), "with-header");
    assert_eq!(found("/a/b/d", &[("x-key", "other")]), "deep", "only if `vars` match");
    assert_eq!((found("/b", &[]), found("/b", key)), ("without", "with"), "an absent header never matches");
    assert_eq!((found("/w/a", &[]), found("/w/1", &[])), ("words", "all"), "a condition can be about the path");
    assert_eq!(found("/d", &[]), "all", "another method");
    assert_eq!(router.find_for("POST", "/d", &[]).unwrap().id(), "post");
}

#[test]
#[should_panic(expected = "is ambiguous")]
fn ambiguous_routes_are_an_error() {
    let document = json!({ "routes": [{ "id": "1", "uri": "/a" }, { "id": "2", "uris": ["/b", "/a"] }] });
    Router::new(&document).find("/a", &[]);
}
