-- Rules about one product, the products with a tag or all products; conditions are trees. What a rule remembers stands apart, once
-- for each product. `armed` and `crossings` repeat it for rules about one product, as the version before reads them.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE alert_rule
    ALTER COLUMN product_id DROP NOT NULL, -- NULL: about several products
    ALTER COLUMN listing_id DROP NOT NULL,
    ALTER COLUMN webhook_url DROP NOT NULL,
    ALTER COLUMN webhook_secret DROP NOT NULL,
    ADD COLUMN tag           text CHECK (char_length(tag) <= 100), -- about the products with this tag
    ADD COLUMN name          text CHECK (char_length(name) <= 200),
    ADD COLUMN again         jsonb,
    ADD COLUMN cooldown_secs integer NOT NULL DEFAULT 0,
    ADD COLUMN severity      text    NOT NULL DEFAULT 'normal',
    ADD COLUMN is_paused     boolean NOT NULL DEFAULT false,
    ADD COLUMN snoozed_until bigint,
    ADD COLUMN expires_at    bigint,
    ADD COLUMN updated_at    bigint,
    ADD COLUMN version       bigint  NOT NULL DEFAULT 1,
    ADD COLUMN condition_version bigint NOT NULL DEFAULT 1; -- a crawl that was claimed with an older condition moves nothing
CREATE INDEX alert_rule_wide ON alert_rule (tenant_id) WHERE product_id IS NULL;

-- Without references, which would make a commit fail whose rule is deleted meanwhile.
CREATE TABLE rule_state (
    rule_id    uuid   NOT NULL,
    product_id uuid   NOT NULL,
    tenant_id  uuid   NOT NULL,
    revision   bigint NOT NULL, -- one higher with each change
    crossings  bigint NOT NULL,
    state      jsonb  NOT NULL,
    PRIMARY KEY (rule_id, product_id)
);
CREATE INDEX rule_state_of_product ON rule_state (product_id);
CREATE INDEX rule_state_of_tenant ON rule_state (tenant_id);
ALTER TABLE rule_state ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON rule_state USING (tenant_id = (SELECT tracker_tenant()) OR (SELECT tracker_sees_all()));

INSERT INTO rule_state (rule_id, product_id, tenant_id, revision, crossings, state)
SELECT id, product_id, tenant_id, 1, crossings,
       jsonb_build_object('crossings', crossings, 'leaves', CASE WHEN armed THEN '[]'::jsonb
           ELSE jsonb_build_array(jsonb_build_object('told', true, 'base', last_notified_minor)) END)
  FROM alert_rule WHERE crossings > 0;

-- The ids under which the tenant itself sells.
ALTER TABLE tenant ADD COLUMN seller_ids jsonb NOT NULL DEFAULT '[]';

-- Lists of events of one rule.
CREATE INDEX event_of_rule ON event (rule_id, at, id);
