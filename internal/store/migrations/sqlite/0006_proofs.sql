-- Proofs that confirmed transactions are in their blocks, as the user's switch asks for them. A
-- proof is of one block: after a reorg the transaction is proved again.

CREATE TABLE proofs (
	wallet     INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid       BLOB NOT NULL CHECK (length(txid) = 32),
	block_hash BLOB NOT NULL CHECK (length(block_hash) = 32),
	checked    INTEGER NOT NULL, -- when
	trouble    TEXT NOT NULL,    -- why it is not proved; '': it is
	PRIMARY KEY (wallet, txid)
) STRICT, WITHOUT ROWID;
