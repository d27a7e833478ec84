-- The past of listings, imported from a service that watched them before us: what was imported, and what is still to be fetched.
CREATE TABLE history_import (
    listing_id  bigint  NOT NULL PRIMARY KEY REFERENCES listing (id),
    marketplace text    NOT NULL,
    source      text,                       -- of what was imported; NULL: nothing yet
    imported_at bigint,
    first_at    bigint,                     -- the earliest imported point, and the last; NULL: none. Later points are our own
    last_at     bigint,
    known_until bigint,                     -- when the source last looked
    points      bigint  NOT NULL DEFAULT 0,
    joined_at   bigint,                     -- when the time until our first own point was looked at; NULL: there is none yet
    ready_at    bigint,                     -- when it may be fetched, or when the lease expires; NULL: nothing is to be fetched
    token       bigint  NOT NULL DEFAULT 0,
    attempt     integer NOT NULL DEFAULT 0,
    owner       text,
    error       text,                       -- why the last attempt failed
    fetched_at  bigint,
    charge      bigint  NOT NULL DEFAULT 0  -- what was spent in the 24 hours until then, in tokens of the source
);
CREATE INDEX history_import_due ON history_import (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX history_import_fetched ON history_import (fetched_at);
CREATE INDEX history_import_open ON history_import (listing_id) WHERE joined_at IS NULL AND last_at IS NOT NULL;
