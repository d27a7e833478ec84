-- Row versions for `If-Match`: an update that names the version it saw fails when another came first.
ALTER TABLE product ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenant ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenant_user ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- The row of an idempotency key is written by the transaction that creates the thing: none is without a response any more.
DELETE FROM idempotency_key WHERE status IS NULL;

-- Scopes that opened nothing.
UPDATE api_key SET scopes = trim(replace(replace(scopes, 'crawl:manage', ''), 'report:create', ''));
