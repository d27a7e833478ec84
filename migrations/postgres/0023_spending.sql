-- What runs of paid sources cost, and which tenants pay for it: reserved before a run is started, settled at its end.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE source_run ADD COLUMN reserved_micros bigint NOT NULL DEFAULT 0; -- millionths of a US dollar

CREATE TABLE spending (
    run_id          uuid    NOT NULL REFERENCES source_run (id) ON DELETE CASCADE,
    tenant_id       uuid    NOT NULL REFERENCES tenant (id),
    source          text    NOT NULL,
    at              bigint  NOT NULL,
    listings        bigint  NOT NULL,
    reserved_micros bigint  NOT NULL,
    settled_micros  bigint,           -- NULL: the run has not ended
    PRIMARY KEY (run_id, tenant_id)
);
CREATE INDEX spending_of_tenant ON spending (tenant_id, at);
ALTER TABLE spending ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON spending USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
