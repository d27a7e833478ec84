-- The SQLite step of this number extends an index that PostgreSQL does without: it narrows by the time within the primary
-- key of each month.
SELECT 1;
