use jiff::Timestamp;

use super::*;
use crate::domain::{MessageFact, MessageId, MessageItem, MessageKind, MessageLink, Severity};

fn message(title: &str) -> AlertMessage {
    let item = MessageItem {
        title: title.to_owned(),
        summary: "The price fell.".to_owned(),
        facts: vec![MessageFact { label: "Price".to_owned(), value: "$1".to_owned() }],
        links: vec![MessageLink { label: "View".to_owned(), url: "https://example.com/?a=1&b=2".to_owned() }],
        image_url: None,
        chart: None,
    };
    AlertMessage {
        id: MessageId::new(),
        kind: MessageKind::Single,
        severity: Severity::Normal,
        title: title.to_owned(),
        items: vec![item],
        note: None,
        footer: String::new(),
        more: Vec::new(),
        unsubscribe: None,
        at: Timestamp::UNIX_EPOCH,
        events: Vec::new(),
    }
}

#[test]
fn a_value_between_quotes_stays_valid_json_whatever_it_contains() {
    let nasty = "\"quoted\" \\ back\nslash\u{0}</script> 😀 {{ 7 }}";
    let template = r#"{"text": "*{{ title }}*", "item": {{ item|tojson }}, "n": {{ items|length }}}"#;
    let body: Json = serde_json::from_str(&render(template, &message(nasty)).unwrap()).unwrap();
    assert_eq!(body["text"], format!("*{nasty}*"));
    assert_eq!(body["item"]["links"][0]["url"], "https://example.com/?a=1&b=2");
    assert_eq!(body["n"], 1);
}

#[test]
fn a_template_that_is_not_json_writes_plain_text() {
    let template = "{# ours #}{% for item in items %}{{ item.title }}: {{ item.facts[0].value }}{% endfor %}";
    assert_eq!(render(template, &message("[A] \"B\"")).unwrap(), "[A] \"B\": $1");
    let optional = "{{ note }}{{ note|tojson }}{% if price is defined %}a{% else %}b{% endif %}";
    assert_eq!(render(optional, &message("x")).unwrap(), "nullb");
}

#[test]
fn a_body_that_begins_as_json_must_be_valid_json() {
    assert!(matches!(render(r#"{"a": {{ title }}}"#, &message("x")), Err(TemplateError::NotJson(_))));
    assert!(render("{% if note %}{{ note }}{% else %}[1]{% endif %}", &message("x")).is_ok());
}

#[test]
fn a_name_that_does_not_exist_is_an_error_with_its_line() {
    let error = render("{\n\"a\": \"{{ titel }}\"}", &message("x")).unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    assert!(matches!(check("{{ title "), Err(TemplateError::Template(_))));
    assert_eq!(check("{{ title }}"), Ok(()));
}

#[test]
fn a_template_cannot_grow_beyond_its_limits() {
    for forbidden in [
        "{{ title * 1000000 }}",
        "{{ title ~ title }}",
        "{{ title + title }}",
        "{% set x = 1 %}",
        "{% for x in [title, title] %}{% endfor %}",
        "{% for x in[title] %}{% endfor %}",
        "{% for x in (title, title) %}{% endfor %}",
        "{{ {'a': title} }}",
        "{% include 'x' %}",
        "{%- macro m() %}{% endmacro %}",
    ] {
        assert!(matches!(check(forbidden), Err(TemplateError::Forbidden { .. })), "{forbidden}");
    }
    assert_eq!(check(&"x".repeat(MAX_TEMPLATE_BYTES + 1)), Err(TemplateError::TooLong));
    assert_eq!(render(&"{{ title }}".repeat(1000), &message(&"x".repeat(1000))), Err(TemplateError::TooMuch));
    let mut long = message("x");
    long.items = vec![long.items[0].clone(); 300];
    let loops = "{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}";
    assert_eq!(render(loops, &long), Err(TemplateError::TooMuch));
}

#[test]
fn signs_within_quotes_and_at_the_edges_of_tags_are_no_operators() {
    assert_eq!(
        render("{{- title|truncate(3) -}} {%- if title == '*~+[' %}a{% endif %}", &message("abcdef")).unwrap(),
        "ab…"
    );
}
