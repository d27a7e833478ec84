-- Texts of users have the limits of the API (docs: the OpenAPI document), as a second defence: existing rows are not checked.
-- Triggers, because SQLite cannot add a CHECK to a table.

CREATE TRIGGER tenant_insert_length BEFORE INSERT ON tenant WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of tenant is too long');
END;
CREATE TRIGGER tenant_update_length BEFORE UPDATE OF name ON tenant WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of tenant is too long');
END;
CREATE TRIGGER tenant_user_insert_length BEFORE INSERT ON tenant_user WHEN length(NEW.name) > 200 OR length(NEW.email) > 254
BEGIN
    SELECT RAISE(ABORT, 'a text of tenant_user is too long');
END;
CREATE TRIGGER tenant_user_update_length BEFORE UPDATE OF name, email ON tenant_user WHEN length(NEW.name) > 200 OR length(NEW.email) > 254
BEGIN
    SELECT RAISE(ABORT, 'a text of tenant_user is too long');
END;
CREATE TRIGGER api_key_insert_length BEFORE INSERT ON api_key WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of api_key is too long');
END;
CREATE TRIGGER api_key_update_length BEFORE UPDATE OF name ON api_key WHEN length(NEW.name) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of api_key is too long');
END;
CREATE TRIGGER session_insert_length BEFORE INSERT ON session WHEN length(NEW.agent) > 300
BEGIN
    SELECT RAISE(ABORT, 'a text of session is too long');
END;
CREATE TRIGGER session_update_length BEFORE UPDATE OF agent ON session WHEN length(NEW.agent) > 300
BEGIN
    SELECT RAISE(ABORT, 'a text of session is too long');
END;
CREATE TRIGGER product_insert_length BEFORE INSERT ON product WHEN length(NEW.label) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of product is too long');
END;
CREATE TRIGGER product_update_length BEFORE UPDATE OF label ON product WHEN length(NEW.label) > 200
BEGIN
    SELECT RAISE(ABORT, 'a text of product is too long');
END;
CREATE TRIGGER alert_rule_insert_length BEFORE INSERT ON alert_rule WHEN length(NEW.webhook_url) > 2048
BEGIN
    SELECT RAISE(ABORT, 'a text of alert_rule is too long');
END;
CREATE TRIGGER alert_rule_update_length BEFORE UPDATE OF webhook_url ON alert_rule WHEN length(NEW.webhook_url) > 2048
BEGIN
    SELECT RAISE(ABORT, 'a text of alert_rule is too long');
END;
CREATE TRIGGER delivery_insert_length BEFORE INSERT ON delivery WHEN length(NEW.webhook_url) > 2048
BEGIN
    SELECT RAISE(ABORT, 'a text of delivery is too long');
END;
CREATE TRIGGER delivery_update_length BEFORE UPDATE OF webhook_url ON delivery WHEN length(NEW.webhook_url) > 2048
BEGIN
    SELECT RAISE(ABORT, 'a text of delivery is too long');
END;
