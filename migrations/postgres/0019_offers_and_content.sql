-- Offer lists of listings, for products that ask for them, and the versions of their content.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE product ADD COLUMN watch_offers boolean NOT NULL DEFAULT false;
ALTER TABLE product ADD COLUMN offers_interval_secs integer NOT NULL DEFAULT 86400;

-- The last offer list. History has its numbers.
CREATE TABLE listing_offers (
    listing_id bigint NOT NULL PRIMARY KEY REFERENCES listing (id),
    at         bigint NOT NULL,
    list       jsonb  NOT NULL
);

-- A version holds from its time until the next one.
CREATE TABLE content_version (
    listing_id bigint NOT NULL REFERENCES listing (id),
    at         bigint NOT NULL,
    changed    jsonb  NOT NULL, -- the names of the fields that differ from the version before
    content    jsonb  NOT NULL,
    PRIMARY KEY (listing_id, at)
);
CREATE INDEX content_version_by_age ON content_version (at);
