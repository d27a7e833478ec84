-- When a budget was first spent on a day (UTC): a tenant is told once a day of each budget.
CREATE TABLE budget_refusal (
    tenant_id BLOB    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    day       INTEGER NOT NULL, -- since 1970
    budget    TEXT    NOT NULL, -- tenant, installation
    id        BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, budget)
) WITHOUT ROWID;
CREATE INDEX budget_refusal_by_time ON budget_refusal (at);
