//! Which route APISIX finds for a request: the rules of its default router (`radixtree_host_uri`) for routes without hosts.

use jsonschema::Validator;
use serde_json::{Value, json};

/// Headers, by their names in lower case.
pub type Headers<'r> = &'r [(&'r str, &'r str)];

/// A route, as the router sees it.
pub struct Route<'g> {
    pub object: &'g Value,
    pub uris: Vec<&'g str>,
    priority: i64,
    condition: Option<Condition>,
}

impl<'g> Route<'g> {
    fn new(object: &'g Value) -> Self {
        for unknown in ["host", "hosts", "methods", "remote_addr", "remote_addrs", "filter_func"] {
            assert!(object.get(unknown).is_none(), "this router does not know `{unknown}`");
        }
        let one = object.get("uri").into_iter();
        let uris =
            one.chain(object["uris"].as_array().into_iter().flatten()).map(|uri| uri.as_str().unwrap()).collect();
        let condition = object.get("vars").map(|vars| Condition::parse(vars).unwrap());
        Self { object, uris, priority: object["priority"].as_i64().unwrap_or(0), condition }
    }

    pub fn id(&self) -> &'g str {
        self.object["id"].as_str().unwrap()
    }

    /// The settings of a plugin that runs on this route.
    pub fn plugin(&self, name: &str) -> Option<&'g Value> {
        self.object["plugins"].get(name)
    }

    /// How well the route fits, if it does: exactly or by a prefix, by how much of the path, and by what priority.
    fn fit(&self, path: &str, headers: Headers<'_>) -> Option<(bool, usize, i64)> {
        let fits = self.uris.iter().filter_map(|uri| match uri.split_once('*') {
            None => (*uri == path).then_some((true, path.len())),
            Some((prefix, "")) => path.starts_with(prefix).then_some((false, prefix.len())),
            Some(_) => panic!("this router does not know a `*` in the middle: {uri}"),
        });
        let holds = self.condition.as_ref().is_none_or(|condition| condition.holds(headers));
        fits.max().filter(|_| holds).map(|(exact, length)| (exact, length, self.priority))
    }
}

/// All routes of a file.
pub struct Router<'g>(pub Vec<Route<'g>>);

impl<'g> Router<'g> {
    pub fn new(document: &'g Value) -> Self {
        Self(document["routes"].as_array().unwrap().iter().map(Route::new).collect())
    }

    /// The route of a request. Which of several equal ones it is, nobody should have to know: that is an error.
    pub fn find(&self, path: &str, headers: Headers<'_>) -> Option<&Route<'g>> {
        let fitting = || self.0.iter().filter_map(|route| Some((route.fit(path, headers)?, route)));
        let best = fitting().map(|(fit, _)| fit).max()?;
        let found: Vec<&Route<'g>> = fitting().filter(|(fit, _)| *fit == best).map(|(_, route)| route).collect();
        let ids: Vec<&str> = found.iter().map(|route| route.id()).collect();
        assert_eq!(ids.len(), 1, "{path} {headers:?} may be any of {ids:?}");
        Some(found[0])
    }
}

fn case(text: &str, ignored: bool) -> String {
    if ignored { text.to_lowercase() } else { text.to_owned() }
}

/// What `vars` ask of a request (lua-resty-expr), as far as it is used here.
pub enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// A header has something that a pattern finds.
    Found {
        header: String,
        pattern: Validator,
        ignore_case: bool,
    },
    Not(Box<Self>),
}

impl Condition {
    pub fn parse(vars: &Value) -> Result<Self, String> {
        let parts = vars.as_array().filter(|parts| !parts.is_empty()).ok_or("no list")?;
        let all = |parts: &[Value]| parts.iter().map(Self::parse).collect::<Result<Vec<_>, _>>();
        let texts: Vec<&str> = parts.iter().map_while(Value::as_str).collect();
        match *texts.as_slice() {
            [] => Ok(Self::All(all(parts)?)),
            ["AND"] if parts.len() > 2 => Ok(Self::All(all(&parts[1..])?)),
            ["OR"] if parts.len() > 2 => Ok(Self::Any(all(&parts[1..])?)),
            [variable, operator @ ("~~" | "~*"), pattern] if parts.len() == 3 => {
                let header = variable.strip_prefix("http_").ok_or_else(|| format!("{variable} is no header"))?;
                let ignore_case = operator == "~*";
                // The schemas' engine for patterns, so that tests need no other.
                let pattern = json!({ "pattern": case(pattern, ignore_case) });
                let pattern = jsonschema::validator_for(&pattern).map_err(|error| error.to_string())?;
                Ok(Self::Found { header: header.replace('_', "-"), pattern, ignore_case })
            }
            [variable, "!", operator, pattern] if parts.len() == 4 => {
                Ok(Self::Not(Box::new(Self::parse(&json!([variable, operator, pattern]))?)))
            }
            _ => Err(format!("cannot be understood: {vars}")),
        }
    }

    fn holds(&self, headers: Headers<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(headers)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(headers)),
            Self::Not(part) => !part.holds(headers),
            Self::Found { header, pattern, ignore_case } => {
                // Nothing is found in a header that is not there.
                let value = headers.iter().find(|(name, _)| name == header).map(|(_, value)| *value);
                value.is_some_and(|value| pattern.is_valid(&json!(case(value, *ignore_case))))
            }
        }
    }
}

#[test]
fn the_router_finds_what_apisix_was_seen_to_find() {
    let document = json!({ "routes": [
        { "id": "all", "uri": "/*" },
        { "id": "deep", "uri": "/a/b/*" },
        { "id": "exact", "uri": "/a/b/c" },
        { "id": "with-header", "uris": ["/a/b/*", "/a/b/c"], "priority": 1, "vars": [["http_x_key", "~~", "^at_"]] },
        { "id": "without", "uri": "/b", "priority": 1, "vars": [["http_x_key", "!", "~~", "."]] },
        { "id": "with", "uri": "/b" },
    ] });
    let router = Router::new(&document);
    let found = |path, headers| router.find(path, headers).unwrap().id();
    let key = &[("x-key", "at_1")][..];
    assert_eq!(found("/a/b/c", &[]), "exact", "an exact path beats a prefix");
    assert_eq!(found("/a/b/d", &[]), "deep", "a longer prefix beats a shorter one");
    assert_eq!(found("/a/b", &[]), "all", "a prefix ends with its slash");
    assert_eq!(found("/a/b/d", key), "with-header", "of equal paths the priority decides");
    assert_eq!(found("/a/b/c", key), "with-header");
    assert_eq!(found("/a/b/d", &[("x-key", "other")]), "deep", "and only if `vars` hold");
    assert_eq!((found("/b", &[]), found("/b", key)), ("without", "with"), "nothing is found in an absent header");
}

#[test]
#[should_panic(expected = "may be any of")]
fn two_routes_that_nothing_tells_apart_are_a_mistake() {
    let document = json!({ "routes": [{ "id": "1", "uri": "/a" }, { "id": "2", "uris": ["/b", "/a"] }] });
    Router::new(&document).find("/a", &[]);
}
