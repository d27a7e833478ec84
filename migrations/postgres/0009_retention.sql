-- Retention: the indexes by which old rows are found, and one time per transaction.

-- A request waiting for a lock blocks everybody behind it: give up early and try again.
SET LOCAL lock_timeout = '5s';

-- All statements of a transaction see the same time, so each can read the clock by itself.
CREATE OR REPLACE FUNCTION unix_millis() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM transaction_timestamp()) * 1000)::bigint $$;

CREATE INDEX event_by_time ON event (at);
CREATE INDEX delivery_delivered ON delivery (delivered_at) WHERE status = 'delivered';
-- Also counts the dead deliveries for the metrics. `ready_at` of a dead delivery is when it was given up.
CREATE INDEX delivery_dead ON delivery (ready_at) WHERE status = 'dead';
-- Nothing updates an entry of the audit log; entries are deleted when their retention ends.
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX refresh_token_spent ON refresh_token (spent_at) WHERE spent_at IS NOT NULL;
CREATE INDEX daily_usage_by_day ON daily_usage (day);
-- Accounts whose address was never verified, and accounts to be deleted: few, however many users there are.
CREATE INDEX user_unverified ON tenant_user (created_at) WHERE verified_at IS NULL;
CREATE INDEX user_pending_deletion ON tenant_user (deletion_scheduled_at) WHERE status = 'pending_deletion';
