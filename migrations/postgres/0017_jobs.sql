-- Jobs: durable long work of a tenant, carried on step by step by any replica. The tasks of requested crawls become jobs.

-- A request waiting for a lock blocks everybody behind it: give up early and try again.
SET LOCAL lock_timeout = '5s';

ALTER TABLE task RENAME TO job;
ALTER INDEX task_of_tenant RENAME TO job_of_tenant;
ALTER INDEX task_by_age RENAME TO job_by_age;
ALTER TABLE job
    ADD COLUMN kind         text     NOT NULL DEFAULT 'crawl',
    ADD COLUMN spec         jsonb    NOT NULL DEFAULT '{"kind": "crawl"}', -- what to do
    ADD COLUMN inputs       text,                        -- of items that are to be added, as a JSON list
    ADD COLUMN created_by   text,
    ADD COLUMN status       text     NOT NULL DEFAULT 'pending',
    ADD COLUMN pages        integer  NOT NULL DEFAULT 0, -- of a list, that were read
    ADD COLUMN is_expanded  boolean  NOT NULL DEFAULT true, -- false: more items are to be added
    ADD COLUMN total        bigint   NOT NULL DEFAULT 0,
    ADD COLUMN done         bigint   NOT NULL DEFAULT 0,
    ADD COLUMN skipped      bigint   NOT NULL DEFAULT 0,
    ADD COLUMN failed       bigint   NOT NULL DEFAULT 0,
    ADD COLUMN cancelled    bigint   NOT NULL DEFAULT 0,
    ADD COLUMN ended_before bigint   NOT NULL DEFAULT 0, -- items that had ended at `started_at`
    ADD COLUMN error        text,                        -- why it ended before its items did
    ADD COLUMN started_at   bigint,
    ADD COLUMN finished_at  bigint,
    ADD COLUMN updated_at   bigint   NOT NULL DEFAULT 0,
    ADD COLUMN ready_at     bigint   NOT NULL DEFAULT 0, -- the next step is claimable from then on
    ADD COLUMN owner        text,
    ADD COLUMN token        bigint   NOT NULL DEFAULT 0,
    ADD COLUMN attempt      smallint NOT NULL DEFAULT 0; -- claims since the last step that succeeded
CREATE INDEX job_ready ON job (ready_at) WHERE status IN ('receiving', 'pending', 'running');
CREATE INDEX job_changed ON job (tenant_id, updated_at);

ALTER TABLE task_item RENAME TO job_item;
ALTER TABLE job_item RENAME COLUMN task_id TO job_id;
ALTER INDEX task_item_waiting RENAME TO job_item_waiting;
ALTER INDEX task_item_of_product RENAME TO job_item_of_product;
ALTER TABLE job_item
    ALTER COLUMN product_id DROP NOT NULL,
    ALTER COLUMN listing_id DROP NOT NULL,
    ADD COLUMN input text,  -- what the request said of it
    ADD COLUMN error text;
CREATE INDEX job_item_by_status ON job_item (job_id, status, place);
CREATE INDEX job_item_unprocessed ON job_item (job_id, place) WHERE status = 'pending' AND listing_id IS NULL;

-- For replicas of the previous version, as long as there are any.
CREATE VIEW task WITH (security_invoker = true) AS
    SELECT id, tenant_id, created_at FROM job WHERE kind = 'crawl';
CREATE VIEW task_item WITH (security_invoker = true) AS
    SELECT job_id AS task_id, place, tenant_id, product_id, listing_id, status, outcome, finished_at FROM job_item;
