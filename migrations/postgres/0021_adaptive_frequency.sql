-- Products that are crawled at an interval that follows from how often their listing changes: `interval_secs` is the average one, and
-- earlier versions take it for a fixed one.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE product ADD COLUMN is_adaptive boolean NOT NULL DEFAULT false;
CREATE INDEX product_adaptive ON product (tenant_id, id) WHERE is_adaptive AND status = 'active';

-- How the crawls of a tenant's adaptive products are spread; NULL: not computed yet.
ALTER TABLE tenant ADD COLUMN crawl_allocation jsonb;
