-- A delivery belongs to the trace of the look that it tells of: its `traceparent` (W3C Trace Context), if that trace is told.

-- Whoever waits for a lock keeps everybody behind it waiting: rather give up, and try again.
SET LOCAL lock_timeout = '5s';
ALTER TABLE delivery ADD COLUMN trace_context text;
