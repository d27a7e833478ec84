//! The parser's handlers, which update the [`Scan`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lol_html::send::{Element, Settings};
use lol_html::{HandlerResult, MemorySettings, doc_text, element};

use super::layout::Part;
use super::scan::Scan;

/// Maximum memory of the parser for one page, in bytes: a tag with its attributes, and the open elements.
const MAX_PARSER_BYTES: usize = 4 * 1024 * 1024;

/// Stops the parser because the page is settled (see [`super::Progress`]). Not a failure.
#[derive(Debug, thiserror::Error)]
#[error("the page is settled")]
pub(super) struct Stop;

/// The scan that all handlers share. Handlers run one at a time, so the lock is never contended. The flags copy the
/// scan's state, so that the many irrelevant elements and texts do not take the lock.
pub(super) struct SharedScan {
    is_unrelated: AtomicBool,
    is_inside_frame: AtomicBool,
    wants_input: AtomicBool,
    wants_classes: AtomicBool,
    scan: Mutex<Scan>,
}

/// A reference to the shared scan, one for each handler.
pub(super) type ScanRef = Arc<SharedScan>;

impl SharedScan {
    /// Wraps a scan.
    pub(super) fn new(scan: Scan) -> ScanRef {
        let wants_input = AtomicBool::new(scan.wants_input());
        Arc::new(Self {
            is_unrelated: AtomicBool::new(false),
            is_inside_frame: AtomicBool::new(false),
            wants_input,
            wants_classes: AtomicBool::new(true),
            scan: Mutex::new(scan),
        })
    }

    /// Locks the scan. A panic in a handler does not leave the captures inconsistent, so poisoning is ignored.
    pub(super) fn lock(&self) -> MutexGuard<'_, Scan> {
        self.scan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Updates the scan and the flags.
    fn update<T>(&self, update: impl FnOnce(&mut Scan) -> T) -> T {
        let mut scan = self.lock();
        let result = update(&mut scan);
        self.is_unrelated.store(scan.is_unrelated(), Ordering::Relaxed);
        self.is_inside_frame.store(scan.is_inside_frame(), Ordering::Relaxed);
        self.wants_input.store(scan.wants_input(), Ordering::Relaxed);
        self.wants_classes.store(scan.wants_classes(), Ordering::Relaxed);
        result
    }
}

/// The parser's settings, with the handlers that update the scan.
pub(super) fn settings(shared: &ScanRef) -> Settings<'static, 'static> {
    let [all, root, canonical, title, form, input, link, text] = std::array::from_fn(|_| Arc::clone(shared));
    Settings::new_send()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MAX_PARSER_BYTES))
        .append_element_content_handler(element!("*", move |el| on_element(&all, el)))
        .append_element_content_handler(element!("html", move |el| on_root(&root, el)))
        .append_element_content_handler(element!("link[rel=canonical]", move |el| {
            canonical.lock().attributes.canonical = el.get_attribute("href");
            Ok(())
        }))
        .append_element_content_handler(element!("title", move |el| on_title(&title, el)))
        .append_element_content_handler(element!("form", move |el| {
            let (action, name) = (el.get_attribute("action"), el.get_attribute("name"));
            form.lock().attributes.record_form(&action.unwrap_or_default(), &name.unwrap_or_default());
            Ok(())
        }))
        .append_element_content_handler(element!("input[name=ASIN]", move |el| {
            input.lock().attributes.record_asin_input(el);
            Ok(())
        }))
        .append_element_content_handler(element!("a[href*='ref=cs_']", move |el| {
            link.lock().attributes.record_error_link(&el.get_attribute("href").unwrap_or_default());
            Ok(())
        }))
        .append_document_content_handler(doc_text!(move |chunk| {
            if text.wants_input.load(Ordering::Relaxed) {
                text.lock().push_text(chunk.as_str(), chunk.text_type());
            }
            Ok(())
        }))
}

fn on_element(shared: &ScanRef, el: &mut Element<'_, '_>) -> HandlerResult {
    if shared.is_unrelated.load(Ordering::Relaxed) {
        return Ok(());
    }
    let id = el.get_attribute("id");
    let class = if shared.wants_classes.load(Ordering::Relaxed) { el.get_attribute("class") } else { None };
    if id.is_none() && class.is_none() && !shared.is_inside_frame.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (id, class) = (id.as_deref().unwrap_or_default(), class.as_deref().unwrap_or_default());
    let opened = shared.update(|scan| scan.enter(id, class, el));
    stop_if_settled(shared)?;
    close_with_end_tag(shared, opened, el)
}

/// Stops the parser at the tag that settles the page.
fn stop_if_settled(shared: &SharedScan) -> HandlerResult {
    if shared.lock().is_settled() { Err(Box::new(Stop)) } else { Ok(()) }
}

/// Closes the frame at the element's end tag, or at once for an element without one (`<img>`).
fn close_with_end_tag(shared: &ScanRef, opened: Option<u32>, el: &mut Element<'_, '_>) -> HandlerResult {
    let Some(serial) = opened else { return Ok(()) };
    if !el.can_have_content() {
        shared.update(|scan| scan.close(serial));
        return stop_if_settled(shared);
    }
    let shared = Arc::clone(shared);
    el.on_end_tag(Box::new(move |_| {
        shared.update(|scan| scan.close(serial));
        stop_if_settled(&shared)
    }))
}

fn on_root(shared: &ScanRef, el: &mut Element<'_, '_>) -> HandlerResult {
    let shared = Arc::clone(shared);
    el.on_end_tag(Box::new(move |_| {
        shared.lock().attributes.markers.closed = true;
        Ok(())
    }))
}

/// Only the first `<title>` is the document's. Later ones belong to SVG drawings.
fn on_title(shared: &ScanRef, el: &mut Element<'_, '_>) -> HandlerResult {
    let opened = shared.update(|scan| {
        let is_first = scan.captures.iter().all(|capture| capture.part != Part::DocumentTitle);
        if is_first { scan.open_part(Part::DocumentTitle, "title") } else { None }
    });
    close_with_end_tag(shared, opened, el)
}
