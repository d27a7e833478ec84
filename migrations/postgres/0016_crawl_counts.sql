-- What crawls brought, by hour: the health of sources, and how often a field is missing.
CREATE TABLE crawl_count (
    hour        bigint NOT NULL, -- since 1970
    source      text   NOT NULL,
    marketplace text   NOT NULL,
    kind        text   NOT NULL, -- an outcome, or `without:` and a field that observations lacked
    count       bigint NOT NULL,
    PRIMARY KEY (hour, source, marketplace, kind)
);
