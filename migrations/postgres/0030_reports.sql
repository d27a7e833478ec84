-- Reports with their documents. Each is made by a job, whose status is its own until it has a document.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE report (
    id          uuid    NOT NULL PRIMARY KEY,
    tenant_id   uuid    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    job_id      uuid    NOT NULL, -- may be deleted before
    schedule_id uuid,             -- that asked for it; may be deleted before
    topic       text    NOT NULL CHECK (char_length(topic) <= 20), -- the kind of its subject
    subject     jsonb   NOT NULL CHECK (char_length(subject::text) <= 2000),
    period      jsonb   NOT NULL CHECK (char_length(period::text) <= 200),
    window_from bigint  NOT NULL,
    window_to   bigint  NOT NULL,
    window_name text    NOT NULL CHECK (char_length(window_name) <= 200),
    time_zone   text    NOT NULL CHECK (char_length(time_zone) <= 100),
    created_by  text    NOT NULL CHECK (char_length(created_by) <= 100),
    created_at  bigint  NOT NULL,
    title       text    CHECK (char_length(title) <= 500), -- this and what follows: NULL until it is done
    has_data    boolean,
    document    bytea   CHECK (octet_length(document) <= 16777216), -- JSON, compressed (gzip)
    finished_at bigint,
    expires_at  bigint
);
CREATE INDEX report_of_tenant ON report (tenant_id, created_at, id);
CREATE UNIQUE INDEX report_of_job ON report (job_id);
CREATE INDEX report_by_expiry ON report (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX report_unfinished ON report (created_at) WHERE finished_at IS NULL;

-- What the step of an item found, for the last step: JSON.
ALTER TABLE job_item ADD COLUMN summary text;

-- The window of the last report that a schedule asked for: it asks for none twice.
ALTER TABLE schedule ADD COLUMN last_window text;

DO $$
BEGIN
    ALTER TABLE report ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY of_tenant ON report USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
END $$;
