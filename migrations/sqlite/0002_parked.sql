-- How many listings are parked is asked every few seconds; they are few, however many listings there are.
CREATE INDEX lease_parked ON lease (parked_at) WHERE parked_at IS NOT NULL;
