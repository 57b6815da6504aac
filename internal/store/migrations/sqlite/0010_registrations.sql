-- What signing devices answered when they were told of a wallet: under which name they know it,
-- and the proof that some give. Nothing here is secret; without it people approve a wallet again.

CREATE TABLE registrations (
	wallet      INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 4), -- of the device's master key
	kind        TEXT NOT NULL,    -- the device's family
	name        TEXT NOT NULL,    -- under which the device knows the wallet
	policy_id   BLOB NOT NULL,    -- empty where the family has none
	proof       BLOB NOT NULL,    -- empty where the family gives none
	registered  INTEGER NOT NULL, -- when
	PRIMARY KEY (wallet, fingerprint, kind)
) STRICT, WITHOUT ROWID;
