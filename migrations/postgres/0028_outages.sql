-- Marketplaces that no source can crawl: one notice stands for the alerts about all their listings.
CREATE TABLE marketplace_outage (
    marketplace text   NOT NULL PRIMARY KEY,
    began_at    bigint NOT NULL,
    seen_at     bigint NOT NULL, -- when a process last reported it; it ends some minutes later
    told_at     bigint           -- when the notices were made
);
