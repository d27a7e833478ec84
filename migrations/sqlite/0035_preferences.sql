-- What a user prefers of the dashboard: language, time zone, theme and saved views of the board.
ALTER TABLE tenant_user ADD COLUMN preferences TEXT NOT NULL DEFAULT '{}';
