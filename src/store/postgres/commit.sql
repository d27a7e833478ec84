-- The ends of a batch of crawls, each as a whole or not at all. One statement: nothing is held open between two messages.
--   $1 crawls, $2 points, $3 steps of rules (all jsonb), $4 the time, if not the server's.
WITH clock AS (
    SELECT coalesce($4, unix_millis()) AS now_at
),
crawl AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS given (
        listing_id bigint, token bigint, asin text, outcome text, next text, after_ms bigint, item_status text,
        state jsonb, sort_title text, price_minor bigint, availability smallint, best_rank bigint, price_read_at bigint,
        sort_seller text, content jsonb, offers jsonb)
),
-- The lease rows as this statement's snapshot shows them.
seen AS MATERIALIZED (
    SELECT DISTINCT lease.listing_id, lease.ctid AS version FROM lease JOIN crawl USING (listing_id)
),
-- Fenced by the token, and by the ASIN that the page states: a page of another listing is never recorded. Locked in one order by
-- every commit. The lock may have waited for a transaction that requested a crawl: the row is then newer than the snapshot,
-- which does not show that transaction's task or rule. Such a listing is crawled again at once.
held AS MATERIALIZED (
    SELECT crawl.*, lease.owner IS NOT NULL AS is_held, clock.now_at,
           CASE WHEN lease.ctid <> seen.version THEN clock.now_at ELSE lease.again_at END AS again_at
      FROM crawl
      JOIN lease ON lease.listing_id = crawl.listing_id AND lease.token = crawl.token
      JOIN seen ON seen.listing_id = crawl.listing_id
     CROSS JOIN clock
     WHERE crawl.asin IS NULL
        OR EXISTS (SELECT 1 FROM listing WHERE listing.id = crawl.listing_id AND listing.asin = crawl.asin)
     ORDER BY crawl.listing_id
       FOR UPDATE OF lease
),
-- A commit that comes twice, because its answer was lost, leaves lease and tasks alone the second time; the other steps have no
-- second effect by themselves.
lease_ended AS (
    UPDATE lease
       SET ready_at  = CASE held.next WHEN 'due' THEN least(held.now_at + held.after_ms, held.again_at)
                                      WHEN 'parked' THEN coalesce(held.again_at, held.now_at)
                                      ELSE held.now_at + held.after_ms END,
           lane      = CASE WHEN held.next IN ('due', 'parked') THEN 1 ELSE lease.lane END,
           attempt   = CASE WHEN held.next = 'due' OR (held.next = 'parked' AND held.again_at IS NOT NULL) THEN 0
                            WHEN held.next = 'postponed' THEN greatest(lease.attempt - 1, 0)
                            ELSE lease.attempt END,
           parked_at = CASE WHEN held.next = 'parked' AND held.again_at IS NULL THEN held.now_at
                            ELSE lease.parked_at END,
           owner     = NULL,
           again_at  = NULL
      FROM held
     WHERE lease.listing_id = held.listing_id AND held.is_held
),
items_ended AS (
    UPDATE job_item
       SET status = held.item_status, outcome = held.outcome, finished_at = held.now_at
      FROM held
     WHERE job_item.listing_id = held.listing_id AND job_item.status = 'pending'
       AND held.is_held AND held.item_status IS NOT NULL
),
listing_updated AS (
    UPDATE listing
       SET last_outcome   = coalesce(held.outcome, listing.last_outcome),
           last_crawled_at = CASE WHEN held.outcome IS NULL THEN listing.last_crawled_at ELSE held.now_at END,
           state          = coalesce(held.state, listing.state),
           sort_title     = CASE WHEN held.state IS NULL THEN listing.sort_title ELSE held.sort_title END,
           price_minor    = CASE WHEN held.state IS NULL THEN listing.price_minor ELSE held.price_minor END,
           availability   = CASE WHEN held.state IS NULL THEN listing.availability ELSE held.availability END,
           best_rank      = CASE WHEN held.state IS NULL THEN listing.best_rank ELSE held.best_rank END,
           price_read_at  = CASE WHEN held.state IS NULL THEN listing.price_read_at ELSE held.price_read_at END,
           sort_seller    = CASE WHEN held.state IS NULL THEN listing.sort_seller ELSE held.sort_seller END
      FROM held
     WHERE listing.id = held.listing_id
),
points_added AS (
    INSERT INTO point (listing_id, series, category, at, number, text)
    SELECT given.listing_id, given.series, given.category, given.at, given.number, given.text
      FROM jsonb_to_recordset($2) AS given (
           listing_id bigint, token bigint, series smallint, category text, at bigint, number bigint, text text)
      JOIN held ON held.listing_id = given.listing_id AND held.token = given.token
    ON CONFLICT DO NOTHING
),
offers_replaced AS (
    INSERT INTO listing_offers AS known (listing_id, at, list)
    SELECT listing_id, (offers ->> 'at')::bigint, offers -> 'list' FROM held WHERE offers IS NOT NULL
    ON CONFLICT (listing_id) DO UPDATE SET at = excluded.at, list = excluded.list WHERE known.at <= excluded.at
),
-- A version has all fields: those that were not read, or have not changed, are those of the version before.
content_added AS (
    INSERT INTO content_version (listing_id, at, changed, content)
    SELECT held.listing_id, (held.content ->> 'at')::bigint, held.content -> 'changed',
           coalesce((SELECT before.content FROM content_version before WHERE before.listing_id = held.listing_id
                      ORDER BY before.at DESC LIMIT 1), '{}') || (held.content -> 'values')
      FROM held WHERE held.content IS NOT NULL
    ON CONFLICT (listing_id, at) DO UPDATE SET content = excluded.content
),
step AS MATERIALIZED (
    SELECT given.*, held.now_at
      FROM jsonb_to_recordset($3) AS given (
           listing_id bigint, token bigint, rule_id uuid, condition_version bigint, product_id uuid, revision bigint, state jsonb,
           is_armed boolean, crossings bigint, event_id uuid, delivery_id uuid, facts jsonb, at bigint, told_at bigint,
           trace_context text)
      JOIN held ON held.listing_id = given.listing_id AND held.token = given.token
),
-- Only from where the rule stood when it was read, and with the settings that it had: of two replicas one moves it.
stepped AS (
    INSERT INTO rule_state AS known (rule_id, product_id, tenant_id, revision, crossings, state)
    SELECT step.rule_id, step.product_id, rule.tenant_id, step.revision + 1, step.crossings, step.state
      FROM step
      JOIN alert_rule AS rule ON rule.id = step.rule_id AND rule.condition_version = step.condition_version
     WHERE step.revision = 0
        OR EXISTS (SELECT 1 FROM rule_state WHERE rule_state.rule_id = step.rule_id AND rule_state.product_id = step.product_id)
     ORDER BY step.rule_id, step.product_id
    ON CONFLICT (rule_id, product_id) DO UPDATE
       SET revision = excluded.revision, crossings = excluded.crossings, state = excluded.state
     WHERE known.revision = excluded.revision - 1
    RETURNING rule_id, product_id, tenant_id
),
-- Of rules about one product, whose listing is locked.
repeated AS (
    UPDATE alert_rule
       SET armed = step.is_armed, crossings = step.crossings
      FROM step JOIN stepped USING (rule_id, product_id)
     WHERE alert_rule.id = step.rule_id AND alert_rule.listing_id = step.listing_id
       AND (alert_rule.armed, alert_rule.crossings) IS DISTINCT FROM (step.is_armed, step.crossings)
),
told AS (
    INSERT INTO event (id, tenant_id, rule_id, product_id, facts, at)
    SELECT step.event_id, stepped.tenant_id, step.rule_id, step.product_id, step.facts, step.at
      FROM step JOIN stepped USING (rule_id, product_id)
     WHERE step.event_id IS NOT NULL
    ON CONFLICT (id) DO NOTHING
    RETURNING id
),
sent AS (
    INSERT INTO delivery (id, tenant_id, event_id, webhook_url, webhook_secret, status, ready_at, trace_context)
    SELECT step.delivery_id, rule.tenant_id, step.event_id, rule.webhook_url, rule.webhook_secret, 'pending',
           greatest(step.now_at, step.told_at), step.trace_context
      FROM step
      JOIN told ON told.id = step.event_id
      JOIN alert_rule AS rule ON rule.id = step.rule_id
     WHERE rule.webhook_url IS NOT NULL
    ON CONFLICT (id) DO NOTHING
),
-- They wait until the policy of the channel lets them go. Feeds read the events themselves.
held_back AS (
    INSERT INTO delivery (id, tenant_id, event_id, channel_id, status, ready_at, held_for, trace_context)
    SELECT gen_random_uuid(), rule_channel.tenant_id, step.event_id, rule_channel.channel_id, 'held',
           greatest(step.now_at, step.told_at) + 1000 * coalesce(rule_channel.fallback_after_secs, 0),
           CASE WHEN rule_channel.fallback_after_secs IS NOT NULL THEN 'fallback'
                WHEN step.told_at IS NOT NULL THEN 'cooldown' END,
           step.trace_context
      FROM step
      JOIN told ON told.id = step.event_id
      JOIN rule_channel ON rule_channel.rule_id = step.rule_id
      JOIN channel ON channel.id = rule_channel.channel_id AND channel.kind <> 'atom'
)
SELECT listing_id, token FROM held
