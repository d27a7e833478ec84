-- Pictures of listings, fetched once from Amazon, and those that are to be fetched.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE listing_image (
    listing_id bigint  NOT NULL PRIMARY KEY REFERENCES listing (id),
    url        text    NOT NULL CHECK (char_length(url) <= 2000), -- that of the page
    asked_at   bigint  NOT NULL, -- when somebody first wanted to see it
    due_at     bigint,           -- when it is fetched next; NULL: it was fetched, or never will be
    attempts   integer NOT NULL DEFAULT 0,
    media_type text    CHECK (char_length(media_type) <= 20), -- NULL until the first was fetched
    content    bytea   CHECK (octet_length(content) <= 524288) -- that of the URL before until it is fetched
);
CREATE INDEX listing_image_due ON listing_image (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX listing_image_by_age ON listing_image (asked_at);
