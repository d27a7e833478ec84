//! The parser's handlers: what the stream of tags and text tells the [`Scan`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// What the handlers share. They run one at a time: the lock is never waited for, and the flags spare taking it for
/// the many elements and texts that are of no use.
pub(super) struct Wire {
    deaf: AtomicBool,
    framed: AtomicBool,
    listening: AtomicBool,
    classes: AtomicBool,
    scan: Mutex<Scan>,
}

/// The wire as its several owners hold it.
pub(super) type Shared = Arc<Wire>;

impl Wire {
    /// A wire to an empty scan.
    pub(super) fn new(scan: Scan) -> Shared {
        let listening = AtomicBool::new(scan.is_listening());
        Arc::new(Self {
            deaf: AtomicBool::new(false),
            framed: AtomicBool::new(false),
            listening,
            classes: AtomicBool::new(true),
            scan: Mutex::new(scan),
        })
    }

    /// Takes the lock; a handler that panicked leaves captures behind that are still whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, Scan> {
        self.scan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what frames are open, and with them the flags.
    fn change<T>(&self, change: impl FnOnce(&mut Scan) -> T) -> T {
        let mut scan = self.lock();
        let result = change(&mut scan);
        self.deaf.store(scan.is_deaf(), Ordering::Relaxed);
        self.framed.store(scan.is_framed(), Ordering::Relaxed);
        self.listening.store(scan.is_listening(), Ordering::Relaxed);
        self.classes.store(scan.wants_classes(), Ordering::Relaxed);
        result
    }
}

/// The parser's settings with the handlers that fill `scan`.
pub(super) fn settings(wire: &Shared) -> Settings<'static, 'static> {
    let share = || Arc::clone(wire);
    let (all, root, canonical, title, form, input, link, text) =
        (share(), share(), share(), share(), share(), share(), share(), share());
    Settings::new_send()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(PARSER_BYTES))
        .append_element_content_handler(element!("*", move |el| on_element(&all, el)))
        .append_element_content_handler(element!("html", move |el| on_root(&root, el)))
        .append_element_content_handler(element!("link[rel=canonical]", move |el| {
            canonical.lock().attributes.canonical = el.get_attribute("href");
            Ok(())
        }))
        .append_element_content_handler(element!("title", move |el| on_title(&title, el)))
        .append_element_content_handler(element!("form", move |el| {
            let (action, name) = (el.get_attribute("action"), el.get_attribute("name"));
            form.lock().attributes.note_form(&action.unwrap_or_default(), &name.unwrap_or_default());
            Ok(())
        }))
        .append_element_content_handler(element!("input[name=ASIN]", move |el| {
            input.lock().attributes.note_asin_input(el);
            Ok(())
        }))
        .append_element_content_handler(element!("a[href*='ref=cs_']", move |el| {
            link.lock().attributes.note_error_link(&el.get_attribute("href").unwrap_or_default());
            Ok(())
        }))
        .append_document_content_handler(doc_text!(move |chunk| {
            if text.listening.load(Ordering::Relaxed) {
                text.lock().push_text(chunk.as_str(), chunk.text_type());
            }
            Ok(())
        }))
}

fn on_element(wire: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    if wire.deaf.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (id, class) =
        (el.get_attribute("id"), if wire.classes.load(Ordering::Relaxed) { el.get_attribute("class") } else { None });
    if id.is_none() && class.is_none() && !wire.framed.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (id, class) = (id.as_deref().unwrap_or_default(), class.as_deref().unwrap_or_default());
    let opened = wire.change(|scan| scan.enter(id, class, el));
    unless_settled(wire)?;
    close_with_end_tag(wire, opened, el)
}

/// Stops the stream at the very tag that settles everything.
fn unless_settled(wire: &Wire) -> HandlerResult {
    if wire.lock().is_settled() { Err(Box::new(Stop)) } else { Ok(()) }
}

/// An element without an end tag (`<img>`) opens nothing that could close.
fn close_with_end_tag(wire: &Shared, opened: Option<u32>, el: &mut Element<'_, '_>) -> HandlerResult {
    let Some(serial) = opened else { return Ok(()) };
    if !el.can_have_content() {
        wire.change(|scan| scan.close(serial));
        return unless_settled(wire);
    }
    let wire = Arc::clone(wire);
    el.on_end_tag(Box::new(move |_| {
        wire.change(|scan| scan.close(serial));
        unless_settled(&wire)
    }))
}

fn on_root(wire: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    let wire = Arc::clone(wire);
    el.on_end_tag(Box::new(move |_| {
        wire.lock().attributes.signs.closed = true;
        Ok(())
    }))
}

/// Only the first `<title>` is the document's; later ones belong to drawings.
fn on_title(wire: &Shared, el: &mut Element<'_, '_>) -> HandlerResult {
    let opened = wire.change(|scan| {
        let is_first = scan.captures.iter().all(|capture| capture.part != Part::DocumentTitle);
        if is_first { scan.open_part(Part::DocumentTitle, "title") } else { None }
    });
    close_with_end_tag(wire, opened, el)
}
