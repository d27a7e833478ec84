-- Reports with their documents. Each is made by a job, whose status is its own until it has a document.

CREATE TABLE report (
    id          BLOB    NOT NULL PRIMARY KEY,
    tenant_id   BLOB    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    job_id      BLOB    NOT NULL, -- may be deleted before
    schedule_id BLOB,             -- that asked for it; may be deleted before
    topic       TEXT    NOT NULL CHECK (length(topic) <= 20), -- the kind of its subject
    subject     TEXT    NOT NULL CHECK (length(subject) <= 2000), -- JSON
    period      TEXT    NOT NULL CHECK (length(period) <= 200),   -- JSON
    window_from INTEGER NOT NULL,
    window_to   INTEGER NOT NULL,
    window_name TEXT    NOT NULL CHECK (length(window_name) <= 200),
    time_zone   TEXT    NOT NULL CHECK (length(time_zone) <= 100),
    created_by  TEXT    NOT NULL CHECK (length(created_by) <= 100),
    created_at  INTEGER NOT NULL,
    title       TEXT    CHECK (length(title) <= 500), -- this and what follows: NULL until it is done
    has_data    BOOLEAN,
    document    BLOB    CHECK (length(document) <= 16777216), -- JSON, compressed (gzip)
    finished_at INTEGER,
    expires_at  INTEGER
);
CREATE INDEX report_of_tenant ON report (tenant_id, created_at, id);
CREATE UNIQUE INDEX report_of_job ON report (job_id);
CREATE INDEX report_by_expiry ON report (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX report_unfinished ON report (created_at) WHERE finished_at IS NULL;

-- What the step of an item found, for the last step: JSON.
ALTER TABLE job_item ADD COLUMN summary TEXT;

-- The window of the last report that a schedule asked for: it asks for none twice.
ALTER TABLE schedule ADD COLUMN last_window TEXT;
