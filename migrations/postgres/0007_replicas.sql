-- Whoever waits for a lock keeps everybody behind it waiting: rather give up, and try again.
SET LOCAL lock_timeout = '5s';

-- Work that is due by the clock, done by one replica at a time. `ready_at` means claimable from: due, or the claim's end.
CREATE TABLE duty (
    name TEXT PRIMARY KEY,
    ready_at BIGINT NOT NULL,
    owner TEXT
);

-- A version that knows this step can work with every later schema, until a step says otherwise. So the replicas of the last
-- version run on while the schema is brought up to date, and a version can be taken back.
CREATE TABLE schema_support (
    oldest_step BIGINT NOT NULL
);
INSERT INTO schema_support (oldest_step) VALUES (7);
