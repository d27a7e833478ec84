-- Clients that act for a user (OAuth 2.1): codes, grants and their refresh tokens.

-- A grant is a sign-in of a client: it ends, expires and is revoked like one. NULL: a sign-in of the user.
ALTER TABLE session ADD COLUMN client_id TEXT;   -- the URL of its document
ALTER TABLE session ADD COLUMN client_name TEXT;
ALTER TABLE session ADD COLUMN resource TEXT;    -- for which its access tokens are
ALTER TABLE session ADD COLUMN scopes TEXT;      -- separated by spaces

-- Apart from the tokens of sign-ins: a version that knows no grants would take theirs for those of a sign-in, with every scope.
CREATE TABLE grant_token (
    hash       BLOB    NOT NULL PRIMARY KEY,
    session_id BLOB    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    spent_at   INTEGER
);
CREATE INDEX grant_token_of_session ON grant_token (session_id);
CREATE INDEX grant_token_spent ON grant_token (spent_at) WHERE spent_at IS NOT NULL;

CREATE TABLE authorization_code (
    hash         BLOB    NOT NULL PRIMARY KEY,
    tenant_id    BLOB    NOT NULL REFERENCES tenant (id),
    user_id      BLOB    NOT NULL REFERENCES tenant_user (id) ON DELETE CASCADE,
    client_id    TEXT    NOT NULL,
    client_name  TEXT    NOT NULL,
    redirect_uri TEXT    NOT NULL,
    challenge    TEXT    NOT NULL, -- of PKCE, S256
    resource     TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    address      TEXT,             -- of whoever approved
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    session_id   BLOB              -- the grant that it opened
);
CREATE INDEX authorization_code_by_end ON authorization_code (expires_at);
CREATE INDEX authorization_code_of_user ON authorization_code (user_id, created_at);
CREATE INDEX authorization_code_of_tenant ON authorization_code (tenant_id);
