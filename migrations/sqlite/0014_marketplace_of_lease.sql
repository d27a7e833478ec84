-- Leases are claimed by marketplace, as many as there are free slots for it: a marketplace that is slow or blocked keeps no
-- slot that another could use.
ALTER TABLE lease ADD COLUMN marketplace TEXT;
UPDATE lease SET marketplace = (SELECT marketplace FROM listing WHERE id = listing_id);
CREATE INDEX lease_ready_on_marketplace ON lease (lane, marketplace, ready_at) WHERE parked_at IS NULL;
