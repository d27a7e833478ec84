-- Sign-ins of browsers: the hash of the token in the cookie. NULL: a sign-in with access and refresh tokens, or a grant.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE session ADD COLUMN browser_hash bytea;
CREATE UNIQUE INDEX session_of_browser ON session (browser_hash) WHERE browser_hash IS NOT NULL;
