-- Runs that read a list of products for a job.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE source_run ADD COLUMN job_id uuid; -- the job, which may have been deleted since
CREATE INDEX source_run_of_job ON source_run (job_id) WHERE job_id IS NOT NULL;
-- Runs whose end nobody has seen.
CREATE INDEX source_run_unfinished ON source_run (opened_at) WHERE ended_at IS NULL;
-- No two records are of the same run of the source.
CREATE INDEX source_run_by_external_id ON source_run (external_id) WHERE external_id IS NOT NULL;
