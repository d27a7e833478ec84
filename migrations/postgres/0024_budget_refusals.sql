-- When a budget was first spent on a day (UTC): a tenant is told once a day of each budget.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE budget_refusal (
    tenant_id uuid   NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    day       bigint NOT NULL, -- since 1970
    budget    text   NOT NULL, -- tenant, installation
    id        uuid   NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (tenant_id, day, budget)
);
CREATE INDEX budget_refusal_by_time ON budget_refusal (at);
ALTER TABLE budget_refusal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON budget_refusal USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
