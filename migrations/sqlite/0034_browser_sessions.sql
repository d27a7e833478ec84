-- Sign-ins of browsers: the hash of the token in the cookie. NULL: a sign-in with access and refresh tokens, or a grant.
ALTER TABLE session ADD COLUMN browser_hash BLOB;
CREATE UNIQUE INDEX session_of_browser ON session (browser_hash) WHERE browser_hash IS NOT NULL;
