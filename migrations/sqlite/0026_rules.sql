-- Rules about one product, the products with a tag or all products; conditions are trees. What a rule remembers stands apart, once
-- for each product. `armed` and `crossings` repeat it for rules about one product, as the version before reads them.
-- SQLite cannot take back a NOT NULL: the table is written anew.

CREATE TABLE alert_rule_anew (
    id                  BLOB    NOT NULL PRIMARY KEY,
    tenant_id           BLOB    NOT NULL REFERENCES tenant (id),
    product_id          BLOB    REFERENCES product (id) ON DELETE CASCADE, -- NULL: about several products
    listing_id          INTEGER REFERENCES listing (id),
    condition           TEXT    NOT NULL,
    webhook_url         TEXT,
    webhook_secret      TEXT,
    armed               BOOLEAN NOT NULL,
    crossings           INTEGER NOT NULL,
    last_notified_minor INTEGER,
    created_at          INTEGER NOT NULL,
    tag                 TEXT, -- about the products with this tag
    name                TEXT,
    again               TEXT,
    cooldown_secs       INTEGER NOT NULL DEFAULT 0,
    severity            TEXT    NOT NULL DEFAULT 'normal',
    is_paused           BOOLEAN NOT NULL DEFAULT 0,
    snoozed_until       INTEGER,
    expires_at          INTEGER,
    updated_at          INTEGER,
    version             INTEGER NOT NULL DEFAULT 1,
    condition_version   INTEGER NOT NULL DEFAULT 1 -- a crawl that was claimed with an older condition moves nothing
);
INSERT INTO alert_rule_anew (id, tenant_id, product_id, listing_id, condition, webhook_url, webhook_secret, armed, crossings,
                             last_notified_minor, created_at)
SELECT id, tenant_id, product_id, listing_id, condition, webhook_url, webhook_secret, armed, crossings, last_notified_minor,
       created_at
  FROM alert_rule;
DROP TABLE alert_rule;
ALTER TABLE alert_rule_anew RENAME TO alert_rule;
CREATE INDEX alert_rule_by_age ON alert_rule (tenant_id, created_at, id);
CREATE INDEX alert_rule_of_product ON alert_rule (product_id, created_at, id);
CREATE INDEX alert_rule_of_listing ON alert_rule (listing_id);
CREATE INDEX alert_rule_wide ON alert_rule (tenant_id) WHERE product_id IS NULL;

CREATE TRIGGER alert_rule_insert_length BEFORE INSERT ON alert_rule
    WHEN length(NEW.webhook_url) > 2048 OR length(NEW.tag) > 100 OR length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of alert_rule is too long');
END;
CREATE TRIGGER alert_rule_update_length BEFORE UPDATE OF webhook_url, tag, name ON alert_rule
    WHEN length(NEW.webhook_url) > 2048 OR length(NEW.tag) > 100 OR length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of alert_rule is too long');
END;

-- Without references, which would make a commit fail whose rule is deleted meanwhile.
CREATE TABLE rule_state (
    rule_id    BLOB    NOT NULL,
    product_id BLOB    NOT NULL,
    tenant_id  BLOB    NOT NULL,
    revision   INTEGER NOT NULL, -- one higher with each change
    crossings  INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    PRIMARY KEY (rule_id, product_id)
);
CREATE INDEX rule_state_of_product ON rule_state (product_id);
CREATE INDEX rule_state_of_tenant ON rule_state (tenant_id);

INSERT INTO rule_state (rule_id, product_id, tenant_id, revision, crossings, state)
SELECT id, product_id, tenant_id, 1, crossings,
       json_object('crossings', crossings, 'leaves', CASE WHEN armed THEN json('[]')
           ELSE json_array(json_object('told', json('true'), 'base', last_notified_minor)) END)
  FROM alert_rule WHERE crossings > 0;

-- The ids under which the tenant itself sells.
ALTER TABLE tenant ADD COLUMN seller_ids TEXT NOT NULL DEFAULT '[]';

-- Lists of events of one rule.
CREATE INDEX event_of_rule ON event (rule_id, at, id);
