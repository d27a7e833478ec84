-- Advice of models: what was asked and what it costs (reserved before, settled after), and the answers.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE advice_request (
    id                  uuid   NOT NULL PRIMARY KEY,
    tenant_id           uuid   NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    product_id          uuid   NOT NULL, -- may be deleted: the money was spent
    cache_key           text   NOT NULL,
    model               text   NOT NULL,
    language            text   NOT NULL,
    status              text   NOT NULL, -- asking, answered, failed, lost
    failure             text,            -- why it failed
    at                  bigint NOT NULL,
    lost_at             bigint NOT NULL, -- what has no answer by then never gets one
    ended_at            bigint,
    reserved_nanos      bigint NOT NULL, -- billionths of a US dollar
    settled_nanos       bigint,          -- NULL: it has not ended
    input_tokens        bigint NOT NULL DEFAULT 0,
    cached_input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens       bigint NOT NULL DEFAULT 0
);
CREATE INDEX advice_request_by_time ON advice_request (at);
CREATE INDEX advice_request_of_tenant ON advice_request (tenant_id, at);
CREATE INDEX advice_request_of_product ON advice_request (product_id, at);
CREATE INDEX advice_request_asking ON advice_request (lost_at) WHERE status = 'asking';

CREATE TABLE advice (
    product_id uuid   NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    cache_key  text   NOT NULL,
    tenant_id  uuid   NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    model      text   NOT NULL,
    language   text   NOT NULL,
    body       jsonb  NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (product_id, cache_key)
);
CREATE INDEX advice_of_tenant ON advice (tenant_id);
CREATE INDEX advice_by_expiry ON advice (expires_at);

DO $$
DECLARE
    of_tenant text;
BEGIN
    FOREACH of_tenant IN ARRAY ARRAY['advice_request', 'advice'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_tenant);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = (SELECT tracker_tenant()) '
                       'OR (SELECT tracker_sees_all()))', of_tenant);
    END LOOP;
END $$;
