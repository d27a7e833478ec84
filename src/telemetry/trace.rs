//! Spans of traces, and the propagation of trace context.
//!
//! They are `tracing` spans with a target of their own, [`TRACE`]. They never appear in the log, and only they are
//! exported. Without an endpoint no subscriber enables that target, and a span costs one atomic load. Log spans enclose
//! trace spans, never the other way round, so the current span shows whether there is a trace.

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span as _, SpanContext, TraceContextExt, Tracer};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::otlp;

/// Target of spans and events that belong to traces.
pub const TRACE: &str = "amazon_tracker::trace";

/// The one W3C trace context field that is propagated.
const TRACEPARENT: &str = "traceparent";

/// A span for handling a message, if the sender's span belongs to a trace; otherwise the sender's span.
pub fn handling(sender: Span, kind: &'static str, what: &'static str) -> Span {
    if !is_of_trace(&sender) {
        return sender;
    }
    tracing::info_span!(target: TRACE, parent: &sender, "message", otel.name = format_args!("{kind} {what}"))
}

/// Inserts a completed span before a new one, as its parent. Used when it becomes known only afterwards that an
/// operation belongs to a trace.
pub fn precede(span: &Span, name: &'static str, since: Instant) {
    if let Some(tracer) = otlp::tracer().filter(|_| !span.is_disabled()) {
        let began_at = SystemTime::now() - since.elapsed();
        let builder = tracer.span_builder(name).with_start_time(began_at);
        let mut earlier = builder.start_with_context(&tracer, &Context::new());
        earlier.end();
        let _ = span.set_parent(Context::new().with_remote_span_context(earlier.span_context().clone()));
    }
}

/// The context of a sampled span, for links from other spans. The span itself may have ended.
pub struct TracePoint(SpanContext);

impl TracePoint {
    /// The current context; `None` outside of traces and in traces that are not sampled.
    pub fn here() -> Option<Self> {
        let span = Span::current();
        if !is_of_trace(&span) {
            return None;
        }
        let point = span.context().span().span_context().clone();
        point.is_sampled().then_some(Self(point))
    }

    /// Adds a link from `span` to this context.
    pub fn link_from(&self, span: &Span) {
        span.add_link(self.0.clone());
    }
}

fn is_of_trace(span: &Span) -> bool {
    span.metadata().is_some_and(|metadata| metadata.target() == TRACE)
}

/// The value of the header `traceparent` (W3C Trace Context) for a sampled span.
pub fn traceparent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a new span the child of a remote one. An invalid `traceparent` has no effect.
pub fn continue_from(span: &Span, traceparent: &str) {
    if !span.is_disabled() {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let _ = span.set_parent(TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier));
    }
}
