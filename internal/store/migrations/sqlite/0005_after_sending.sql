-- After sending: drafts that take the place of a transaction, transactions that the user has given up,
-- and what keeps the lists of coins fast in large wallets.

ALTER TABLE drafts ADD COLUMN replaces BLOB; -- txid; NULL: takes nobody's place
ALTER TABLE drafts ADD COLUMN parents INTEGER NOT NULL DEFAULT 0 CHECK (parents IN (0, 1)); -- spends outputs of transactions that left the mempool

CREATE TABLE abandoned (
	wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid   BLOB NOT NULL,
	PRIMARY KEY (wallet, txid)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_dropped ON history (wallet) WHERE state = 'dropped';
CREATE INDEX coins_address ON coins (wallet, address);

-- Every column that a list asks about stands in its index: a page far down reads no rows on its way.
DROP INDEX coins_ord;
DROP INDEX coins_utxo;
DROP INDEX coins_utxo_amount;
CREATE INDEX coins_ord ON coins (wallet, ord, amount, time, live) WHERE live = 1;
CREATE INDEX coins_utxo ON coins (wallet, ord, amount, frozen, reserved, live, spent_by) WHERE live = 1 AND spent_by IS NULL;
CREATE INDEX coins_utxo_amount ON coins (wallet, amount, ord, frozen, reserved, live, spent_by) WHERE live = 1 AND spent_by IS NULL;
CREATE INDEX coins_frozen ON coins (wallet, ord, amount, frozen, live, spent_by) WHERE live = 1 AND spent_by IS NULL AND frozen = 1;
CREATE INDEX coins_reserved ON coins (wallet, ord, amount, frozen, reserved, live, spent_by) WHERE live = 1 AND spent_by IS NULL AND reserved > 0;
CREATE INDEX coins_spent ON coins (wallet, ord, amount, live, spent_by) WHERE live = 1 AND spent_by IS NOT NULL;

ALTER TABLE wallets ADD COLUMN utxos INTEGER NOT NULL DEFAULT 0; -- coins that live and are unspent, kept with every change of them
UPDATE wallets SET utxos = (SELECT count(*) FROM coins WHERE coins.wallet = wallets.id AND live = 1 AND spent_by IS NULL);
