-- E-mails go out by the outbox too: a delivery carries an event to a webhook, or an e-mail to a person.
-- SQLite cannot take back a NOT NULL: the table is written anew.

CREATE TABLE delivery_anew (
    id             BLOB    NOT NULL PRIMARY KEY,
    tenant_id      BLOB    NOT NULL REFERENCES tenant (id),
    event_id       BLOB    REFERENCES event (id),
    webhook_url    TEXT,
    webhook_secret TEXT,
    mail           TEXT, -- to, subject, text, useless_after; the row is deleted as soon as it is sent or given up
    status         TEXT    NOT NULL,
    ready_at       INTEGER NOT NULL,
    token          INTEGER NOT NULL DEFAULT 0,
    owner          TEXT,
    attempts       INTEGER NOT NULL DEFAULT 0,
    last_error     TEXT,
    delivered_at   INTEGER
);
INSERT INTO delivery_anew (id, tenant_id, event_id, webhook_url, webhook_secret, status, ready_at, token, owner, attempts,
                           last_error, delivered_at)
SELECT id, tenant_id, event_id, webhook_url, webhook_secret, status, ready_at, token, owner, attempts, last_error, delivered_at
  FROM delivery;
DROP TABLE delivery;
ALTER TABLE delivery_anew RENAME TO delivery;
CREATE INDEX delivery_ready ON delivery (ready_at) WHERE status = 'pending';
CREATE INDEX delivery_of_event ON delivery (event_id);
CREATE INDEX delivery_of_tenant ON delivery (tenant_id);

-- How many links somebody was sent lately.
CREATE INDEX link_of_tenant ON link (tenant_id, purpose, created_at);
CREATE INDEX link_of_user ON link (user_id) WHERE user_id IS NOT NULL;
