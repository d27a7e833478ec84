-- The first schema: listings and their leases, what tenants watch, history, alerts and tasks.
--
-- Times are whole milliseconds since 1970 (UTC) in columns named `at` or `…_at`. Both engines keep them so, because a
-- number compares, orders and travels alike everywhere, and because it is what the domain counts in.
-- JSON columns hold what the domain's types write.
-- The SQLite twin of this step has the same tables and columns.

-- The one clock of every replica: the database's.
CREATE FUNCTION unix_millis() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint $$;

CREATE TABLE tenant (
    id         uuid    NOT NULL PRIMARY KEY,
    name       text    NOT NULL,
    created_at bigint  NOT NULL
);

-- The only tenant until accounts exist.
INSERT INTO tenant (id, name, created_at) VALUES ('00000000-0000-0000-0000-000000000001', 'built-in', 0);

-- `state` is the truth; `sort_title` (lower case) and `price_minor` repeat of it what lists search and sort by.
CREATE TABLE listing (
    id             bigint  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    marketplace    text    NOT NULL,
    asin           text    NOT NULL,
    state          jsonb   NOT NULL,
    sort_title     text COLLATE "C",
    price_minor    bigint,
    last_outcome   text,
    last_looked_at bigint,
    created_at     bigint  NOT NULL,
    UNIQUE (marketplace, asin)
);

-- Who may look at a listing now. A row is never deleted: its token must not start again.
CREATE TABLE lease (
    listing_id  bigint  NOT NULL PRIMARY KEY REFERENCES listing (id),
    lane        smallint NOT NULL DEFAULT 1, -- 0 asked for now, 1 scheduled
    ready_at    bigint  NOT NULL,           -- claimable from here: due when idle, expiry when leased
    token       bigint  NOT NULL DEFAULT 0, -- fencing: one higher per claim
    owner       text,                       -- NULL: not leased
    attempt     integer NOT NULL DEFAULT 0, -- claims since the last success
    again_at    bigint,                    -- wanted again by then, noted while a look was under way
    parked_at   bigint                      -- not claimable since
-- Every look rewrites its row twice: leave room on the page, and vacuum long before the default would.
) WITH (fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lease_ready ON lease (lane, ready_at) WHERE parked_at IS NULL;

CREATE TABLE product (
    id            uuid    NOT NULL PRIMARY KEY,
    tenant_id     uuid    NOT NULL REFERENCES tenant (id),
    listing_id    bigint  NOT NULL REFERENCES listing (id),
    label         text,
    search_label  text COLLATE "C", -- the label in lower case
    tags          jsonb   NOT NULL,
    interval_secs integer NOT NULL,
    is_competitor boolean NOT NULL,
    status        text    NOT NULL,
    created_at    bigint  NOT NULL,
    updated_at    bigint  NOT NULL,
    UNIQUE (tenant_id, listing_id)
);
CREATE INDEX product_by_age ON product (tenant_id, created_at, id);
CREATE INDEX product_of_listing ON product (listing_id);

-- A value holds until the next point of its series; number and text both NULL: known to be none.
CREATE TABLE point (
    listing_id bigint  NOT NULL,
    series     smallint NOT NULL,
    category   text    NOT NULL,
    at         bigint  NOT NULL,
    number     bigint,
    text       text,
    PRIMARY KEY (listing_id, series, category, at)
) PARTITION BY RANGE (at);

-- Months are made ahead and dropped by retention; what fits none of them lands here and is moved when its month is made.
CREATE TABLE point_default PARTITION OF point DEFAULT;

CREATE TABLE alert_rule (
    id                  uuid    NOT NULL PRIMARY KEY,
    tenant_id           uuid    NOT NULL REFERENCES tenant (id),
    product_id          uuid    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    listing_id          bigint  NOT NULL REFERENCES listing (id),
    condition           jsonb   NOT NULL,
    webhook_url         text    NOT NULL,
    webhook_secret      text    NOT NULL,
    armed               boolean NOT NULL,
    crossings           bigint  NOT NULL,
    last_notified_minor bigint,
    created_at          bigint  NOT NULL
);
CREATE INDEX alert_rule_by_age ON alert_rule (tenant_id, created_at, id);
CREATE INDEX alert_rule_of_product ON alert_rule (product_id, created_at, id);
CREATE INDEX alert_rule_of_listing ON alert_rule (listing_id);

-- Rule and product are named without reference: events outlive both.
CREATE TABLE event (
    id         uuid    NOT NULL PRIMARY KEY,
    tenant_id  uuid    NOT NULL REFERENCES tenant (id),
    rule_id    uuid    NOT NULL,
    product_id uuid    NOT NULL,
    facts      jsonb   NOT NULL,
    at         bigint  NOT NULL
);
CREATE INDEX event_by_age ON event (tenant_id, at, id);
CREATE INDEX event_of_product ON event (product_id, at, id);

-- The channel is copied from the rule: a message that is on its way survives the rule.
CREATE TABLE delivery (
    id             uuid    NOT NULL PRIMARY KEY,
    tenant_id      uuid    NOT NULL REFERENCES tenant (id),
    event_id       uuid    NOT NULL REFERENCES event (id),
    webhook_url    text    NOT NULL,
    webhook_secret text    NOT NULL,
    status         text    NOT NULL,
    ready_at       bigint  NOT NULL,
    token          bigint  NOT NULL DEFAULT 0,
    owner          text,
    attempts       integer NOT NULL DEFAULT 0,
    last_error     text,
    delivered_at   bigint
);
CREATE INDEX delivery_ready ON delivery (ready_at) WHERE status = 'pending';
CREATE INDEX delivery_of_event ON delivery (event_id);

CREATE TABLE task (
    id         uuid    NOT NULL PRIMARY KEY,
    tenant_id  uuid    NOT NULL REFERENCES tenant (id),
    created_at bigint  NOT NULL
);

-- The product is named without reference: the answer to a task outlives it.
CREATE TABLE task_item (
    task_id     uuid    NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    place       integer NOT NULL,           -- in the order asked for
    tenant_id   uuid    NOT NULL REFERENCES tenant (id),
    product_id  uuid    NOT NULL,
    listing_id  bigint  NOT NULL REFERENCES listing (id),
    status      text    NOT NULL,
    outcome     text,
    finished_at bigint,
    PRIMARY KEY (task_id, place)
);
CREATE INDEX task_item_waiting ON task_item (listing_id) WHERE status = 'pending';
CREATE INDEX task_item_of_product ON task_item (product_id) WHERE status = 'pending';
