-- What a board sorts and filters by, beside each listing: computed from its state and its points when they change.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE listing
    ADD COLUMN availability smallint,
    ADD COLUMN best_rank bigint,
    ADD COLUMN price_read_at bigint,
    ADD COLUMN offer_changed_at bigint,
    ADD COLUMN change_at bigint,
    ADD COLUMN change_from_minor bigint,
    ADD COLUMN change_ppm bigint,
    ADD COLUMN lower_until bigint,
    ADD COLUMN higher_until bigint;

COMMENT ON COLUMN listing.availability IS 'the number of the accepted availability';
COMMENT ON COLUMN listing.best_rank IS 'the best rank of all categories';
COMMENT ON COLUMN listing.price_read_at IS 'the last successful crawl, if its page stated the price';
COMMENT ON COLUMN listing.offer_changed_at IS 'the last point of price or availability';
COMMENT ON COLUMN listing.change_at IS 'the last change from one price to another, or to none';
COMMENT ON COLUMN listing.change_from_minor IS 'the price before it';
COMMENT ON COLUMN listing.change_ppm IS 'the change in millionths of the price before it';
COMMENT ON COLUMN listing.lower_until IS 'until when a lower price held, within 90 days before the latest price';
COMMENT ON COLUMN listing.higher_until IS 'the same of a higher one';

-- The columns of a listing that follow from its prices, after prices up to a time were added. One listing at a time, so that each of
-- these queries is a few look-ups in an index whatever the planner thinks of the others, and with generic plans: to plan a query of all
-- partitions takes longer than to run it.
CREATE FUNCTION mark_price(of_listing bigint, added_at bigint) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    latest_at bigint;
    now_minor bigint;
    other_at bigint;
    other_minor bigint;
    changed_at bigint;
    begin_at bigint;
    gap_from bigint[];
    gap_to bigint[];
    lower_at bigint;
    higher_at bigint;
BEGIN
    SELECT at, number INTO latest_at, now_minor FROM point
     WHERE listing_id = of_listing AND series = 1 AND category = '' AND at >= added_at ORDER BY at DESC LIMIT 1;
    -- The last price that was another: mostly within the months whose partitions are read below.
    SELECT at, number INTO other_at, other_minor FROM point
     WHERE listing_id = of_listing AND series = 1 AND category = '' AND at < latest_at AND at > latest_at - 7776000000
       AND number IS NOT NULL AND number IS DISTINCT FROM now_minor ORDER BY at DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT at, number INTO other_at, other_minor FROM point
         WHERE listing_id = of_listing AND series = 1 AND category = '' AND at < latest_at
           AND number IS NOT NULL AND number IS DISTINCT FROM now_minor ORDER BY at DESC LIMIT 1;
    END IF;
    SELECT min(at) INTO changed_at FROM point
     WHERE listing_id = of_listing AND series = 1 AND category = '' AND at > other_at AND at <= latest_at
       AND number IS NOT DISTINCT FROM now_minor;
    -- From the price on that held 90 days before the latest.
    SELECT at INTO begin_at FROM point
     WHERE listing_id = of_listing AND series = 1 AND category = '' AND at <= latest_at - 7776000000 ORDER BY at DESC LIMIT 1;
    begin_at := coalesce(begin_at, latest_at - 7776000000);
    SELECT array_agg(number), array_agg(at) INTO gap_from, gap_to FROM point
     WHERE listing_id = of_listing AND series = 11 AND category = '' AND at > begin_at;
    -- Until when each of the others is known to have held: until the next one, or the gap before it.
    SELECT max(CASE WHEN number < now_minor THEN until_at END), max(CASE WHEN number > now_minor THEN until_at END)
      INTO lower_at, higher_at
      FROM (SELECT at, number, coalesce((SELECT min(gap.begins_at) FROM unnest(gap_from, gap_to) AS gap (begins_at, ends_at)
                                          WHERE gap.ends_at >= next_at AND gap.begins_at < next_at), next_at) AS until_at
              FROM (SELECT at, number, lead(at) OVER (ORDER BY at) AS next_at FROM point
                     WHERE listing_id = of_listing AND series = 1 AND category = '' AND at >= begin_at) AS recent
             WHERE number <> now_minor) AS held
     WHERE until_at >= at;
    UPDATE listing
       SET change_at         = changed_at,
           change_from_minor = other_minor,
           change_ppm        = CASE WHEN other_minor > 0 THEN
                                 least(round((now_minor - other_minor) * 1000000.0 / other_minor), 1000000000000)::bigint END,
           lower_until       = lower_at,
           higher_until      = higher_at
     WHERE id = of_listing;
END $$;

-- After the statement, because a commit is one statement, which does not see the points that it adds. Earlier versions, which may run
-- beside this one during an upgrade, have it done for them.
CREATE FUNCTION mark_added_points() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listing SET offer_changed_at = greatest(offer_changed_at, marked.at)
      FROM (SELECT listing_id, max(at) AS at FROM added WHERE series IN (1, 9) GROUP BY listing_id) AS marked
     WHERE listing.id = marked.listing_id;
    PERFORM mark_price(listing_id, at)
       FROM (SELECT listing_id, max(at) AS at FROM added WHERE series = 1 GROUP BY listing_id ORDER BY listing_id) AS marked;
    RETURN NULL;
END $$;
CREATE TRIGGER points_added AFTER INSERT ON point
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_added_points();

UPDATE listing
   SET availability     = coalesce((SELECT number FROM point WHERE listing_id = listing.id AND series = 9 AND category = ''
                                     ORDER BY at DESC LIMIT 1), 0),
       best_rank        = (SELECT min((value ->> 2)::bigint) FROM jsonb_array_elements(state -> 'values') AS value
                            WHERE value ->> 0 = 'sales_rank'),
       price_read_at    = CASE WHEN NOT coalesce(state -> 'unread', '{}') ? 'price'
                               THEN floor(extract(epoch FROM (state ->> 'checked_at')::timestamptz) * 1000)::bigint END,
       offer_changed_at = (SELECT max(at) FROM point WHERE listing_id = listing.id AND series IN (1, 9) AND category = '')
 WHERE state ->> 'checked_at' IS NOT NULL;
SELECT mark_price(listing_id, max(at)) FROM point WHERE series = 1 AND category = '' GROUP BY listing_id;
