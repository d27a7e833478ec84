-- Pictures of listings, fetched once from Amazon, and those that are to be fetched.

CREATE TABLE listing_image (
    listing_id INTEGER NOT NULL PRIMARY KEY REFERENCES listing (id),
    url        TEXT    NOT NULL CHECK (length(url) <= 2000), -- that of the page
    asked_at   INTEGER NOT NULL, -- when somebody first wanted to see it
    due_at     INTEGER,          -- when it is fetched next; NULL: it was fetched, or never will be
    attempts   INTEGER NOT NULL DEFAULT 0,
    media_type TEXT    CHECK (length(media_type) <= 20), -- NULL until the first was fetched
    content    BLOB    CHECK (length(content) <= 524288) -- that of the URL before until it is fetched
);
CREATE INDEX listing_image_due ON listing_image (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX listing_image_by_age ON listing_image (asked_at);
