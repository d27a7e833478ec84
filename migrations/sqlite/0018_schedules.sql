-- Schedules of tenants: what is started at which times, and what became of each run.
CREATE TABLE schedule (
    id          BLOB    NOT NULL PRIMARY KEY,
    tenant_id   BLOB    NOT NULL REFERENCES tenant (id),
    name        TEXT    NOT NULL CHECK (length(name) <= 200),
    recurrence  TEXT    NOT NULL,
    spec        TEXT    NOT NULL,               -- of the jobs that it starts
    listings    TEXT    NOT NULL,               -- their items, if the specification names none
    overrun     TEXT    NOT NULL,               -- what happens while the job before has not ended: 'skip' or 'queue'
    is_enabled  BOOLEAN NOT NULL,
    is_queued   BOOLEAN NOT NULL DEFAULT false, -- a run waits for the end of the job before
    next_at     INTEGER,                         -- NULL: disabled, or never again
    last_job_id BLOB,
    created_by  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX schedule_of_tenant ON schedule (tenant_id, created_at, id);
CREATE INDEX schedule_due ON schedule (next_at) WHERE is_enabled;
CREATE INDEX schedule_queued ON schedule (last_job_id) WHERE is_queued;

CREATE TABLE schedule_run (
    id          BLOB   NOT NULL PRIMARY KEY,
    schedule_id BLOB   NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    tenant_id   BLOB   NOT NULL REFERENCES tenant (id),
    due_at      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    result      TEXT   NOT NULL, -- 'started', 'skipped', 'queued' or 'failed'
    job_id      BLOB,
    error       TEXT
);
CREATE INDEX schedule_run_of_schedule ON schedule_run (schedule_id, at, id);
CREATE INDEX schedule_run_by_age ON schedule_run (at);
