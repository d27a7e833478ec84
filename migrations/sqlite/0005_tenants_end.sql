-- Tenants change and leave.
ALTER TABLE tenant ADD COLUMN updated_at bigint NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN leaves_at bigint; -- deleted then, with everything of it
UPDATE tenant SET updated_at = created_at;

CREATE INDEX session_of_tenant ON session (tenant_id);
CREATE INDEX task_of_tenant ON task (tenant_id, created_at, id);
-- Tasks are forgotten some time after they were asked for.
CREATE INDEX task_by_age ON task (created_at);

-- What changed of a listing since a moment, whatever it was. (PostgreSQL narrows by the time within the primary key.)
CREATE INDEX point_of_time ON point (listing_id, at);
