-- Fields that product pages lack more often than usual.
CREATE TABLE field_drift (
    source         text    NOT NULL,
    marketplace    text    NOT NULL,
    field          text    NOT NULL,
    started_at     bigint  NOT NULL,
    ended_at       bigint ,          -- NULL: it lasts
    usual_pages    bigint  NOT NULL,
    usual_missing  bigint  NOT NULL,
    recent_pages   bigint  NOT NULL,
    recent_missing bigint  NOT NULL,
    PRIMARY KEY (source, marketplace, field, started_at)
);
CREATE INDEX field_drift_by_age ON field_drift (started_at);

-- Beginnings of pages that could not be used, without secrets.
CREATE TABLE page_sample (
    id          uuid    NOT NULL PRIMARY KEY,
    source      text    NOT NULL,
    marketplace text    NOT NULL,
    asin        text    NOT NULL,
    outcome     text    NOT NULL,
    taken_at    bigint  NOT NULL,
    page_bytes  bigint  NOT NULL, -- of the page as far as it was read, before anything was removed
    content     text    NOT NULL  -- gzip, in Base64
);
CREATE INDEX page_sample_by_age ON page_sample (taken_at);
