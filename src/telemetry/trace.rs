//! Spans of traces, and how a trace goes on elsewhere.
//!
//! They are spans of `tracing` under a target of their own: [`TRACE`]. The log never shows them, and only they are exported.
//! Where no endpoint is configured nobody wants that target, and such a span costs a look at an atomic. A span of the log goes
//! around one of a trace, never the other way round: then the current span tells whether there is a trace.

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span as _, SpanContext, TraceContextExt, Tracer};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::otlp;

/// The target of spans and events that belong to traces.
pub const TRACE: &str = "amazon_tracker::trace";

/// The one field of a W3C trace context that travels here.
const TRACEPARENT: &str = "traceparent";

/// A span for the handling of a mail, if it belongs to a trace; otherwise the sender's span.
pub fn handling(sender: Span, kind: &'static str, what: &'static str) -> Span {
    if !is_of_trace(&sender) {
        return sender;
    }
    tracing::info_span!(target: TRACE, parent: &sender, "mail", otel.name = format_args!("{kind} {what}"))
}

/// Puts a span that is over by now before one that has just been made, as its parent: nobody knew when it began that it would
/// be worth telling.
pub fn precede(span: &Span, name: &'static str, since: Instant) {
    if let Some(tracer) = otlp::tracer().filter(|_| !span.is_disabled()) {
        let began_at = SystemTime::now() - since.elapsed();
        let builder = tracer.span_builder(name).with_start_time(began_at);
        let mut before = builder.start_with_context(&tracer, &Context::new());
        before.end();
        let _ = span.set_parent(Context::new().with_remote_span_context(before.span_context().clone()));
    }
}

/// A place in a trace that is told, for others to point at; the span itself may have ended by then.
pub struct TracePoint(SpanContext);

impl TracePoint {
    /// Where we are; `None`: in no trace, or in one that is not told.
    pub fn here() -> Option<Self> {
        let span = Span::current();
        if !is_of_trace(&span) {
            return None;
        }
        let point = span.context().span().span_context().clone();
        point.is_sampled().then_some(Self(point))
    }

    /// Lets a span point here.
    pub fn link_from(&self, span: &Span) {
        span.add_link(self.0.clone());
    }
}

fn is_of_trace(span: &Span) -> bool {
    span.metadata().is_some_and(|metadata| metadata.target() == TRACE)
}

/// How a trace that is told goes on elsewhere, as the header `traceparent` says it (W3C Trace Context).
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

/// Makes a span that has just been made the next one of a trace that began elsewhere. What is no `traceparent` changes nothing.
pub fn continue_from(span: &Span, traceparent: &str) {
    if !span.is_disabled() {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let _ = span.set_parent(TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier));
    }
}
