//! The parser's handlers: what the stream of tags and text tells the [`Scan`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lol_html::html_content::TextType;
use lol_html::send::{Element, Settings};
use lol_html::{HandlerResult, MemorySettings, doc_text, element};

use super::layout::Part;
use super::scan::Scan;

/// Most that the parser itself may buffer for one page, in bytes: a tag with its attributes, and the open elements.
const PARSER_BYTES: usize = 4 * 1024 * 1024;

/// Why the stream was stopped: everything is known. Not an error.
#[derive(Debug, thiserror::Error)]
#[error("everything is settled")]
pub(super) struct Stop;

/// The handlers run one at a time; the lock is there because they are several owners, and is never waited for.
pub(super) type Shared = Arc<Mutex<Scan>>;

/// Takes the lock; a handler that panicked leaves captures behind that are still whole.
pub(super) fn lock(scan: &Shared) -> MutexGuard<'_, Scan> {
    scan.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parser's settings with the handlers that fill `scan`.
pub(super) fn settings(scan: &Shared) -> Settings<'static, 'static> {
    let share = || Arc::clone(scan);
    let (all, root, canonical, title, form, input, link, text) =
        (share(), share(), share(), share(), share(), share(), share(), share());
    Settings::new_send()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(PARSER_BYTES))
        .append_element_content_handler(element!("*", move |el| on_element(&all, el)))
        .append_element_content_handler(element!("html", move |el| on_root(&root, el)))
        .append_element_content_handler(element!("link[rel=canonical]", move |el| {
            lock(&canonical).attributes.canonical = el.get_attribute("href");
            Ok(())
        }))
        .append_element_content_handler(element!("title", move |el| on_title(&title, el)))
        .append_element_content_handler(element!("form", move |el| {
            let (action, name) = (el.get_attribute("action"), el.get_attribute("name"));
            lock(&form).attributes.note_form(&action.unwrap_or_default(), &name.unwrap_or_default());
            Ok(())
        }))
        .append_element_content_handler(element!("input[name=ASIN], input#ASIN", move |el| {
            let mut scan = lock(&input);
            let known = scan.attributes.asin_input.take();
            scan.attributes.asin_input = known.or_else(|| el.get_attribute("value").filter(|value| value.len() == 10));
            Ok(())
        }))
        .append_element_content_handler(element!("a[href*='cs_503'], a[href*='cs_404']", move |el| {
            lock(&link).attributes.note_error_link(&el.get_attribute("href").unwrap_or_default());
            Ok(())
        }))
        .append_document_content_handler(doc_text!(move |chunk| {
            if !matches!(chunk.text_type(), TextType::RawText | TextType::PlainText) {
                lock(&text).push_text(chunk.as_str(), chunk.text_type());
            }
            Ok(())
        }))
}

fn on_element(shared: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    let (id, class) = (el.get_attribute("id"), el.get_attribute("class"));
    let mut scan = lock(shared);
    let opened = scan.enter(id.as_deref().unwrap_or_default(), class.as_deref().unwrap_or_default(), el);
    let settled = scan.is_settled();
    drop(scan);
    if settled {
        return Err(Box::new(Stop));
    }
    close_with_end_tag(shared, opened, el)
}

/// An element without an end tag (`<img>`) opens nothing that could close.
fn close_with_end_tag(shared: &Shared, opened: Option<u32>, el: &mut Element<'_, '_>) -> HandlerResult {
    let Some(serial) = opened else { return Ok(()) };
    if !el.can_have_content() {
        lock(shared).close(serial);
        return Ok(());
    }
    let shared = Arc::clone(shared);
    el.on_end_tag(Box::new(move |_| {
        lock(&shared).close(serial);
        Ok(())
    }))
}

fn on_root(shared: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    lock(shared).attributes.language = el.get_attribute("lang");
    let shared = Arc::clone(shared);
    el.on_end_tag(Box::new(move |_| {
        lock(&shared).attributes.signs.closed = true;
        Ok(())
    }))
}

/// Only the first `<title>` is the document's; later ones belong to drawings.
fn on_title(shared: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    let opened = {
        let mut scan = lock(shared);
        let is_first = scan.captures.iter().all(|capture| capture.part != Part::DocumentTitle);
        if is_first { scan.open_part(Part::DocumentTitle, "title") } else { None }
    };
    close_with_end_tag(shared, opened, el)
}
