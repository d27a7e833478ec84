-- Runs of sources that crawl many listings at once, for money. A run is recorded before it is started, so that it is found again
-- and never started twice.
CREATE TABLE source_run (
    id          uuid    NOT NULL PRIMARY KEY,
    source      text    NOT NULL,
    external_id text,             -- NULL: the answer to its start is not known
    opened_at   bigint  NOT NULL,
    ended_at    bigint,           -- NULL: its end is not known
    is_lost     boolean NOT NULL DEFAULT false, -- never started, or gone: it answers nothing
    cost_micros bigint            -- millionths of a US dollar; NULL: not known
);
CREATE INDEX source_run_by_age ON source_run (opened_at);

CREATE TABLE source_run_listing (
    run_id     uuid   NOT NULL REFERENCES source_run (id) ON DELETE CASCADE,
    listing_id bigint NOT NULL REFERENCES listing (id),
    PRIMARY KEY (run_id, listing_id)
);
CREATE INDEX source_run_of_listing ON source_run_listing (listing_id);
