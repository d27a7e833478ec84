-- The seller in lower case, which boards sort by. As `sort_title`, it repeats a part of `state`.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE listing ADD COLUMN sort_seller text COLLATE "C";
COMMENT ON COLUMN listing.sort_seller IS 'the seller in lower case';

UPDATE listing
   SET sort_seller = (SELECT lower(value ->> 2) FROM jsonb_array_elements(state -> 'values') AS value
                       WHERE value ->> 0 = 'seller' LIMIT 1)
 WHERE state ->> 'checked_at' IS NOT NULL;
