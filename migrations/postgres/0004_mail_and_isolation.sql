-- E-mails go out by the outbox too: a delivery carries an event to a webhook, or an e-mail to a person.

ALTER TABLE delivery
    ADD COLUMN mail jsonb, -- to, subject, text, useless_after; the row is deleted as soon as it is sent or given up
    ALTER COLUMN event_id DROP NOT NULL,
    ALTER COLUMN webhook_url DROP NOT NULL,
    ALTER COLUMN webhook_secret DROP NOT NULL;
CREATE INDEX delivery_of_tenant ON delivery (tenant_id);

-- How many links somebody was sent lately.
CREATE INDEX link_of_tenant ON link (tenant_id, purpose, created_at);
CREATE INDEX link_of_user ON link (user_id) WHERE user_id IS NOT NULL;
