//! The texts of each language: Fluent catalogues, parsed once.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::domain::Language;

/// The catalogue of a language.
pub(super) struct Catalogue(FluentBundle<FluentResource>);

/// The name of a variable and its value.
pub(super) type Arg<'a> = (&'static str, FluentValue<'a>);

/// The locale whose plural rules a catalogue uses, and its source. Portuguese is that of Brazil and Chinese the
/// simplified one, as at the marketplaces.
pub(super) fn source(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("en", include_str!("catalogues/en.ftl")),
        Language::De => ("de", include_str!("catalogues/de.ftl")),
        Language::Fr => ("fr", include_str!("catalogues/fr.ftl")),
        Language::Es => ("es", include_str!("catalogues/es.ftl")),
        Language::It => ("it", include_str!("catalogues/it.ftl")),
        Language::Pt => ("pt", include_str!("catalogues/pt.ftl")),
        Language::Ja => ("ja", include_str!("catalogues/ja.ftl")),
        Language::Zh => ("zh", include_str!("catalogues/zh.ftl")),
    }
}

impl Catalogue {
    /// Parses the catalogue of a language.
    pub(super) fn new(language: Language) -> Self {
        let (locale, text) = source(language);
        let locale: LanguageIdentifier = locale.parse().expect("a language code is a valid locale");
        // What cannot be parsed is left out, and a test proves that nothing is.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(partial, errors)| {
            require_in_tests(errors.is_empty(), &format!("{language:?}: {errors:?}"));
            partial
        });
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // Direction marks around each value would end up in subjects and in plain text. Values have no direction
        // controls.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self(bundle)
    }

    /// A text with its variables filled in. The key itself, should there be no such text: a message is better than
    /// none.
    pub(super) fn text(&self, key: &'static str, args: &[Arg<'_>]) -> String {
        let Some(pattern) = self.0.get_message(key).and_then(|message| message.value()) else {
            require_in_tests(false, &format!("no text `{key}`"));
            return key.to_owned();
        };
        let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        require_in_tests(errors.is_empty(), &format!("`{key}`: {errors:?}"));
        text
    }
}

/// A mistake in a catalogue fails every test that meets it; in service the message is sent as well as it can be.
fn require_in_tests(is_right: bool, problem: &str) {
    if cfg!(test) {
        assert!(is_right, "{problem}");
    }
}
