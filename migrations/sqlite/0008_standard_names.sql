-- Names that the field uses. Renaming makes older versions unusable, which `schema_support` says: no version before this one
-- was ever released.

ALTER TABLE listing RENAME COLUMN last_looked_at TO last_crawled_at;
UPDATE listing SET state = json_set(json_remove(state, '$.fruitless_looks'), '$.consecutive_failures',
    json_extract(state, '$.fruitless_looks')) WHERE json_type(state, '$.fruitless_looks') IS NOT NULL;
UPDATE listing SET state = json_set(json_remove(state, '$.held.looks'), '$.held.readings',
    json_extract(state, '$.held.looks')) WHERE json_type(state, '$.held.looks') IS NOT NULL;

ALTER TABLE tenant RENAME COLUMN leaves_at TO deletion_scheduled_at;
ALTER TABLE tenant_user RENAME COLUMN leaves_at TO deletion_scheduled_at;
UPDATE tenant_user SET status = 'pending_deletion' WHERE status = 'leaving';

ALTER TABLE duty RENAME TO job_lease;
ALTER TABLE usage_of_day RENAME TO daily_usage;
ALTER TABLE kept_answer RENAME TO idempotency_key;
DROP INDEX kept_answer_by_age;
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);

UPDATE schema_support SET oldest_step = 8;
