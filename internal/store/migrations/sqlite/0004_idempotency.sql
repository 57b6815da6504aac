-- Answers to requests with an Idempotency-Key, for a day: a program that asks twice gets the same
-- answer. The key is kept as a hash, and the fingerprint of the request depends on the key itself.

CREATE TABLE idempotency (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	owner  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	key    BLOB NOT NULL CHECK (length(key) = 32),
	at     INTEGER NOT NULL,
	print  BLOB NOT NULL,
	answer BLOB NOT NULL,
	UNIQUE (owner, key)
) STRICT;
CREATE INDEX idempotency_at ON idempotency (at);
