-- Offer lists of listings, for products that ask for them, and the versions of their content.
ALTER TABLE product ADD COLUMN watch_offers BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN offers_interval_secs INTEGER NOT NULL DEFAULT 86400;

-- The last offer list. History has its numbers.
CREATE TABLE listing_offers (
    listing_id INTEGER NOT NULL PRIMARY KEY REFERENCES listing (id),
    at         INTEGER NOT NULL,
    list       TEXT    NOT NULL
);

-- A version holds from its time until the next one.
CREATE TABLE content_version (
    listing_id INTEGER NOT NULL REFERENCES listing (id),
    at         INTEGER NOT NULL,
    changed    TEXT    NOT NULL, -- the names of the fields that differ from the version before
    content    TEXT    NOT NULL,
    PRIMARY KEY (listing_id, at)
) WITHOUT ROWID;
CREATE INDEX content_version_by_age ON content_version (at);
