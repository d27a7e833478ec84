-- The first schema: listings and their leases, what tenants watch, history, alerts and tasks.
--
-- Times are whole milliseconds since 1970 (UTC) in columns named `at` or `…_at`. Both engines keep them so, because a
-- number compares, orders and travels alike everywhere, and because it is what the domain counts in.
-- Identifiers are the sixteen bytes of a UUID. JSON columns hold what the domain's types write.
-- The PostgreSQL twin of this step has the same tables and columns.

CREATE TABLE tenant (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);

-- The only tenant until accounts exist.
INSERT INTO tenant (id, name, created_at) VALUES (x'00000000000000000000000000000001', 'built-in', 0);

-- `state` is the truth; `sort_title` (lower case) and `price_minor` repeat of it what lists search and sort by.
CREATE TABLE listing (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    marketplace    TEXT    NOT NULL,
    asin           TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    sort_title     TEXT,
    price_minor    INTEGER,
    last_outcome   TEXT,
    last_looked_at INTEGER,
    created_at     INTEGER NOT NULL,
    UNIQUE (marketplace, asin)
);

-- Who may look at a listing now. A row is never deleted: its token must not start again.
CREATE TABLE lease (
    listing_id  INTEGER NOT NULL PRIMARY KEY REFERENCES listing (id),
    lane        INTEGER NOT NULL DEFAULT 1, -- 0 asked for now, 1 scheduled
    ready_at    INTEGER NOT NULL,           -- claimable from here: due when idle, expiry when leased
    token       INTEGER NOT NULL DEFAULT 0, -- fencing: one higher per claim
    owner       TEXT,                       -- NULL: not leased
    attempt     INTEGER NOT NULL DEFAULT 0, -- claims since the last success
    again_at    INTEGER,                    -- wanted again by then, noted while a look was under way
    parked_at   INTEGER                     -- not claimable since
);
CREATE INDEX lease_ready ON lease (lane, ready_at) WHERE parked_at IS NULL;

CREATE TABLE product (
    id            BLOB    NOT NULL PRIMARY KEY,
    tenant_id     BLOB    NOT NULL REFERENCES tenant (id),
    listing_id    INTEGER NOT NULL REFERENCES listing (id),
    label         TEXT,
    search_label  TEXT,                     -- the label in lower case
    tags          TEXT    NOT NULL,
    interval_secs INTEGER NOT NULL,
    is_competitor BOOLEAN NOT NULL,
    status        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (tenant_id, listing_id)
);
CREATE INDEX product_by_age ON product (tenant_id, created_at, id);
CREATE INDEX product_of_listing ON product (listing_id);

-- A value holds until the next point of its series; number and text both NULL: known to be none.
CREATE TABLE point (
    listing_id INTEGER NOT NULL,
    series     INTEGER NOT NULL,
    category   TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    number     INTEGER,
    text       TEXT,
    PRIMARY KEY (listing_id, series, category, at)
) WITHOUT ROWID;

CREATE TABLE alert_rule (
    id                  BLOB    NOT NULL PRIMARY KEY,
    tenant_id           BLOB    NOT NULL REFERENCES tenant (id),
    product_id          BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    listing_id          INTEGER NOT NULL REFERENCES listing (id),
    condition           TEXT    NOT NULL,
    webhook_url         TEXT    NOT NULL,
    webhook_secret      TEXT    NOT NULL,
    armed               BOOLEAN NOT NULL,
    crossings           INTEGER NOT NULL,
    last_notified_minor INTEGER,
    created_at          INTEGER NOT NULL
);
CREATE INDEX alert_rule_by_age ON alert_rule (tenant_id, created_at, id);
CREATE INDEX alert_rule_of_product ON alert_rule (product_id, created_at, id);
CREATE INDEX alert_rule_of_listing ON alert_rule (listing_id);

-- Rule and product are named without reference: events outlive both.
CREATE TABLE event (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant_id  BLOB    NOT NULL REFERENCES tenant (id),
    rule_id    BLOB    NOT NULL,
    product_id BLOB    NOT NULL,
    facts      TEXT    NOT NULL,
    at         INTEGER NOT NULL
);
CREATE INDEX event_by_age ON event (tenant_id, at, id);
CREATE INDEX event_of_product ON event (product_id, at, id);

-- The channel is copied from the rule: a message that is on its way survives the rule.
CREATE TABLE delivery (
    id             BLOB    NOT NULL PRIMARY KEY,
    tenant_id      BLOB    NOT NULL REFERENCES tenant (id),
    event_id       BLOB    NOT NULL REFERENCES event (id),
    webhook_url    TEXT    NOT NULL,
    webhook_secret TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    ready_at       INTEGER NOT NULL,
    token          INTEGER NOT NULL DEFAULT 0,
    owner          TEXT,
    attempts       INTEGER NOT NULL DEFAULT 0,
    last_error     TEXT,
    delivered_at   INTEGER
);
CREATE INDEX delivery_ready ON delivery (ready_at) WHERE status = 'pending';
CREATE INDEX delivery_of_event ON delivery (event_id);

CREATE TABLE task (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant_id  BLOB    NOT NULL REFERENCES tenant (id),
    created_at INTEGER NOT NULL
);

-- The product is named without reference: the answer to a task outlives it.
CREATE TABLE task_item (
    task_id     BLOB    NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,           -- in the order asked for
    tenant_id   BLOB    NOT NULL REFERENCES tenant (id),
    product_id  BLOB    NOT NULL,
    listing_id  INTEGER NOT NULL REFERENCES listing (id),
    status      TEXT    NOT NULL,
    outcome     TEXT,
    finished_at INTEGER,
    PRIMARY KEY (task_id, place)
) WITHOUT ROWID;
CREATE INDEX task_item_waiting ON task_item (listing_id) WHERE status = 'pending';
CREATE INDEX task_item_of_product ON task_item (product_id) WHERE status = 'pending';
