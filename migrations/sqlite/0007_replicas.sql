-- Work that is due by the clock, done by one replica at a time. `ready_at` means claimable from: due, or the claim's end.
CREATE TABLE duty (
    name TEXT NOT NULL PRIMARY KEY,
    ready_at INTEGER NOT NULL,
    owner TEXT
);

-- A version that knows this step can work with every later schema, until a step says otherwise. So the replicas of the last
-- version run on while the schema is brought up to date, and a version can be taken back.
CREATE TABLE schema_support (
    oldest_step INTEGER NOT NULL
);
INSERT INTO schema_support (oldest_step) VALUES (7);
