//! Composes messages about alerts: what happened, now and before, how it stands, when it was seen, and where to go,
//! in the language and the time zone of the reader. Pure: no I/O and no clock.
//!
//! The texts are Fluent catalogues, one for each language, all with the same keys and variables. What is not known is
//! left out. What others wrote (titles, sellers, names) is made one plain line first; markup is the business of each
//! channel.

mod catalogue;
mod compared;
mod item;
mod notices;
mod numbers;
mod observed;
mod request;
mod story;
mod times;
mod writer;

use std::cmp::Reverse;

use jiff::Timestamp;
use strum::IntoEnumIterator;

use crate::domain::plain_text::shorten;
use crate::domain::{AlertMessage, Language, MessageId, MessageKind, MessageLink, NoticeFacts, Severity};
use catalogue::Catalogue;
use item::{item, product_title};
use story::story;
use writer::Writer;

pub use request::{ComposeRequest, Entry, Place, Standing};

/// Maximum items of a message; of the others it says how many there are.
pub const MAX_ITEMS: usize = 25;
/// Maximum characters of a product's title within the title of a message about it, and about several.
const MAX_TITLE_CHARS: usize = 80;
const MAX_DIGEST_TITLE_CHARS: usize = 40;
/// Maximum products that the title of a digest names.
const MAX_DIGEST_PRODUCTS: usize = 3;

/// Composes messages. Made once and shared: it holds the catalogues of all languages.
pub struct Composer {
    catalogues: Vec<(Language, Catalogue)>,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new()
    }
}

impl Composer {
    /// Parses the catalogues.
    pub fn new() -> Self {
        Self { catalogues: Language::iter().map(|language| (language, Catalogue::new(language))).collect() }
    }

    /// A message about events: of one entry, or a digest of several, the most urgent and then the most recent first,
    /// what has ended last. Every event of its entries is among the events of the message, also when its item is left out.
    pub fn compose(&self, request: &ComposeRequest<'_>) -> AlertMessage {
        let writer = self.writer(request.place);
        let mut entries: Vec<&Entry> = request.entries.iter().collect();
        entries.sort_by_key(|entry| {
            (entry.ended_at.is_some(), Reverse(entry.event.facts.severity), Reverse(entry.event.at))
        });
        let count = entries.len() + request.left_out as usize;
        let (kind, title) = match entries.as_slice() {
            [entry] if count == 1 => (MessageKind::Single, single_title(&writer, entry)),
            entries => (MessageKind::Digest, digest_title(&writer, entries, count)),
        };
        let shown = entries.len().min(MAX_ITEMS);
        let more = |left_out: usize| (left_out > 0).then(|| writer.text("more", &[("count", left_out.into())]));
        AlertMessage {
            id: request.id,
            kind,
            severity: entries.iter().map(|entry| entry.event.facts.severity).max().unwrap_or_default(),
            title,
            items: entries.iter().take(MAX_ITEMS).map(|entry| item(&writer, request.place, entry)).collect(),
            note: None,
            more: (0..=shown).map(|cut| more(count - shown + cut)).collect(),
            footer: writer.plain("footer"),
            unsubscribe: unsubscribe(&writer, request.place),
            at: request.at,
            events: entries.iter().map(|entry| entry.event.clone()).collect(),
        }
    }

    /// What a test of a channel sends: an alert about a made-up product, with a note that says so. It has no links to
    /// pages of this installation, since there is no such product.
    pub fn test_message(&self, id: MessageId, place: &Place, at: Timestamp) -> AlertMessage {
        let writer = self.writer(place);
        let entries = [notices::sample(&writer, id, at)];
        let place = Place { public_url: None, ..place.clone() };
        let alert = self.compose(&ComposeRequest { id, at, place: &place, entries: &entries, left_out: 0 });
        AlertMessage {
            kind: MessageKind::Test,
            title: writer.text("test-title", &[("title", alert.title.as_str().into())]),
            note: Some(writer.plain("test-note")),
            ..alert
        }
    }

    /// A message about the installation itself. Its text is the note; it has no items.
    pub fn notice(&self, id: MessageId, notice: &NoticeFacts, place: &Place, at: Timestamp) -> AlertMessage {
        let writer = self.writer(place);
        let (title, text) = notices::notice_texts(&writer, notice);
        AlertMessage {
            id,
            kind: MessageKind::Notice,
            severity: Severity::Normal,
            title,
            items: Vec::new(),
            note: Some(text),
            more: Vec::new(),
            footer: writer.plain("footer-notice"),
            unsubscribe: unsubscribe(&writer, place),
            at,
            events: Vec::new(),
        }
    }

    fn writer<'a>(&'a self, place: &'a Place) -> Writer<'a> {
        let found = self.catalogues.iter().find(|(language, _)| *language == place.language);
        let (language, catalogue) = found.expect("there is a catalogue for every language");
        Writer { catalogue, language: *language, zone: &place.zone }
    }
}

fn unsubscribe(writer: &Writer<'_>, place: &Place) -> Option<MessageLink> {
    place.unsubscribe_url.clone().map(|url| MessageLink { label: writer.plain("link-unsubscribe"), url })
}

fn single_title(writer: &Writer<'_>, entry: &Entry) -> String {
    let product = shorten(&product_title(&entry.event.facts), MAX_TITLE_CHARS);
    writer.text("title", &[("what", story(writer, entry).headline.into()), ("product", product.into())])
}

/// "5 alerts: Kettle, Toaster, Lamp, …": how many, and of which products.
fn digest_title(writer: &Writer<'_>, entries: &[&Entry], count: usize) -> String {
    let (mut seen, mut products) = (Vec::new(), Vec::new());
    for entry in entries {
        let product = entry.event.product_id;
        if seen.contains(&product) {
            continue;
        }
        seen.push(product);
        if products.len() == MAX_DIGEST_PRODUCTS {
            products.push("…".to_owned());
            break;
        }
        products.push(shorten(&product_title(&entry.event.facts), MAX_DIGEST_TITLE_CHARS));
    }
    writer.text("digest-title", &[("count", count.into()), ("products", writer.list(products).into())])
}

#[cfg(test)]
mod tests;
