-- Leases are claimed by marketplace, as many as there are free slots for it: a marketplace that is slow or blocked keeps no
-- slot that another could use.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';

ALTER TABLE lease ADD COLUMN marketplace text;
UPDATE lease SET marketplace = listing.marketplace FROM listing WHERE listing.id = lease.listing_id;
CREATE INDEX lease_ready_on_marketplace ON lease (lane, marketplace, ready_at) WHERE parked_at IS NULL;

-- Earlier versions do not name the marketplace. They may run beside this one during an upgrade.
CREATE FUNCTION set_marketplace_of_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT marketplace INTO NEW.marketplace FROM listing WHERE id = NEW.listing_id;
    RETURN NEW;
END $$;
CREATE TRIGGER lease_without_marketplace BEFORE INSERT ON lease
    FOR EACH ROW WHEN (NEW.marketplace IS NULL) EXECUTE FUNCTION set_marketplace_of_lease();
