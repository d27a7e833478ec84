//! Bodies of webhooks that their owners write themselves, as templates.
//!
//! A template comes from a stranger, so it has little power: it reads values, loops over them and chooses among them.
//! It cannot define values or repeat them, so that neither its time nor its memory grow faster than its own length.

use std::io;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::{Value as Json, json};

use crate::domain::AlertMessage;

use super::brief::{Brief, Detail};
use super::error::quote;
use super::message_json::{event_json, items_json};
use super::styled::{Layout, Styled};

/// Maximum length of a template.
pub const MAX_TEMPLATE_BYTES: usize = 16 * 1024;
/// Maximum length of what it writes.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// Maximum number of its steps.
const FUEL: u64 = 50_000;
const NAME: &str = "template";
/// What tags a template may use.
const TAGS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor"];

/// Why a template cannot be used, or not for this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is too long.
    #[error("the template must have at most {MAX_TEMPLATE_BYTES} bytes")]
    TooLong,
    /// It uses something that templates may not use.
    #[error("line {line}: {what} cannot be used in a template")]
    Forbidden {
        /// The line.
        line: usize,
        /// What it uses.
        what: String,
    },
    /// It is not a template, or a value it uses does not exist.
    #[error("{0}")]
    Template(String),
    /// It writes too much, or takes too long.
    #[error("the template writes more than {MAX_OUTPUT_BYTES} bytes or takes too many steps")]
    TooMuch,
    /// It begins as JSON, but what it writes is not valid JSON.
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
}

/// Checks a template without a message.
///
/// # Errors
/// See [`TemplateError`].
pub fn check(template: &str) -> Result<(), TemplateError> {
    check_text(template)?;
    environment(is_json(template)).template_from_str(template).map(drop).map_err(|error| error_of(&error))
}

/// Writes the body for a message. In a template that is JSON, texts are escaped so that they can stand between quotes.
///
/// # Errors
/// See [`TemplateError`].
pub fn render(template: &str, message: &AlertMessage) -> Result<String, TemplateError> {
    check_text(template)?;
    let is_json = is_json(template);
    let environment = environment(is_json);
    let compiled = environment.template_from_named_str(NAME, template).map_err(|error| error_of(&error))?;
    let mut output = Bounded::default();
    let result = compiled.render_captured_to(Value::from(Serde(context(message))), &mut output).map(drop);
    if output.is_full {
        return Err(TemplateError::TooMuch);
    }
    result.map_err(|error| error_of(&error))?;
    let text = String::from_utf8_lossy(&output.bytes).into_owned();
    if is_json {
        serde_json::from_str::<serde::de::IgnoredAny>(&text)
            .map_err(|error| TemplateError::NotJson(error.to_string()))?;
    }
    Ok(text)
}

/// True of a template whose first character that is not part of a tag or a comment begins a JSON object or list.
pub(super) fn is_json(template: &str) -> bool {
    let mut rest = template.trim_start();
    loop {
        let end = match rest.get(..2) {
            Some("{%") => "%}",
            Some("{#") => "#}",
            Some("{{") => return false,
            _ => return rest.starts_with(['{', '[']),
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
}

fn environment(is_json: bool) -> Environment<'static> {
    // Without filters and functions: some of them make long values of short ones.
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(32);
    environment.set_formatter(move |out, _, value| {
        let write_error = |_| minijinja::Error::from(ErrorKind::WriteFailure);
        match value.as_str() {
            Some(text) if is_json && !value.is_safe() => out.write_str(&inside_quotes(text)).map_err(write_error),
            Some(text) => out.write_str(text).map_err(write_error),
            // Not `null`, which would stand between quotes; `tojson` writes it.
            None if value.is_none() => Ok(()),
            None => out.write_str(&as_json(value)?).map_err(write_error),
        }
    });
    environment.add_filter("tojson", |value: Value| as_json(&value).map(Value::from_safe_string));
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_filter("length", |value: Value| value.len().unwrap_or_default());
    environment.add_filter("first", |value: Value| value.get_item_by_index(0).unwrap_or_default());
    environment.add_filter("truncate", |text: String, limit: usize| {
        super::text::cut(&text, limit, super::text::Unit::Chars).into_owned()
    });
    environment.add_test("defined", |value: Value| !value.is_undefined());
    environment
}

/// A text as it stands between the quotes of a JSON string.
fn inside_quotes(text: &str) -> String {
    let quoted = Json::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn as_json(value: &Value) -> Result<String, minijinja::Error> {
    serde_json::to_string(value).map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// What a template can read.
fn context(message: &AlertMessage) -> Json {
    let detail = if message.items.len() > 1 { Detail::Short } else { Detail::Full };
    let brief = Brief::of(message, detail, usize::MAX);
    let text = Styled::of(&brief, Layout { with_title: false, with_links: true }).plain();
    let items = items_json(message);
    let kind: &'static str = message.kind.into();
    let severity: &'static str = message.severity.into();
    json!({
        "id": message.id,
        "kind": kind,
        "severity": severity,
        "title": message.title,
        "text": text,
        "item": items.first(),
        "items": items,
        "note": message.note.as_ref().or(message.more.first().and_then(Option::as_ref)),
        "footer": message.footer,
        "at": message.at,
        "events": message.events.iter().map(event_json).collect::<Vec<_>>(),
    })
}

/// Takes bytes up to the limit of the output.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            self.is_full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn error_of(error: &minijinja::Error) -> TemplateError {
    if error.kind() == ErrorKind::OutOfFuel {
        return TemplateError::TooMuch;
    }
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    TemplateError::Template(quote(&format!("{line}{what}")))
}

/// Refuses what could make a value longer than what it is made of: other tags, products and sums, lists and maps.
fn check_text(template: &str) -> Result<(), TemplateError> {
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(TemplateError::TooLong);
    }
    let mut at = 0;
    while let Some(start) = template[at..].find('{').map(|found| at + found) {
        let end = match template.get(start..start + 2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ => {
                at = start + 1;
                continue;
            }
        };
        let inside = &template[start + 2..];
        let line = template[..start].lines().count().max(1);
        at = match end {
            "#}" => inside.find(end).map_or(template.len(), |found| start + 4 + found),
            _ => start + 2 + check_code(inside, end, line)?,
        };
    }
    Ok(())
}

/// Checks an expression or a tag. Returns its length, with its end.
fn check_code(code: &str, end: &str, line: usize) -> Result<usize, TemplateError> {
    let forbidden = |what: &str| Err(TemplateError::Forbidden { line, what: format!("`{what}`") });
    if end == "%}" {
        let tag = code.trim_start_matches(['-', '+']).trim_start();
        let tag = tag.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        if !TAGS.contains(&tag) {
            return forbidden(tag);
        }
    }
    let mut quote = None;
    let mut characters = code.char_indices();
    while let Some((at, c)) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if code[at..].starts_with(end) => return Ok(at + end.len()),
            // Signs that only control white space stand at the edges.
            (None, '-' | '+') if at == 0 || code[at + 1..].starts_with(end) => {}
            (None, '*' | '+' | '~' | '{' | ',') => return forbidden(&c.to_string()),
            (None, '[') if !ends_as_value(&code[..at]) => return forbidden("["),
            _ => {}
        }
    }
    Ok(code.len())
}

/// True of code that an index can follow. After anything else, a bracket begins a list.
fn ends_as_value(code: &str) -> bool {
    let word = code.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let is_name = !word.is_empty() && !matches!(word, "in" | "and" | "or" | "not" | "is" | "if" | "elif" | "else");
    is_name || code.ends_with([')', ']'])
}

#[cfg(test)]
mod tests;
