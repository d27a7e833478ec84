-- Marketplaces that no source can crawl: one notice stands for the alerts about all their listings.
CREATE TABLE marketplace_outage (
    marketplace TEXT    NOT NULL PRIMARY KEY,
    began_at    INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL, -- when a process last reported it; it ends some minutes later
    told_at     INTEGER           -- when the notices were made
);

-- Whether a channel has a message that nobody has tried to send yet is asked for each event that waits.
CREATE INDEX message_pending_of_channel ON message (channel_id) WHERE status = 'pending';

-- What a rule remembers names the version of the condition that it belongs to.
UPDATE rule_state
   SET state = json_set(state, '$.condition_version', (SELECT r.condition_version FROM alert_rule r WHERE r.id = rule_state.rule_id))
 WHERE EXISTS (SELECT 1 FROM alert_rule r WHERE r.id = rule_state.rule_id);
