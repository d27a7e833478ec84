-- Row versions for `If-Match`: an update that names the version it saw fails when another came first.

-- A request waiting for a lock blocks everybody behind it: give up early and try again.
SET LOCAL lock_timeout = '5s';

ALTER TABLE product ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE tenant ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE tenant_user ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- The row of an idempotency key is written by the transaction that creates the thing: none is without a response any more.
DELETE FROM idempotency_key WHERE status IS NULL;

-- Scopes that opened nothing.
UPDATE api_key SET scopes = trim(replace(replace(scopes, 'crawl:manage', ''), 'report:create', ''));
