-- Points by time: retention of history, and what was recorded lately.

CREATE INDEX point_by_time ON point (at);
-- API keys that ended, by which retention finds them: few, however many keys there are.
CREATE INDEX api_key_ended ON api_key (created_at) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;

-- Responses that earlier versions stored for errors: such a request can be repeated.
DELETE FROM idempotency_key WHERE status IS NULL OR location IS NULL OR body IS NULL;
