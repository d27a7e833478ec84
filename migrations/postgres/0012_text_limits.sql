-- Texts of users have the limits of the API (docs: the OpenAPI document), as a second defence: existing rows are not checked.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE tenant ADD CONSTRAINT tenant_name_length CHECK (char_length(name) <= 200) NOT VALID;
ALTER TABLE tenant_user ADD CONSTRAINT tenant_user_name_length CHECK (char_length(name) <= 200) NOT VALID;
ALTER TABLE tenant_user ADD CONSTRAINT tenant_user_email_length CHECK (char_length(email) <= 254) NOT VALID;
ALTER TABLE api_key ADD CONSTRAINT api_key_name_length CHECK (char_length(name) <= 200) NOT VALID;
ALTER TABLE session ADD CONSTRAINT session_agent_length CHECK (char_length(agent) <= 300) NOT VALID;
ALTER TABLE product ADD CONSTRAINT product_label_length CHECK (char_length(label) <= 200) NOT VALID;
ALTER TABLE alert_rule ADD CONSTRAINT alert_rule_webhook_url_length CHECK (char_length(webhook_url) <= 2048) NOT VALID;
ALTER TABLE delivery ADD CONSTRAINT delivery_webhook_url_length CHECK (char_length(webhook_url) <= 2048) NOT VALID;
