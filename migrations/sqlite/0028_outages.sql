-- Marketplaces that no source can crawl: one notice stands for the alerts about all their listings.
CREATE TABLE marketplace_outage (
    marketplace TEXT    NOT NULL PRIMARY KEY,
    began_at    INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL, -- when a process last reported it; it ends some minutes later
    told_at     INTEGER           -- when the notices were made
);
