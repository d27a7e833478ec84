-- Names that the field uses. Renaming makes older versions unusable, which `schema_support` says: no version before this one
-- was ever released.

-- A request waiting for a lock blocks everybody behind it: give up early and try again.
SET LOCAL lock_timeout = '5s';

ALTER TABLE listing RENAME COLUMN last_looked_at TO last_crawled_at;
UPDATE listing SET state = (state - 'fruitless_looks')
    || jsonb_build_object('consecutive_failures', state -> 'fruitless_looks') WHERE state ? 'fruitless_looks';
UPDATE listing SET state = jsonb_set(state, '{held}', (state -> 'held') - 'looks'
    || jsonb_build_object('readings', state -> 'held' -> 'looks')) WHERE state -> 'held' ? 'looks';

ALTER TABLE tenant RENAME COLUMN leaves_at TO deletion_scheduled_at;
ALTER TABLE tenant_user RENAME COLUMN leaves_at TO deletion_scheduled_at;
UPDATE tenant_user SET status = 'pending_deletion' WHERE status = 'leaving';

ALTER TABLE duty RENAME TO job_lease;
ALTER TABLE usage_of_day RENAME TO daily_usage;
ALTER TABLE kept_answer RENAME TO idempotency_key;
ALTER INDEX kept_answer_by_age RENAME TO idempotency_key_by_age;

UPDATE schema_support SET oldest_step = 8;
