-- Sets of an own product and the competitors that it is compared with.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

CREATE TABLE competitor_set (
    id         uuid   NOT NULL PRIMARY KEY,
    tenant_id  uuid   NOT NULL REFERENCES tenant (id),
    name       text   NOT NULL CHECK (char_length(name) <= 200),
    product_id uuid   NOT NULL REFERENCES product (id) ON DELETE CASCADE, -- the own product
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version    bigint NOT NULL DEFAULT 1
);
CREATE INDEX competitor_set_of_tenant ON competitor_set (tenant_id, created_at, id);
CREATE INDEX competitor_set_of_product ON competitor_set (product_id);

CREATE TABLE competitor (
    set_id     uuid    NOT NULL REFERENCES competitor_set (id) ON DELETE CASCADE,
    product_id uuid    NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    tenant_id  uuid    NOT NULL,
    place      integer NOT NULL, -- in the order given
    PRIMARY KEY (set_id, product_id)
);
CREATE INDEX competitor_of_product ON competitor (product_id);
CREATE INDEX competitor_of_tenant ON competitor (tenant_id);

DO $$
DECLARE
    of_tenant text;
BEGIN
    FOREACH of_tenant IN ARRAY ARRAY['competitor_set', 'competitor'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_tenant);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = (SELECT tracker_tenant()) '
                       'OR (SELECT tracker_sees_all()))', of_tenant);
    END LOOP;
END $$;
