-- The index of points by time has all their columns: a range of a history is read from it alone, in half the time.
DROP INDEX point_of_time;
CREATE INDEX point_of_time ON point (listing_id, at, series, category, number, text);
