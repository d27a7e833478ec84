-- Clients that act for a user (OAuth 2.1): codes, grants and their refresh tokens.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

-- A grant is a sign-in of a client: it ends, expires and is revoked like one. NULL: a sign-in of the user.
ALTER TABLE session
    ADD COLUMN client_id   text CHECK (char_length(client_id) <= 512), -- the URL of its document
    ADD COLUMN client_name text CHECK (char_length(client_name) <= 100),
    ADD COLUMN resource    text CHECK (char_length(resource) <= 2048), -- for which its access tokens are
    ADD COLUMN scopes      text;                                      -- separated by spaces

-- Apart from the tokens of sign-ins: a version that knows no grants would take theirs for those of a sign-in, with every scope.
CREATE TABLE grant_token (
    hash       bytea  NOT NULL PRIMARY KEY,
    session_id uuid   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    spent_at   bigint
);
CREATE INDEX grant_token_of_session ON grant_token (session_id);
CREATE INDEX grant_token_spent ON grant_token (spent_at) WHERE spent_at IS NOT NULL;

-- Found by its hash alone, before anybody knows whose it is.
ALTER TABLE grant_token ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_nobody ON grant_token USING ((SELECT tracker_sees_all()));

CREATE TABLE authorization_code (
    hash         bytea  NOT NULL PRIMARY KEY,
    tenant_id    uuid   NOT NULL REFERENCES tenant (id),
    user_id      uuid   NOT NULL REFERENCES tenant_user (id) ON DELETE CASCADE,
    client_id    text   NOT NULL CHECK (char_length(client_id) <= 512),
    client_name  text   NOT NULL CHECK (char_length(client_name) <= 100),
    redirect_uri text   NOT NULL CHECK (char_length(redirect_uri) <= 2048),
    challenge    text   NOT NULL CHECK (char_length(challenge) <= 43), -- of PKCE, S256
    resource     text   NOT NULL CHECK (char_length(resource) <= 2048),
    scopes       text   NOT NULL,
    address      text,                                                -- of whoever approved
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    used_at      bigint,
    session_id   uuid                                                 -- the grant that it opened
);
CREATE INDEX authorization_code_by_end ON authorization_code (expires_at);
CREATE INDEX authorization_code_of_user ON authorization_code (user_id, created_at);
CREATE INDEX authorization_code_of_tenant ON authorization_code (tenant_id);

ALTER TABLE authorization_code ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON authorization_code USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));
