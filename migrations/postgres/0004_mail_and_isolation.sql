-- E-mails go out by the outbox too: a delivery carries an event to a webhook, or an e-mail to a person.

ALTER TABLE delivery
    ADD COLUMN mail jsonb, -- to, subject, text, useless_after; the row is deleted as soon as it is sent or given up
    ALTER COLUMN event_id DROP NOT NULL,
    ALTER COLUMN webhook_url DROP NOT NULL,
    ALTER COLUMN webhook_secret DROP NOT NULL;
CREATE INDEX delivery_of_tenant ON delivery (tenant_id);

-- How many links somebody was sent lately.
CREATE INDEX link_of_tenant ON link (tenant_id, purpose, created_at);
CREATE INDEX link_of_user ON link (user_id) WHERE user_id IS NOT NULL;

-- Row-level security: a connection sees the rows of the tenant that `tracker.tenant_id` names, everything when it says `*`, and
-- nothing when it says neither. Every statement names its tenant by itself as well; this is for the one that forgets to.
-- It holds for the owner of the tables too, but not for superusers. (No version before this one was ever released, so no
-- older replica can be running beside it.)

CREATE FUNCTION tracker_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(nullif(current_setting('tracker.tenant_id', true), ''), '*')::uuid $$;

CREATE FUNCTION tracker_sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('tracker.tenant_id', true) = '*', false) $$;

-- The sub-selects are evaluated once for a statement, not once for a row.
DO $$
DECLARE
    of_tenant text;
BEGIN
    FOREACH of_tenant IN ARRAY ARRAY['product', 'alert_rule', 'event', 'delivery', 'task', 'task_item', 'tenant_user', 'session',
                                     'api_key', 'link', 'audit', 'usage_of_day', 'kept_answer'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_tenant);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = (SELECT tracker_tenant()) '
                       'OR (SELECT tracker_sees_all()))', of_tenant);
    END LOOP;
END $$;

ALTER TABLE tenant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON tenant USING (id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));

-- Found by its hash alone, before anybody knows whose it is.
ALTER TABLE refresh_token ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_nobody ON refresh_token USING ((SELECT tracker_sees_all()));
