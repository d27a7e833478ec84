-- Public links to products: the hash of the token in the URL, and what they show beside the listing.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE share (
    id           uuid    NOT NULL PRIMARY KEY,
    tenant_id    uuid    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    product_id   uuid    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    hash         bytea   NOT NULL,
    shows_label  boolean NOT NULL,
    shows_tags   boolean NOT NULL,
    shows_target boolean NOT NULL,
    created_at   bigint  NOT NULL,
    used_at      bigint -- to the hour; NULL: never
);
CREATE UNIQUE INDEX share_by_hash ON share (hash);
CREATE INDEX share_of_product ON share (product_id, created_at);
CREATE INDEX share_of_tenant ON share (tenant_id);

ALTER TABLE share ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON share USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
