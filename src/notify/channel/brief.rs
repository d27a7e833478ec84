//! A message cut to size, not yet escaped: how much of each text, and how many items, a service has room for.

use std::borrow::Cow;

use crate::domain::{AlertMessage, MessageItem, MessageKind, MessageLink};

use super::text::{Unit, cut, lines, one_line};

/// Longer URLs are left out: they cannot be cut.
const MAX_URL: usize = 2000;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All of it.
    Full,
    /// Shorter texts, the first facts and links.
    Short,
    /// What it is, what happened and one link.
    Line,
    /// What it is and what happened, in few words.
    Bare,
}

/// The limits of a detail.
struct Limits {
    title: usize,
    summary: usize,
    facts: usize,
    label: usize,
    value: usize,
    links: usize,
    note: usize,
}

impl Detail {
    fn limits(self) -> Limits {
        match self {
            Self::Full => Limits { title: 300, summary: 500, facts: 12, label: 60, value: 200, links: 4, note: 2000 },
            Self::Short => Limits { title: 150, summary: 200, facts: 5, label: 40, value: 80, links: 3, note: 500 },
            Self::Line => Limits { title: 80, summary: 120, facts: 0, label: 0, value: 0, links: 1, note: 200 },
            Self::Bare => Limits { title: 50, summary: 60, facts: 0, label: 0, value: 0, links: 0, note: 100 },
        }
    }
}

/// A message with short texts, without control characters and without empty ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brief {
    /// What happened, in one line. Never empty.
    pub title: String,
    /// The items that are shown.
    pub items: Vec<BriefItem>,
    /// "and 12 more", if items are left out.
    pub more: Option<String>,
    /// The note of the message.
    pub note: Option<String>,
    /// The sentence under all items.
    pub footer: Option<String>,
}

/// An item of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BriefItem {
    /// The product. Never empty.
    pub title: String,
    /// What happened.
    pub summary: Option<String>,
    /// Labels and values, none empty.
    pub facts: Vec<(String, String)>,
    /// Labels and http or https URLs.
    pub links: Vec<MessageLink>,
    /// An https URL of a picture.
    pub image_url: Option<String>,
}

impl Brief {
    /// The first items of a message with this much detail.
    pub fn of(message: &AlertMessage, detail: Detail, items: usize) -> Self {
        let limits = detail.limits();
        let title = short(&message.title, limits.title).unwrap_or_else(|| "amazon-tracker".to_owned());
        let shown = message.items.iter().take(items).map(|item| BriefItem::of(item, &limits)).collect::<Vec<_>>();
        let note = message.note.as_deref().map(lines).filter(|note| !note.is_empty());
        Self {
            title,
            more: message.more.get(message.items.len() - shown.len()).cloned().flatten(),
            items: shown,
            note: note.map(|note| cut(&note, limits.note, Unit::Chars).into_owned()),
            footer: (detail != Detail::Bare).then(|| short(&message.footer, limits.summary)).flatten(),
        }
    }

    /// How many items are left out, and the note.
    pub fn remarks(&self) -> impl Iterator<Item = &String> {
        self.more.iter().chain(&self.note)
    }

    /// The only item.
    pub fn single(&self) -> Option<&BriefItem> {
        self.items.first().filter(|_| self.items.len() == 1 && self.more.is_none())
    }
}

impl BriefItem {
    fn of(item: &MessageItem, limits: &Limits) -> Self {
        let fact = |label: &str, value: &str| Some((short(label, limits.label)?, short(value, limits.value)?));
        let links = item.links.iter().filter(|link| is_web_url(&link.url));
        let link = |link: &MessageLink| {
            let label = short(&link.label, 60).unwrap_or_else(|| "Link".to_owned());
            MessageLink { label, url: link.url.clone() }
        };
        let title = short(&item.title, limits.title);
        Self {
            title: title.or_else(|| short(&item.summary, limits.title)).unwrap_or_else(|| "—".to_owned()),
            summary: short(&item.summary, limits.summary),
            facts: item.facts.iter().filter_map(|f| fact(&f.label, &f.value)).take(limits.facts).collect(),
            links: links.map(link).take(limits.links).collect(),
            image_url: item.image_url.clone().filter(|url| url.starts_with("https://") && is_web_url(url)),
        }
    }

    /// Where its title leads.
    pub fn url(&self) -> Option<&str> {
        self.links.first().map(|link| link.url.as_str())
    }
}

/// One line of at most so many characters; none if it is empty.
fn short(text: &str, limit: usize) -> Option<String> {
    // What is far beyond the limit is not even cleaned.
    let start: Cow<'_, str> = cut(text, limit * 4 + 64, Unit::Chars);
    let text = one_line(&start);
    let text = cut(&text, limit, Unit::Chars);
    (!text.is_empty()).then(|| text.into_owned())
}

fn is_web_url(url: &str) -> bool {
    let is_clean =
        url.len() <= MAX_URL && !url.contains(|c: char| c.is_control() || c.is_whitespace() || "<>\"|".contains(c));
    is_clean && url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Writes the most detailed form of a message that fits: an only item with as much detail as there is room for; of
/// several, as many whole items as fit. `write` returns `None` for a form that does not fit. The last form has no
/// items, and a title of fifty characters.
pub(super) fn fit<T>(message: &AlertMessage, max_items: usize, write: impl Fn(&Brief) -> Option<T>) -> Option<T> {
    let count = message.items.len();
    let shown = count.min(max_items);
    let details: &[Detail] = match count {
        0 | 1 => &[Detail::Full, Detail::Short, Detail::Line, Detail::Bare],
        _ => &[Detail::Short, Detail::Line, Detail::Bare],
    };
    // All items in short are better than some with every fact.
    let whole = details.iter().filter(|detail| count <= max_items && (count == 1 || **detail != Detail::Bare));
    let whole = whole.map(|detail| (*detail, count));
    let parts = [Detail::Line, Detail::Bare].into_iter().flat_map(|detail| (0..=shown).rev().map(move |n| (detail, n)));
    let parts = parts.filter(|(detail, n)| *n > 0 || *detail == Detail::Bare);
    whole.chain(parts).find_map(|(detail, items)| write(&Brief::of(message, detail, items)))
}

/// The chart of the only product of a message. In a digest of several products, the chart of one would mislead.
pub(super) fn only_chart(message: &AlertMessage) -> Option<&crate::domain::MessageChart> {
    let first = message.items.first()?;
    let is_one_product = message.kind != MessageKind::Digest || message.items.len() == 1;
    let chart = message.items.iter().find_map(|item| item.chart.as_ref()).filter(|_| is_one_product)?;
    let is_same = message.items.iter().all(|item| item.title == first.title);
    (is_same && !chart.png.is_empty()).then_some(chart)
}
