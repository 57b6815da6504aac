-- Labels stand on keys, inputs and public keys too (BIP329), so that label files of other
-- programs come in whole. The kinds are a CHECK, which SQLite changes by a new table alone.

CREATE TABLE labels_new (
	wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	kind   TEXT NOT NULL CHECK (kind IN ('tx', 'addr', 'output', 'input', 'pubkey', 'xpub')),
	ref    TEXT NOT NULL,
	label  TEXT NOT NULL,
	search TEXT NOT NULL, -- the label in lower case of all alphabets
	PRIMARY KEY (wallet, kind, ref)
) STRICT, WITHOUT ROWID;
INSERT INTO labels_new (wallet, kind, ref, label, search) SELECT wallet, kind, ref, label, search FROM labels;
DROP TABLE labels;
ALTER TABLE labels_new RENAME TO labels;
