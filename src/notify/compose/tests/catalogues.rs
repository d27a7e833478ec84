use std::collections::{BTreeMap, BTreeSet};

use super::super::catalogue::source;
use super::*;
use fluent_bundle::FluentResource;

/// The keys of a catalogue in order, each with the variables of its text.
fn variables(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut messages: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            let (key, _) = line.split_once(" = ").unwrap();
            messages.push((key.to_owned(), BTreeSet::new()));
        }
        let names = line.split('$').skip(1).filter(|_| !line.starts_with('#'));
        let names = names.map(|rest| rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>());
        if let Some((_, variables)) = messages.last_mut() {
            variables.extend(names);
        }
    }
    messages
}

#[test]
fn every_catalogue_is_valid_and_has_the_keys_and_the_variables_of_the_english_one() {
    let english = variables(source(Language::En).1);
    assert!(english.len() > 100);
    assert_eq!(english.iter().cloned().collect::<BTreeMap<_, _>>().len(), english.len(), "a key occurs twice");
    for language in Language::iter() {
        let (_, text) = source(language);
        assert!(FluentResource::try_new(text.to_owned()).is_ok(), "{language:?}");
        for (translated, original) in variables(text).iter().zip(&english) {
            assert_eq!(translated, original, "{language:?}");
        }
        assert_eq!(variables(text).len(), english.len(), "{language:?}");
    }
}

#[test]
fn plurals_have_the_forms_of_their_language() {
    for (language, one, several) in [
        (Language::En, "and 1 more", "and 2 more"),
        (Language::De, "und 1 weiterer", "und 2 weitere"),
        (Language::Fr, "et 1 autre", "et 2 autres"),
        (Language::Es, "y 1 más", "y 2 más"),
        (Language::It, "e 1 altro", "e altri 2"),
        (Language::Pt, "e mais 1", "e mais 2"),
        (Language::Ja, "ほか1件", "ほか2件"),
        (Language::Zh, "另有 1 条", "另有 2 条"),
    ] {
        let more = |count: u32| Catalogue::new(language).text("more", &[("count", count.into())]);
        assert_eq!((more(1).as_str(), more(2).as_str()), (one, several));
    }
}

#[test]
fn a_composer_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Composer>();
}
