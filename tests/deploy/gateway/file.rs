//! Reads `config/apisix` in the same way as APISIX.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Values for the variables of a file.
pub type Environment<'e> = &'e [(&'e str, &'e str)];

/// A variable reference in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    pub name: &'t str,
    pub default: Option<&'t str>,
}

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/apisix").join(name)
}

pub fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The parsed content of a file.
pub fn read(name: &str, environment: Environment<'_>) -> Value {
    parsed(&text(name), environment)
}

pub fn parsed(text: &str, environment: Environment<'_>) -> Value {
    serde_norway::from_str(&substituted(text, environment)).unwrap()
}

/// Replaces the variables of a text, which APISIX does before parsing.
fn substituted(text: &str, environment: Environment<'_>) -> String {
    let value = |variable: &Variable<'_>| {
        let set = environment.iter().find(|(name, _)| *name == variable.name).map(|(_, value)| *value);
        set.or(variable.default)
            .unwrap_or_else(|| panic!("environment variable {} is not set", variable.name))
            .to_owned()
    };
    pieces(text)
        .map(|(before, variable)| before.to_owned() + &variable.as_ref().map(value).unwrap_or_default())
        .collect()
}

/// All variables of a text, including those in comments, which APISIX replaces too.
pub fn variables(text: &str) -> Vec<Variable<'_>> {
    pieces(text).filter_map(|(_, variable)| variable).collect()
}

/// The text between variables, each with the following variable.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<Variable<'_>>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let Some((before, after)) = whole.split_once("${{") else {
            rest = None;
            return Some((whole, None));
        };
        let (inside, after) = after.split_once("}}").unwrap();
        rest = Some(after);
        let (name, default) = inside.split_once(":=").map_or((inside, None), |(name, default)| (name, Some(default)));
        Some((before, Some(Variable { name: name.trim(), default: default.map(str::trim) })))
    })
}

#[test]
fn variables_are_replaced_everywhere() {
    let text = "a: ${{A}} # ${{ B := c:d }}\nb: ${{B:=}}";
    assert_eq!(substituted(text, &[("A", "1"), ("B", "2")]), "a: 1 # 2\nb: 2");
    assert_eq!(substituted(text, &[("A", "1")]), "a: 1 # c:d\nb: ");
    let named: Vec<&str> = variables(text).iter().map(|variable| variable.name).collect();
    assert_eq!(named, ["A", "B", "B"]);
}
