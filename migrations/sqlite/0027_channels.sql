-- Channels, and messages to them. An event has a delivery for each channel of its rule; deliveries wait until the policy of the channel lets
-- them go, and then become the members of a message, which never change.

CREATE TABLE channel (
    id              BLOB    NOT NULL PRIMARY KEY,
    tenant_id       BLOB    NOT NULL REFERENCES tenant (id),
    kind            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    config          TEXT    NOT NULL, -- encrypted
    host            TEXT,             -- of the receiver; NULL: a service with an address of its own
    policy          TEXT   NOT NULL,
    language        TEXT    NOT NULL,
    status          TEXT    NOT NULL, -- unverified, ok, paused, broken
    last_error      TEXT,
    failing_since   INTEGER,
    dead_in_a_row   INTEGER NOT NULL DEFAULT 0,
    delivered_at    INTEGER,
    told_at         INTEGER,           -- when its owner was last told that it does not work
    postponed_until INTEGER,           -- the service asked to wait
    last_message_at INTEGER,           -- when a message was last made
    created_at      INTEGER  NOT NULL,
    updated_at      INTEGER  NOT NULL,
    version         INTEGER  NOT NULL DEFAULT 1
);
CREATE TRIGGER channel_insert_length BEFORE INSERT ON channel WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of channel is too long');
END;
CREATE TRIGGER channel_update_length BEFORE UPDATE OF name ON channel WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of channel is too long');
END;
CREATE INDEX channel_of_tenant ON channel (tenant_id, created_at, id);

CREATE TABLE rule_channel (
    rule_id             BLOB    NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
    channel_id          BLOB    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    tenant_id           BLOB    NOT NULL,
    fallback_after_secs INTEGER, -- NULL: always; otherwise only if no other channel has delivered by then
    PRIMARY KEY (rule_id, channel_id)
);
CREATE INDEX rule_channel_of_channel ON rule_channel (channel_id);
CREATE INDEX rule_channel_of_tenant ON rule_channel (tenant_id);

-- Channel and message are named without reference: the log of deliveries outlives both.
ALTER TABLE delivery ADD COLUMN channel_id BLOB;
ALTER TABLE delivery ADD COLUMN message_id BLOB;
ALTER TABLE delivery ADD COLUMN held_for TEXT;
CREATE INDEX delivery_held ON delivery (ready_at) WHERE status = 'held';
CREATE INDEX delivery_of_channel ON delivery (channel_id, ready_at) WHERE channel_id IS NOT NULL;
CREATE INDEX delivery_of_message ON delivery (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE message (
    id            BLOB    NOT NULL PRIMARY KEY,
    tenant_id     BLOB    NOT NULL REFERENCES tenant (id),
    channel_id    BLOB    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    kind          TEXT    NOT NULL, -- single, digest, notice
    notice        TEXT,            -- the text of a notice, which has no members
    host          TEXT,             -- of the receiver; NULL: a service with an address of its own
    status        TEXT    NOT NULL,
    ready_at      INTEGER  NOT NULL,
    token         INTEGER  NOT NULL DEFAULT 0,
    owner         TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    delivered_at  INTEGER,
    trace_context TEXT,
    created_at    INTEGER  NOT NULL
);
CREATE INDEX message_ready ON message (ready_at) WHERE status = 'pending';
CREATE INDEX message_of_channel ON message (channel_id, created_at, id);
CREATE INDEX message_of_tenant ON message (tenant_id);
CREATE INDEX message_by_age ON message (created_at);

CREATE TABLE channel_day (
    channel_id BLOB    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    day        INTEGER  NOT NULL, -- since 1970, in the zone of the channel
    tenant_id  BLOB    NOT NULL,
    sent       INTEGER NOT NULL,
    PRIMARY KEY (channel_id, day)
);
CREATE INDEX channel_day_of_tenant ON channel_day (tenant_id, day);
CREATE INDEX channel_day_by_age ON channel_day (day);

-- Keys that the installation makes for itself, unless the settings have them.
CREATE TABLE installation_key (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
