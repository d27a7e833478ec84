//! Atom (RFC 4287): one entry for each event. An entry is never edited, because readers show it once.

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event as Xml};
use url::Url;

use crate::domain::{AlertMessage, Channel, EventId};

use super::brief::{Brief, Detail};
use super::styled::{Layout, Styled};
use super::text::{html, one_line};

/// An event, as a message about it alone.
pub(crate) struct FeedEntry {
    /// The event.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What it says.
    pub message: AlertMessage,
}

/// The feed of a channel. `url` is its own address.
pub(crate) fn atom(channel: &Channel, url: &Url, entries: &[FeedEntry]) -> String {
    let mut xml = Writer::new(Vec::new());
    // Nothing fails that writes to memory.
    let _ = write(&mut xml, channel, url, entries);
    String::from_utf8_lossy(&xml.into_inner()).into_owned()
}

fn write(xml: &mut Writer<Vec<u8>>, channel: &Channel, url: &Url, entries: &[FeedEntry]) -> io::Result<()> {
    xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let language: &'static str = channel.language.into();
    let feed =
        xml.create_element("feed").with_attributes([("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", language)]);
    feed.write_inner_content(|xml| {
        text(xml, "id", &format!("urn:uuid:{}", channel.id))?;
        text(xml, "title", &one_line(&channel.name))?;
        let updated = entries.iter().map(|entry| entry.at).max().unwrap_or(channel.created_at);
        text(xml, "updated", &updated.to_string())?;
        link(xml, "self", url.as_str())?;
        author(xml)?;
        entries.iter().try_for_each(|entry| write_entry(xml, entry))
    })?;
    Ok(())
}

fn write_entry(xml: &mut Writer<Vec<u8>>, entry: &FeedEntry) -> io::Result<()> {
    let brief = Brief::of(&entry.message, Detail::Full, 1);
    xml.create_element("entry").write_inner_content(|xml| {
        text(xml, "id", &format!("urn:uuid:{}", entry.id))?;
        text(xml, "title", &brief.title)?;
        text(xml, "updated", &entry.at.to_string())?;
        if let Some(url) = brief.items.first().and_then(|item| item.url()) {
            link(xml, "alternate", url)?;
        }
        xml.create_element("content")
            .with_attribute(("type", "html"))
            .write_text_content(BytesText::new(&content(&brief)))?;
        Ok(())
    })?;
    Ok(())
}

/// The picture of the product and the facts, as HTML.
fn content(brief: &Brief) -> String {
    let image = brief.items.first().and_then(|item| item.image_url.as_deref());
    let image = image.map(|url| format!("<img src=\"{}\" alt=\"\" height=\"160\"><br>", html(url)));
    let text = Styled::of(brief, Layout { with_title: false, with_links: true });
    image.unwrap_or_default() + &text.html()
}

fn author(xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    xml.create_element("author").write_inner_content(|xml| text(xml, "name", "amazon-tracker"))?;
    Ok(())
}

fn text(xml: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}

fn link(xml: &mut Writer<Vec<u8>>, rel: &str, url: &str) -> io::Result<()> {
    xml.create_element("link").with_attributes([("rel", rel), ("href", url)]).write_empty()?;
    Ok(())
}
