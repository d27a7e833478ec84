-- Sets of an own product and the competitors that it is compared with.

CREATE TABLE competitor_set (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant_id  BLOB    NOT NULL REFERENCES tenant (id),
    name       TEXT    NOT NULL,
    product_id BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE, -- the own product
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX competitor_set_of_tenant ON competitor_set (tenant_id, created_at, id);
CREATE INDEX competitor_set_of_product ON competitor_set (product_id);

CREATE TABLE competitor (
    set_id     BLOB    NOT NULL REFERENCES competitor_set (id) ON DELETE CASCADE,
    product_id BLOB    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    tenant_id  BLOB    NOT NULL,
    place      INTEGER NOT NULL, -- in the order given
    PRIMARY KEY (set_id, product_id)
);
CREATE INDEX competitor_of_product ON competitor (product_id);
CREATE INDEX competitor_of_tenant ON competitor (tenant_id);
