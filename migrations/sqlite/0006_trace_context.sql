-- A delivery belongs to the trace of the look that it tells of: its `traceparent` (W3C Trace Context), if that trace is told.
ALTER TABLE delivery ADD COLUMN trace_context text;
