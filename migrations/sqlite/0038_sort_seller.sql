-- The seller in lower case, which boards sort by. As `sort_title`, it repeats a part of `state`.
ALTER TABLE listing ADD COLUMN sort_seller TEXT;

-- SQLite folds ASCII alone; the next crawl folds the rest.
UPDATE listing
   SET sort_seller = (SELECT lower(value ->> 2) FROM json_each(state, '$.values') WHERE value ->> 0 = 'seller');
