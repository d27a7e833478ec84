//! What a tool is called with besides its arguments.

use std::time::{Duration, Instant};

use tracing::Span;

use crate::service::{Caller, Service};

/// The part of the time that is not for waiting: what comes after it.
const MARGIN: Duration = Duration::from_secs(1);

/// Who calls, and until when the answer must be there.
#[derive(Clone)]
pub struct CallContext {
    caller: Caller,
    deadline: Instant,
    /// The span of the request: the protocol's own tasks do not inherit it.
    span: Span,
}

impl CallContext {
    /// A call within the current span.
    pub fn new(caller: Caller, deadline: Instant) -> Self {
        Self { caller, deadline, span: Span::current() }
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn into_call(self, service: Service) -> Call {
        Call { service, caller: self.caller, deadline: self.deadline }
    }
}

/// A call of a tool.
pub(super) struct Call {
    /// The use cases.
    pub service: Service,
    /// Who calls.
    pub caller: Caller,
    deadline: Instant,
}

impl Call {
    /// How long the call may wait for something, if it would like to wait so long.
    pub(super) fn wait_up_to(&self, wanted: Duration) -> Duration {
        wanted.min(self.deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN))
    }
}
