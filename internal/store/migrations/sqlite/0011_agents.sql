-- Agents: programs at the desks of users that reach us from outside and have USB devices there.

CREATE TABLE agents (
	id        TEXT PRIMARY KEY, -- random; it stands in the paths of devices
	owner     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	key       BLOB NOT NULL UNIQUE CHECK (length(key) = 32), -- ed25519, public
	created   INTEGER NOT NULL,
	last_seen INTEGER NOT NULL DEFAULT 0 -- 0: never
) STRICT;
CREATE INDEX agents_owner ON agents (owner);
