-- The past of listings, imported from a service that watched them before us: what was imported, and what is still to be fetched.
CREATE TABLE history_import (
    listing_id  INTEGER NOT NULL PRIMARY KEY REFERENCES listing (id),
    marketplace TEXT    NOT NULL,
    source      TEXT,                       -- of what was imported; NULL: nothing yet
    imported_at INTEGER,
    first_at    INTEGER,                    -- the earliest imported point, and the last; NULL: none. Later points are our own
    last_at     INTEGER,
    known_until INTEGER,                    -- when the source last looked
    points      INTEGER NOT NULL DEFAULT 0,
    joined_at   INTEGER,                    -- when the time until our first own point was looked at; NULL: there is none yet
    ready_at    INTEGER,                    -- when it may be fetched, or when the lease expires; NULL: nothing is to be fetched
    token       INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    error       TEXT,                       -- why the last attempt failed
    fetched_at  INTEGER,
    charge      INTEGER NOT NULL DEFAULT 0  -- what was spent in the 24 hours until then, in tokens of the source
);
CREATE INDEX history_import_due ON history_import (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX history_import_fetched ON history_import (fetched_at);
CREATE INDEX history_import_open ON history_import (listing_id) WHERE joined_at IS NULL AND last_at IS NOT NULL;
