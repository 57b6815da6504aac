-- A scan of old blocks goes on where it was when the program ended; coins are also looked for in
-- the node's set of unspent outputs; and each wallet has its own gap limit.

ALTER TABLE wallets ADD COLUMN scan_mode TEXT NOT NULL DEFAULT '' CHECK (scan_mode IN ('', 'coins')); -- '': blocks
ALTER TABLE wallets ADD COLUMN scan_next INTEGER NOT NULL DEFAULT 0; -- blocks below are looked through
ALTER TABLE wallets ADD COLUMN scan_found TEXT NOT NULL DEFAULT '';  -- JSON of what a search for coins found
ALTER TABLE wallets ADD COLUMN gap INTEGER NOT NULL DEFAULT 20 CHECK (gap BETWEEN 1 AND 10000);
