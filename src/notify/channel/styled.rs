//! A text with bold parts and links, written as each service wants it.

use super::brief::Brief;
use super::text::{html, markdown, without_mentions};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Text(String),
    /// Stands out.
    Bold(String),
    /// Leads somewhere.
    Link {
        /// What is shown.
        label: String,
        /// Where it leads.
        url: String,
    },
}

/// What else a text says besides its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// It begins with the title of the message; otherwise the service shows that elsewhere.
    pub with_title: bool,
    /// It has the links of an only item; otherwise the service shows them as buttons.
    pub with_links: bool,
}

/// A text, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Styled {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

impl Styled {
    /// The text of a message.
    pub fn of(brief: &Brief, layout: Layout) -> Self {
        let mut text = Self::default();
        if layout.with_title {
            text.pieces.push(Piece::Bold(brief.title.clone()));
            text.add("\n");
        }
        for item in &brief.items {
            text.item(item, layout.with_links || brief.items.len() > 1);
        }
        for remark in brief.remarks() {
            text.add(&format!("\n{remark}\n"));
        }
        if let Some(footer) = &brief.footer {
            text.add(&format!("\n{footer}"));
        }
        text.trim();
        text
    }

    fn item(&mut self, item: &super::brief::BriefItem, with_links: bool) {
        self.add("\n");
        match item.url() {
            Some(url) => self.pieces.push(Piece::Link { label: item.title.clone(), url: url.to_owned() }),
            None => self.pieces.push(Piece::Bold(item.title.clone())),
        }
        self.add("\n");
        if let Some(summary) = &item.summary {
            self.add(&format!("{summary}\n"));
        }
        for (label, value) in &item.facts {
            self.pieces.push(Piece::Bold(format!("{label}:")));
            self.add(&format!(" {value}\n"));
        }
        // The first link is that of the title.
        for link in item.links.iter().skip(1).filter(|_| with_links) {
            self.pieces.push(Piece::Link { label: link.label.clone(), url: link.url.clone() });
            self.add("\n");
        }
    }

    fn add(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// No service wants space around a text.
    fn trim(&mut self) {
        if let Some(Piece::Text(first)) = self.pieces.first_mut() {
            *first = first.trim_start().to_owned();
        }
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            *last = last.trim_end().to_owned();
        }
    }

    fn write(&self, write: impl Fn(&Piece) -> String) -> String {
        self.pieces.iter().map(write).collect()
    }

    /// Without any markup; URLs are written out.
    pub fn plain(&self) -> String {
        self.write(|piece| match piece {
            Piece::Text(text) | Piece::Bold(text) => text.clone(),
            Piece::Link { label, url } => format!("{label}: {url}"),
        })
    }

    /// The same without mentions, for a service that hands it on.
    pub fn plain_without_mentions(&self) -> String {
        self.write(|piece| match piece {
            Piece::Text(text) | Piece::Bold(text) => without_mentions(text),
            Piece::Link { label, url } => format!("{}: {url}", without_mentions(label)),
        })
    }

    /// As HTML, without mentions.
    pub fn html(&self) -> String {
        let shown = |text: &str| html(&without_mentions(text));
        self.write(|piece| match piece {
            Piece::Text(text) => shown(text).replace('\n', "<br>"),
            Piece::Bold(text) => format!("<b>{}</b>", shown(text)),
            Piece::Link { label, url } => format!("<a href=\"{}\">{}</a>", html(url), shown(label)),
        })
    }

    /// As Markdown, without mentions.
    pub fn markdown(&self) -> String {
        let shown = |text: &str| markdown(&without_mentions(text));
        self.write(|piece| match piece {
            // Two spaces at the end of a line break it in CommonMark.
            Piece::Text(text) => shown(text).replace('\n', "  \n"),
            Piece::Bold(text) => format!("**{}**", shown(text)),
            Piece::Link { label, url } => markdown_link(&shown(label), url),
        })
    }
}

/// A link in Markdown, whose label is escaped. A closing bracket would end its URL.
pub(super) fn markdown_link(label: &str, url: &str) -> String {
    format!("[{label}]({})", url.replace('(', "%28").replace(')', "%29"))
}
