-- Schedules of tenants: what is started at which times, and what became of each run.
CREATE TABLE schedule (
    id          uuid    NOT NULL PRIMARY KEY,
    tenant_id   uuid    NOT NULL REFERENCES tenant (id),
    name        text    NOT NULL CHECK (char_length(name) <= 200),
    recurrence  jsonb   NOT NULL,
    spec        jsonb   NOT NULL,               -- of the jobs that it starts
    listings    jsonb   NOT NULL,               -- their items, if the specification names none
    overrun     text    NOT NULL,               -- what happens while the job before has not ended: 'skip' or 'queue'
    is_enabled  boolean NOT NULL,
    is_queued   boolean NOT NULL DEFAULT false, -- a run waits for the end of the job before
    next_at     bigint,                         -- NULL: disabled, or never again
    last_job_id uuid,
    created_by  text    NOT NULL,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL,
    version     bigint  NOT NULL DEFAULT 1
);
CREATE INDEX schedule_of_tenant ON schedule (tenant_id, created_at, id);
CREATE INDEX schedule_due ON schedule (next_at) WHERE is_enabled;
CREATE INDEX schedule_queued ON schedule (last_job_id) WHERE is_queued;

CREATE TABLE schedule_run (
    id          uuid   NOT NULL PRIMARY KEY,
    schedule_id uuid   NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    tenant_id   uuid   NOT NULL REFERENCES tenant (id),
    due_at      bigint NOT NULL,
    at          bigint NOT NULL,
    result      text   NOT NULL, -- 'started', 'skipped', 'queued' or 'failed'
    job_id      uuid,
    error       text
);
CREATE INDEX schedule_run_of_schedule ON schedule_run (schedule_id, at, id);
CREATE INDEX schedule_run_by_age ON schedule_run (at);

ALTER TABLE schedule ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON schedule USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
ALTER TABLE schedule_run ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON schedule_run USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
