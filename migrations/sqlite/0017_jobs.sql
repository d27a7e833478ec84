-- Jobs: durable long work of a tenant, carried on step by step. The tasks of requested crawls become jobs.

ALTER TABLE task RENAME TO job;
DROP INDEX task_of_tenant;
DROP INDEX task_by_age;
ALTER TABLE job ADD COLUMN kind         TEXT    NOT NULL DEFAULT 'crawl';
ALTER TABLE job ADD COLUMN spec         TEXT    NOT NULL DEFAULT '{"kind": "crawl"}'; -- what to do
ALTER TABLE job ADD COLUMN inputs       TEXT;                       -- of items that are to be added, as a JSON list
ALTER TABLE job ADD COLUMN created_by   TEXT;
ALTER TABLE job ADD COLUMN status       TEXT    NOT NULL DEFAULT 'pending';
ALTER TABLE job ADD COLUMN pages        INTEGER NOT NULL DEFAULT 0; -- of a list, that were read
ALTER TABLE job ADD COLUMN is_expanded  BOOLEAN NOT NULL DEFAULT true; -- false: more items are to be added
ALTER TABLE job ADD COLUMN total        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN done         INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN skipped      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN failed       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN cancelled    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN ended_before INTEGER NOT NULL DEFAULT 0; -- items that had ended at `started_at`
ALTER TABLE job ADD COLUMN error        TEXT;                       -- why it ended before its items did
ALTER TABLE job ADD COLUMN started_at   INTEGER;
ALTER TABLE job ADD COLUMN finished_at  INTEGER;
ALTER TABLE job ADD COLUMN updated_at   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN ready_at     INTEGER NOT NULL DEFAULT 0; -- the next step is claimable from then on
ALTER TABLE job ADD COLUMN owner        TEXT;
ALTER TABLE job ADD COLUMN token        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN attempt      INTEGER NOT NULL DEFAULT 0; -- claims since the last step that succeeded
CREATE INDEX job_of_tenant ON job (tenant_id, created_at, id);
CREATE INDEX job_by_age ON job (created_at);
CREATE INDEX job_ready ON job (ready_at) WHERE status IN ('receiving', 'pending', 'running');
CREATE INDEX job_changed ON job (tenant_id, updated_at);

CREATE TABLE job_item (
    job_id      BLOB    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,           -- in the order asked for
    tenant_id   BLOB    NOT NULL REFERENCES tenant (id),
    product_id  BLOB,
    listing_id  INTEGER REFERENCES listing (id),
    status      TEXT    NOT NULL,
    outcome     TEXT,
    finished_at INTEGER,
    input       TEXT,                       -- what the request said of it
    error       TEXT,
    PRIMARY KEY (job_id, place)
) WITHOUT ROWID;
INSERT INTO job_item (job_id, place, tenant_id, product_id, listing_id, status, outcome, finished_at)
    SELECT task_id, place, tenant_id, product_id, listing_id, status, outcome, finished_at FROM task_item;
DROP TABLE task_item;
CREATE INDEX job_item_waiting ON job_item (listing_id) WHERE status = 'pending';
CREATE INDEX job_item_of_product ON job_item (product_id) WHERE status = 'pending';
CREATE INDEX job_item_by_status ON job_item (job_id, status, place);
CREATE INDEX job_item_unprocessed ON job_item (job_id, place) WHERE status = 'pending' AND listing_id IS NULL;
