-- The first rooms: users, nodes, devices, wallets with their facts and rows, drafts, labels and
-- settings. Amounts are sat, times unix seconds (0: not known), hashes and scripts bytes.

CREATE TABLE users (
	id      TEXT PRIMARY KEY,
	name    TEXT NOT NULL UNIQUE,
	role    TEXT NOT NULL CHECK (role IN ('owner', 'member')),
	created INTEGER NOT NULL
) STRICT;
INSERT INTO users (id, name, role, created) VALUES ('admin', 'admin', 'owner', 0);

CREATE TABLE settings (
	owner TEXT NOT NULL, -- '': the program's own
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE nodes (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	alias       TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL COLLATE NOCASE UNIQUE,
	kind        TEXT NOT NULL,
	network     TEXT NOT NULL,
	protocol    TEXT NOT NULL,
	host        TEXT NOT NULL,
	port        INTEGER NOT NULL,
	login       TEXT NOT NULL,
	password    TEXT NOT NULL,
	cookie_file TEXT NOT NULL,
	datadir     TEXT NOT NULL,
	autodetect  INTEGER NOT NULL CHECK (autodetect IN (0, 1)),
	active      INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
	created     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX nodes_active ON nodes (active) WHERE active = 1;

CREATE TABLE devices (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	owner        TEXT NOT NULL REFERENCES users (id),
	alias        TEXT NOT NULL,
	name         TEXT NOT NULL COLLATE NOCASE,
	type         TEXT NOT NULL,
	sealed       BLOB,
	needs_secret INTEGER NOT NULL CHECK (needs_secret IN (0, 1)),
	created      INTEGER NOT NULL,
	UNIQUE (owner, alias),
	UNIQUE (owner, name)
) STRICT;

CREATE TABLE device_keys (
	device      INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
	place       INTEGER NOT NULL,
	original    TEXT NOT NULL,
	fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 4),
	path        TEXT NOT NULL,
	has_origin  INTEGER NOT NULL CHECK (has_origin IN (0, 1)),
	xpub        TEXT NOT NULL,
	script_type TEXT NOT NULL,
	purpose     TEXT NOT NULL,
	PRIMARY KEY (device, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE wallets (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	owner        TEXT NOT NULL REFERENCES users (id),
	network      TEXT NOT NULL,
	alias        TEXT NOT NULL,
	name         TEXT NOT NULL COLLATE NOCASE,
	descriptor   TEXT NOT NULL,
	script_type  TEXT NOT NULL,
	threshold    INTEGER NOT NULL,
	cosigners    TEXT NOT NULL, -- JSON
	node_name    TEXT NOT NULL,
	birthday     INTEGER NOT NULL,
	created      INTEGER NOT NULL,
	next_receive INTEGER NOT NULL DEFAULT 0, -- first index not yet handed out
	next_change  INTEGER NOT NULL DEFAULT 0,
	used_receive INTEGER NOT NULL DEFAULT -1, -- highest used index
	used_change  INTEGER NOT NULL DEFAULT -1,
	tip_height   INTEGER NOT NULL DEFAULT 0,
	tip_hash     BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000',
	tip_time     INTEGER NOT NULL DEFAULT 0,
	synced_at    INTEGER NOT NULL DEFAULT 0,
	sync_error   TEXT NOT NULL DEFAULT '',
	scan_state   TEXT NOT NULL DEFAULT '' CHECK (scan_state IN ('', 'running', 'failed')),
	scan_from    INTEGER NOT NULL DEFAULT 0,
	scan_error   TEXT NOT NULL DEFAULT '',
	confirmed    INTEGER NOT NULL DEFAULT 0, -- totals of coins, kept with every change of them
	pending      INTEGER NOT NULL DEFAULT 0,
	immature     INTEGER NOT NULL DEFAULT 0,
	frozen       INTEGER NOT NULL DEFAULT 0,
	reserved     INTEGER NOT NULL DEFAULT 0,
	tx_count     INTEGER NOT NULL DEFAULT 0, -- rows of history
	UNIQUE (owner, network, alias),
	UNIQUE (owner, network, name),
	UNIQUE (network, node_name)
) STRICT;

-- Facts: what the chain told. Rows are added and move between blocks, none is ever deleted.

CREATE TABLE txs (
	id         INTEGER PRIMARY KEY,
	wallet     INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid       BLOB NOT NULL CHECK (length(txid) = 32),
	raw        BLOB NOT NULL,
	height     INTEGER NOT NULL, -- 0: in no block
	block_hash BLOB,
	block_time INTEGER NOT NULL DEFAULT 0,
	seen       INTEGER NOT NULL,
	gone       INTEGER NOT NULL CHECK (gone IN (0, 1)),
	related    INTEGER NOT NULL CHECK (related IN (0, 1)), -- touches the wallet
	UNIQUE (wallet, txid)
) STRICT;
CREATE INDEX txs_height ON txs (wallet, height);
CREATE INDEX txs_unrelated ON txs (wallet) WHERE related = 0;

CREATE TABLE spends (
	wallet    INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	prev_txid BLOB NOT NULL,
	prev_vout INTEGER NOT NULL,
	txid      BLOB NOT NULL,
	PRIMARY KEY (wallet, prev_txid, prev_vout, txid)
) STRICT, WITHOUT ROWID;

CREATE TABLE tips (
	wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	height INTEGER NOT NULL,
	hash   BLOB NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (wallet, height)
) STRICT, WITHOUT ROWID;

-- Rows: what the pages read, computed from the facts in the same transaction.

CREATE TABLE history (
	id          INTEGER PRIMARY KEY,
	wallet      INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid        BLOB NOT NULL,
	category    TEXT NOT NULL,
	state       TEXT NOT NULL,
	amount      INTEGER NOT NULL,
	fee         INTEGER,
	vsize       INTEGER NOT NULL,
	height      INTEGER NOT NULL,
	block_hash  BLOB,
	time        INTEGER NOT NULL,
	address     TEXT NOT NULL,
	addresses   TEXT NOT NULL, -- those that matter, a blank between
	label       TEXT NOT NULL,
	replaceable INTEGER NOT NULL CHECK (replaceable IN (0, 1)),
	replaced_by BLOB,
	trouble     TEXT NOT NULL DEFAULT '',
	ord         INTEGER NOT NULL, -- place in time: newest is greatest
	search      TEXT NOT NULL,    -- txid, addresses and label in lower case
	UNIQUE (wallet, txid)
) STRICT;
CREATE INDEX history_ord ON history (wallet, ord, amount, state, category, time);
CREATE INDEX history_amount ON history (wallet, amount, ord, state, category, time);
CREATE INDEX history_label ON history (wallet, label, ord);
CREATE INDEX history_category ON history (wallet, category, ord);
CREATE VIRTUAL TABLE history_search USING fts5 (search, content = 'history', content_rowid = 'id', tokenize = 'trigram', detail = none);

CREATE TABLE coins (
	id       INTEGER PRIMARY KEY,
	wallet   INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid     BLOB NOT NULL,
	vout     INTEGER NOT NULL,
	amount   INTEGER NOT NULL CHECK (amount >= 0),
	script   BLOB NOT NULL,
	address  TEXT NOT NULL,
	branch   INTEGER NOT NULL,
	idx      INTEGER NOT NULL,
	live     INTEGER NOT NULL CHECK (live IN (0, 1)), -- its transaction counts
	height   INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	coinbase INTEGER NOT NULL CHECK (coinbase IN (0, 1)),
	spent_by BLOB,
	frozen   INTEGER NOT NULL CHECK (frozen IN (0, 1)),
	reserved INTEGER NOT NULL, -- the draft that holds it; 0: none
	ord      INTEGER NOT NULL,
	UNIQUE (wallet, txid, vout)
) STRICT;
CREATE INDEX coins_ord ON coins (wallet, ord, amount) WHERE live = 1;
CREATE INDEX coins_utxo ON coins (wallet, ord, amount, frozen, reserved) WHERE live = 1 AND spent_by IS NULL;
CREATE INDEX coins_utxo_amount ON coins (wallet, amount) WHERE live = 1 AND spent_by IS NULL;
CREATE INDEX coins_young ON coins (wallet, height) WHERE coinbase = 1 AND live = 1 AND spent_by IS NULL;

CREATE TABLE addresses (
	wallet  INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	branch  INTEGER NOT NULL,
	idx     INTEGER NOT NULL,
	script  BLOB NOT NULL,
	address TEXT NOT NULL,
	used    INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
	coins   INTEGER NOT NULL DEFAULT 0, -- utxos
	amount  INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (wallet, branch, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX addresses_script ON addresses (wallet, script);

-- Words: what the user says.

CREATE TABLE labels (
	wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	kind   TEXT NOT NULL CHECK (kind IN ('tx', 'addr', 'output')),
	ref    TEXT NOT NULL,
	label  TEXT NOT NULL,
	search TEXT NOT NULL, -- the label in lower case of all alphabets
	PRIMARY KEY (wallet, kind, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE frozen (
	wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	txid   BLOB NOT NULL,
	vout   INTEGER NOT NULL,
	PRIMARY KEY (wallet, txid, vout)
) STRICT, WITHOUT ROWID;

CREATE TABLE drafts (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	wallet     INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
	revision   INTEGER NOT NULL,
	created    INTEGER NOT NULL,
	changed    INTEGER NOT NULL,
	state      TEXT NOT NULL,
	note       TEXT NOT NULL,
	token      TEXT NOT NULL,
	psbt       BLOB NOT NULL,
	final      BLOB,
	txid       BLOB NOT NULL,
	recipients TEXT NOT NULL, -- JSON
	warnings   TEXT NOT NULL, -- JSON
	change_branch INTEGER NOT NULL DEFAULT 0,
	change     INTEGER NOT NULL, -- index handed out for change; -1: none
	import     INTEGER NOT NULL CHECK (import IN (0, 1))
) STRICT;
CREATE INDEX drafts_wallet ON drafts (wallet);
CREATE UNIQUE INDEX drafts_token ON drafts (wallet, token) WHERE token <> '';

CREATE TABLE draft_coins (
	draft  INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
	wallet INTEGER NOT NULL,
	txid   BLOB NOT NULL,
	vout   INTEGER NOT NULL,
	PRIMARY KEY (draft, txid, vout)
) STRICT, WITHOUT ROWID;
CREATE INDEX draft_coins_coin ON draft_coins (wallet, txid, vout);
