-- Public links to products: the hash of the token in the URL, and what they show beside the listing.

CREATE TABLE share (
    id           BLOB    NOT NULL PRIMARY KEY,
    tenant_id    BLOB    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE, -- the version before does not know this table
    product_id   BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    hash         BLOB    NOT NULL,
    shows_label  BOOLEAN NOT NULL,
    shows_tags   BOOLEAN NOT NULL,
    shows_target BOOLEAN NOT NULL,
    created_at   INTEGER NOT NULL,
    used_at      INTEGER -- to the hour; NULL: never
);
CREATE UNIQUE INDEX share_by_hash ON share (hash);
CREATE INDEX share_of_product ON share (product_id, created_at);
CREATE INDEX share_of_tenant ON share (tenant_id);
