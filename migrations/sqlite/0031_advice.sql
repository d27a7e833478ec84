-- Advice of models: what was asked and what it costs (reserved before, settled after), and the answers.

CREATE TABLE advice_request (
    id                  BLOB    NOT NULL PRIMARY KEY,
    tenant_id           BLOB    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    product_id          BLOB    NOT NULL, -- may be deleted: the money was spent
    cache_key           TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    language            TEXT    NOT NULL,
    status              TEXT    NOT NULL, -- asking, answered, failed, lost
    failure             TEXT,             -- why it failed
    at                  INTEGER NOT NULL,
    lost_at             INTEGER NOT NULL, -- what has no answer by then never gets one
    ended_at            INTEGER,
    reserved_nanos      INTEGER NOT NULL, -- billionths of a US dollar
    settled_nanos       INTEGER,          -- NULL: it has not ended
    input_tokens        INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX advice_request_by_time ON advice_request (at);
CREATE INDEX advice_request_of_tenant ON advice_request (tenant_id, at);
CREATE INDEX advice_request_of_product ON advice_request (product_id, at);
CREATE INDEX advice_request_asking ON advice_request (lost_at) WHERE status = 'asking';

CREATE TABLE advice (
    product_id BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    cache_key  TEXT    NOT NULL,
    tenant_id  BLOB    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    model      TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    body       TEXT    NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (product_id, cache_key)
) WITHOUT ROWID;
CREATE INDEX advice_of_tenant ON advice (tenant_id);
CREATE INDEX advice_by_expiry ON advice (expires_at);
