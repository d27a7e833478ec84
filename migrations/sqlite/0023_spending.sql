-- What runs of paid sources cost, and which tenants pay for it: reserved before a run is started, settled at its end.
ALTER TABLE source_run ADD COLUMN reserved_micros INTEGER NOT NULL DEFAULT 0; -- millionths of a US dollar

CREATE TABLE spending (
    run_id          BLOB    NOT NULL REFERENCES source_run (id) ON DELETE CASCADE,
    tenant_id       BLOB    NOT NULL REFERENCES tenant (id),
    source          TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    listings        INTEGER NOT NULL,
    reserved_micros INTEGER NOT NULL,
    settled_micros  INTEGER,          -- NULL: the run has not ended
    PRIMARY KEY (run_id, tenant_id)
) WITHOUT ROWID;
CREATE INDEX spending_of_tenant ON spending (tenant_id, at);
