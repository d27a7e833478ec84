-- Marketplaces that no source can crawl: one notice stands for the alerts about all their listings.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE marketplace_outage (
    marketplace text   NOT NULL PRIMARY KEY,
    began_at    bigint NOT NULL,
    seen_at     bigint NOT NULL, -- when a process last reported it; it ends some minutes later
    told_at     bigint           -- when the notices were made
);

-- Whether a channel has a message that nobody has tried to send yet is asked for each event that waits.
CREATE INDEX message_pending_of_channel ON message (channel_id) WHERE status = 'pending';

-- What a rule remembers names the version of the condition that it belongs to.
UPDATE rule_state SET state = rule_state.state || jsonb_build_object('condition_version', r.condition_version)
  FROM alert_rule r WHERE r.id = rule_state.rule_id;
