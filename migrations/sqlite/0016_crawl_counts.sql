-- What crawls brought, by hour: the health of sources, and how often a field is missing.
CREATE TABLE crawl_count (
    hour        INTEGER NOT NULL, -- since 1970
    source      TEXT   NOT NULL,
    marketplace TEXT   NOT NULL,
    kind        TEXT   NOT NULL, -- an outcome, or `without:` and a field that observations lacked
    count       INTEGER NOT NULL,
    PRIMARY KEY (hour, source, marketplace, kind)
);
