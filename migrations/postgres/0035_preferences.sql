-- What a user prefers of the dashboard: language, time zone, theme and saved views of the board.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE tenant_user ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}';
