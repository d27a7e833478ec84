-- Fields that product pages lack more often than usual.
CREATE TABLE field_drift (
    source         TEXT    NOT NULL,
    marketplace    TEXT    NOT NULL,
    field          TEXT    NOT NULL,
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,          -- NULL: it lasts
    usual_pages    INTEGER NOT NULL,
    usual_missing  INTEGER NOT NULL,
    recent_pages   INTEGER NOT NULL,
    recent_missing INTEGER NOT NULL,
    PRIMARY KEY (source, marketplace, field, started_at)
);
CREATE INDEX field_drift_by_age ON field_drift (started_at);

-- Beginnings of pages that could not be used, without secrets.
CREATE TABLE page_sample (
    id          BLOB    NOT NULL PRIMARY KEY,
    source      TEXT    NOT NULL,
    marketplace TEXT    NOT NULL,
    asin        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    taken_at    INTEGER NOT NULL,
    page_bytes  INTEGER NOT NULL, -- of the page as far as it was read, before anything was removed
    content     TEXT    NOT NULL  -- gzip, in Base64
);
CREATE INDEX page_sample_by_age ON page_sample (taken_at);
