-- What a board sorts and filters by, beside each listing: computed from its state and its points when they change.

ALTER TABLE listing ADD COLUMN availability INTEGER; -- the number of the accepted availability
ALTER TABLE listing ADD COLUMN best_rank INTEGER; -- the best rank of all categories
ALTER TABLE listing ADD COLUMN price_read_at INTEGER; -- the last successful crawl, if its page stated the price
ALTER TABLE listing ADD COLUMN offer_changed_at INTEGER; -- the last point of price or availability
ALTER TABLE listing ADD COLUMN change_at INTEGER; -- the last change from one price to another, or to none
ALTER TABLE listing ADD COLUMN change_from_minor INTEGER; -- the price before it
ALTER TABLE listing ADD COLUMN change_ppm INTEGER; -- the change in millionths of the price before it
ALTER TABLE listing ADD COLUMN lower_until INTEGER; -- until when a lower price held, within 90 days before the latest price
ALTER TABLE listing ADD COLUMN higher_until INTEGER; -- the same of a higher one

UPDATE listing
   SET availability  = coalesce((SELECT number FROM point WHERE listing_id = listing.id AND series = 9 AND category = ''
                                  ORDER BY at DESC LIMIT 1), 0),
       best_rank     = (SELECT min(value ->> 2) FROM json_each(state, '$.values') WHERE value ->> 0 = 'sales_rank'),
       price_read_at = CASE WHEN state -> '$.unread.price' IS NULL
                            THEN CAST(round((julianday(state ->> 'checked_at') - 2440587.5) * 86400000.0) AS INTEGER) END
 WHERE state ->> 'checked_at' IS NOT NULL;

-- As `src/store/sqlite/mark_prices.sql` does it, of all listings.
UPDATE listing
   SET offer_changed_at  = marks.offer_changed_at,
       change_at         = marks.change_at,
       change_from_minor = marks.change_from_minor,
       change_ppm        = CASE WHEN marks.change_from_minor > 0 THEN
                             CAST(min(round((marks.now_minor - marks.change_from_minor) * 1000000.0 / marks.change_from_minor),
                                       1000000000000.0) AS bigint) END,
       lower_until       = marks.lower_until,
       higher_until      = marks.higher_until
  FROM (
    WITH given AS (
        SELECT id FROM listing
    ),
    latest AS (
        SELECT given.id, p.at, p.number AS now_minor
          FROM given JOIN point p ON p.listing_id = given.id AND p.series = 1 AND p.category = ''
           AND p.at = (SELECT max(b.at) FROM point b WHERE b.listing_id = given.id AND b.series = 1 AND b.category = '')
    ),
    -- The last price that was another.
    other AS (
        SELECT latest.id, latest.now_minor, o.at, o.number
          FROM latest JOIN point o ON o.listing_id = latest.id AND o.series = 1 AND o.category = ''
           AND o.at = (SELECT b.at FROM point b WHERE b.listing_id = latest.id AND b.series = 1 AND b.category = ''
                          AND b.number IS NOT NULL AND b.number IS NOT latest.now_minor ORDER BY b.at DESC LIMIT 1)
    ),
    -- From the price on that held 90 days before the latest.
    recent AS (
        SELECT latest.id, latest.now_minor, p.at, p.number, lead(p.at) OVER (PARTITION BY latest.id ORDER BY p.at) AS next_at
          FROM latest JOIN point p ON p.listing_id = latest.id AND p.series = 1 AND p.category = ''
           AND p.at >= coalesce((SELECT b.at FROM point b WHERE b.listing_id = latest.id AND b.series = 1 AND b.category = ''
                                    AND b.at <= latest.at - 7776000000 ORDER BY b.at DESC LIMIT 1), latest.at - 7776000000)
    ),
    -- Until when each of the others is known to have held: until the next one, or the gap before it.
    held AS (
        SELECT recent.id, recent.now_minor, recent.at, recent.number,
               coalesce((SELECT min(g.number) FROM point g WHERE g.listing_id = recent.id AND g.series = 11 AND g.category = ''
                            AND g.at >= recent.next_at AND g.number < recent.next_at), recent.next_at) AS until_at
          FROM recent WHERE recent.number <> recent.now_minor
    ),
    extremes AS (
        SELECT id, max(CASE WHEN number < now_minor THEN until_at END) AS lower_until,
               max(CASE WHEN number > now_minor THEN until_at END) AS higher_until
          FROM held WHERE until_at >= at GROUP BY id
    )
    SELECT given.id AS listing_id, other.now_minor, other.number AS change_from_minor,
           (SELECT min(p.at) FROM point p WHERE p.listing_id = given.id AND p.series = 1 AND p.category = ''
               AND p.at > other.at AND p.number IS other.now_minor) AS change_at,
           (SELECT max(p.at) FROM point p WHERE p.listing_id = given.id AND p.series IN (1, 9) AND p.category = '') AS offer_changed_at,
           extremes.lower_until, extremes.higher_until
      FROM given LEFT JOIN other ON other.id = given.id LEFT JOIN extremes ON extremes.id = given.id
  ) AS marks
 WHERE listing.id = marks.listing_id;
