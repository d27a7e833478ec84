-- Channels, and messages to them. An event has a delivery for each channel of its rule; deliveries wait until the policy of the channel lets
-- them go, and then become the members of a message, which never change.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE channel (
    id              uuid    NOT NULL PRIMARY KEY,
    tenant_id       uuid    NOT NULL REFERENCES tenant (id),
    kind            text    NOT NULL,
    name            text    NOT NULL CHECK (char_length(name) <= 200),
    config          text    NOT NULL, -- encrypted
    host            text,             -- of the receiver; NULL: a service with an address of its own
    policy          jsonb   NOT NULL,
    language        text    NOT NULL,
    status          text    NOT NULL, -- unverified, ok, paused, broken
    last_error      text,
    failing_since   bigint,
    dead_in_a_row   integer NOT NULL DEFAULT 0,
    delivered_at    bigint,
    told_at         bigint,           -- when its owner was last told that it does not work
    postponed_until bigint,           -- the service asked to wait
    last_message_at bigint,           -- when a message was last made
    created_at      bigint  NOT NULL,
    updated_at      bigint  NOT NULL,
    version         bigint  NOT NULL DEFAULT 1
);
CREATE INDEX channel_of_tenant ON channel (tenant_id, created_at, id);

CREATE TABLE rule_channel (
    rule_id             uuid    NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
    channel_id          uuid    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    tenant_id           uuid    NOT NULL,
    fallback_after_secs integer, -- NULL: always; otherwise only if no other channel has delivered by then
    PRIMARY KEY (rule_id, channel_id)
);
CREATE INDEX rule_channel_of_channel ON rule_channel (channel_id);
CREATE INDEX rule_channel_of_tenant ON rule_channel (tenant_id);

-- Channel and message are named without reference: the log of deliveries outlives both.
ALTER TABLE delivery
    ADD COLUMN channel_id uuid,
    ADD COLUMN message_id uuid,
    ADD COLUMN held_for   text;
CREATE INDEX delivery_held ON delivery (ready_at) WHERE status = 'held';
CREATE INDEX delivery_of_channel ON delivery (channel_id, ready_at) WHERE channel_id IS NOT NULL;
CREATE INDEX delivery_of_message ON delivery (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE message (
    id            uuid    NOT NULL PRIMARY KEY,
    tenant_id     uuid    NOT NULL REFERENCES tenant (id),
    channel_id    uuid    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    kind          text    NOT NULL, -- single, digest, notice
    notice        jsonb,            -- the text of a notice, which has no members
    host          text,             -- of the receiver; NULL: a service with an address of its own
    status        text    NOT NULL,
    ready_at      bigint  NOT NULL,
    token         bigint  NOT NULL DEFAULT 0,
    owner         text,
    attempts      integer NOT NULL DEFAULT 0,
    last_error    text,
    delivered_at  bigint,
    trace_context text,
    created_at    bigint  NOT NULL
);
CREATE INDEX message_ready ON message (ready_at) WHERE status = 'pending';
CREATE INDEX message_of_channel ON message (channel_id, created_at, id);
CREATE INDEX message_of_tenant ON message (tenant_id);
CREATE INDEX message_by_age ON message (created_at);

CREATE TABLE channel_day (
    channel_id uuid    NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    day        bigint  NOT NULL, -- since 1970, in the zone of the channel
    tenant_id  uuid    NOT NULL,
    sent       integer NOT NULL,
    PRIMARY KEY (channel_id, day)
);
CREATE INDEX channel_day_of_tenant ON channel_day (tenant_id, day);
CREATE INDEX channel_day_by_age ON channel_day (day);

DO $$
DECLARE
    of_tenant text;
BEGIN
    FOREACH of_tenant IN ARRAY ARRAY['channel', 'rule_channel', 'message', 'channel_day'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_tenant);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = (SELECT tracker_tenant()) '
                       'OR (SELECT tracker_sees_all()))', of_tenant);
    END LOOP;
END $$;

-- Keys that the installation makes for itself, unless the settings have them.
CREATE TABLE installation_key (
    name  text NOT NULL PRIMARY KEY,
    value text NOT NULL
);
