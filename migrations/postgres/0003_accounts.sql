-- Who gets in: users, their sign-ins, machines' keys, links that work once, and who did what.
--
-- Tokens are kept as SHA-256 hashes; passwords as PHC strings of argon2id.

ALTER TABLE tenant ADD COLUMN plan text NOT NULL DEFAULT 'free';
-- The tenant of whoever runs the installation.
UPDATE tenant SET plan = 'enterprise' WHERE id = '00000000-0000-0000-0000-000000000001';

CREATE TABLE tenant_user (
    id            uuid    NOT NULL PRIMARY KEY,
    tenant_id     uuid    NOT NULL REFERENCES tenant (id),
    email         text    NOT NULL UNIQUE, -- in lower case
    name          text    NOT NULL,
    role          text    NOT NULL,
    status        text    NOT NULL,        -- active, disabled, leaving
    password_hash text,                    -- NULL: cannot sign in yet
    verified_at   bigint,                     -- when the address was proved
    failed_logins integer NOT NULL DEFAULT 0, -- in a row
    locked_until  bigint  NOT NULL DEFAULT 0, -- no sign-in from unknown addresses before
    leaves_at     bigint,                     -- with status leaving: deleted then
    created_at    bigint  NOT NULL,
    updated_at    bigint  NOT NULL
);
CREATE INDEX user_by_age ON tenant_user (tenant_id, created_at, id);

-- One sign-in, from login to logout; each use of its refresh token prolongs it.
CREATE TABLE session (
    id         uuid   NOT NULL PRIMARY KEY,
    tenant_id  uuid   NOT NULL REFERENCES tenant (id),
    user_id    uuid   NOT NULL REFERENCES tenant_user (id) ON DELETE CASCADE,
    address    text,
    agent      text,
    created_at bigint NOT NULL,
    used_at    bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at   bigint
);
CREATE INDEX session_of_user ON session (user_id, created_at);

-- The tokens of a sign-in: the newest buys the next, a spent one that comes again betrays a theft.
CREATE TABLE refresh_token (
    hash       bytea  NOT NULL PRIMARY KEY,
    session_id uuid   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    spent_at   bigint
);
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);

CREATE TABLE api_key (
    id                  uuid    NOT NULL PRIMARY KEY,
    tenant_id           uuid    NOT NULL REFERENCES tenant (id),
    created_by          uuid    NOT NULL,
    name                text    NOT NULL,
    hint                text    NOT NULL, -- how it begins
    hash                bytea   NOT NULL UNIQUE,
    scopes              text    NOT NULL, -- separated by spaces
    networks            jsonb   NOT NULL, -- CIDR; none: from anywhere
    requests_per_minute integer,
    expires_at          bigint,
    used_at             bigint,
    revoked_at          bigint,
    created_at          bigint  NOT NULL
);
CREATE INDEX api_key_by_age ON api_key (tenant_id, created_at, id);

-- Links that go out by e-mail and work once.
CREATE TABLE link (
    hash       bytea  NOT NULL PRIMARY KEY,
    purpose    text   NOT NULL, -- verify_email, reset_password, invite, set_up
    tenant_id  uuid   NOT NULL REFERENCES tenant (id),
    user_id    uuid   REFERENCES tenant_user (id) ON DELETE CASCADE,
    facts      jsonb  NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at    bigint
);
CREATE INDEX link_by_end ON link (expires_at);

-- Append-only: nothing in the program updates or deletes a row.
CREATE TABLE audit (
    id         uuid   NOT NULL PRIMARY KEY,
    tenant_id  uuid   NOT NULL,
    actor      text   NOT NULL, -- user:UUID, key:UUID, system, nobody
    action     text   NOT NULL, -- such as product.add
    resource   text,            -- such as product:UUID
    address    text,
    request_id text,
    facts      jsonb  NOT NULL,
    at         bigint NOT NULL
);
CREATE INDEX audit_by_age ON audit (tenant_id, at, id);

-- What a tenant has used of its plan on a day (UTC, days since 1970).
CREATE TABLE usage_of_day (
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    day       bigint NOT NULL,
    crawls    bigint NOT NULL, -- looks that were asked for
    PRIMARY KEY (tenant_id, day)
);

-- Answers to requests that must not be carried out twice, by the key that the client chose. `status` NULL: under way.
CREATE TABLE kept_answer (
    tenant_id   uuid NOT NULL REFERENCES tenant (id),
    caller      text NOT NULL, -- as in audit.actor
    key         text NOT NULL,
    fingerprint bytea NOT NULL, -- SHA-256 of method, path and body
    status      bigint,
    location    text,
    body        text,
    created_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, caller, key)
);
CREATE INDEX kept_answer_by_age ON kept_answer (created_at);
