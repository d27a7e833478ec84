//! The panic hook: logs a panic together with the work it ended.

use std::cell::Cell;

thread_local! {
    static CURRENT: Cell<Option<(&'static str, &'static str)>> = const { Cell::new(None) };
}

/// Marks the current work of this thread until dropped, for the log line of a panic.
pub struct CurrentWork {
    before: Option<(&'static str, &'static str)>,
}

impl CurrentWork {
    /// `kind` is the actor or the component, `what` the message or the step.
    pub fn enter(kind: &'static str, what: &'static str) -> Self {
        Self { before: CURRENT.replace(Some((kind, what))) }
    }
}

impl Drop for CurrentWork {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Replaces the default panic message with one structured log line. Supervision decides what happens next.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let (kind, what) = CURRENT.get().unwrap_or(("none", "none"));
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("(no text)");
        tracing::error!(actor = kind, handling = what, place, message, "panic in {kind} while handling {what}");
    }));
}
