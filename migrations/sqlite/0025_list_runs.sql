-- Runs that read a list of products for a job.
ALTER TABLE source_run ADD COLUMN job_id BLOB; -- the job, which may have been deleted since
CREATE INDEX source_run_of_job ON source_run (job_id) WHERE job_id IS NOT NULL;
-- Runs whose end nobody has seen.
CREATE INDEX source_run_unfinished ON source_run (opened_at) WHERE ended_at IS NULL;
-- No two records are of the same run of the source.
CREATE INDEX source_run_by_external_id ON source_run (external_id) WHERE external_id IS NOT NULL;
