-- Who gets in: users, their sign-ins, machines' keys, links that work once, and who did what.
--
-- Tokens are kept as SHA-256 hashes; passwords as PHC strings of argon2id.

ALTER TABLE tenant ADD COLUMN plan TEXT NOT NULL DEFAULT 'free';
-- The tenant of whoever runs the installation.
UPDATE tenant SET plan = 'enterprise' WHERE id = X'00000000000000000000000000000001';

CREATE TABLE tenant_user (
    id            BLOB    NOT NULL PRIMARY KEY,
    tenant_id     BLOB    NOT NULL REFERENCES tenant (id),
    email         TEXT    NOT NULL UNIQUE, -- in lower case
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    status        TEXT    NOT NULL,        -- active, disabled, leaving
    password_hash TEXT,                    -- NULL: cannot sign in yet
    verified_at   INTEGER,                     -- when the address was proved
    failed_logins INTEGER NOT NULL DEFAULT 0, -- in a row
    locked_until  INTEGER  NOT NULL DEFAULT 0, -- no sign-in from unknown addresses before
    leaves_at     INTEGER,                     -- with status leaving: deleted then
    created_at    INTEGER  NOT NULL,
    updated_at    INTEGER  NOT NULL
);
CREATE INDEX user_by_age ON tenant_user (tenant_id, created_at, id);

-- One sign-in, from login to logout; each use of its refresh token prolongs it.
CREATE TABLE session (
    id         BLOB   NOT NULL PRIMARY KEY,
    tenant_id  BLOB   NOT NULL REFERENCES tenant (id),
    user_id    BLOB   NOT NULL REFERENCES tenant_user (id) ON DELETE CASCADE,
    address    TEXT,
    agent      TEXT,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER
);
CREATE INDEX session_of_user ON session (user_id, created_at);

-- The tokens of a sign-in: the newest buys the next, a spent one that comes again betrays a theft.
CREATE TABLE refresh_token (
    hash       BLOB  NOT NULL PRIMARY KEY,
    session_id BLOB   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    spent_at   INTEGER
);
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);

CREATE TABLE api_key (
    id                  BLOB    NOT NULL PRIMARY KEY,
    tenant_id           BLOB    NOT NULL REFERENCES tenant (id),
    created_by          BLOB    NOT NULL,
    name                TEXT    NOT NULL,
    hint                TEXT    NOT NULL, -- how it begins
    hash                BLOB   NOT NULL UNIQUE,
    scopes              TEXT    NOT NULL, -- separated by spaces
    networks            TEXT   NOT NULL, -- CIDR; none: from anywhere
    requests_per_minute INTEGER,
    expires_at          INTEGER,
    used_at             INTEGER,
    revoked_at          INTEGER,
    created_at          INTEGER  NOT NULL
);
CREATE INDEX api_key_by_age ON api_key (tenant_id, created_at, id);

-- Links that go out by e-mail and work once.
CREATE TABLE link (
    hash       BLOB  NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL, -- verify_email, reset_password, invite, set_up
    tenant_id  BLOB   NOT NULL REFERENCES tenant (id),
    user_id    BLOB   REFERENCES tenant_user (id) ON DELETE CASCADE,
    facts      TEXT  NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX link_by_end ON link (expires_at);

-- Append-only: nothing in the program updates or deletes a row.
CREATE TABLE audit (
    id         BLOB   NOT NULL PRIMARY KEY,
    tenant_id  BLOB   NOT NULL,
    actor      TEXT   NOT NULL, -- user:UUID, key:UUID, system, nobody
    action     TEXT   NOT NULL, -- such as product.add
    resource   TEXT,            -- such as product:UUID
    address    TEXT,
    request_id TEXT,
    facts      TEXT  NOT NULL,
    at         INTEGER NOT NULL
);
CREATE INDEX audit_by_age ON audit (tenant_id, at, id);

-- What a tenant has used of its plan on a day (UTC, days since 1970).
CREATE TABLE usage_of_day (
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    day       INTEGER NOT NULL,
    crawls    INTEGER NOT NULL, -- looks that were asked for
    PRIMARY KEY (tenant_id, day)
);

-- Answers to requests that must not be carried out twice, by the key that the client chose. `status` NULL: under way.
CREATE TABLE kept_answer (
    tenant_id   BLOB NOT NULL REFERENCES tenant (id),
    caller      TEXT NOT NULL, -- as in audit.actor
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL, -- SHA-256 of method, path and body
    status      INTEGER,
    location    TEXT,
    body        TEXT,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, caller, key)
);
CREATE INDEX kept_answer_by_age ON kept_answer (created_at);
