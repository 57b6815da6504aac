-- Logging in: passwords, sessions of browsers, tokens of programs, invitations, and the record of
-- what happened around them. Secrets that we made stand here as SHA-256, passwords as Argon2id.
-- Whoever owns a row is named by users.id. Sharing a wallet will add a table of its own (ADR 9).

ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT ''; -- the name without case, width and composing
ALTER TABLE users ADD COLUMN password TEXT NOT NULL DEFAULT ''; -- PHC string; '': none
ALTER TABLE users ADD COLUMN last_login INTEGER NOT NULL DEFAULT 0;
UPDATE users SET name_key = lower(name);
CREATE UNIQUE INDEX users_name_key ON users (name_key);

CREATE TABLE sessions (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	owner     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	hash      BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), -- of the cookie
	created   INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	client    TEXT NOT NULL, -- address
	agent     TEXT NOT NULL,
	way       TEXT NOT NULL  -- login method
) STRICT;
CREATE INDEX sessions_owner ON sessions (owner);

-- Tokens keep milliseconds, and their life nanoseconds: it may have decimals.
CREATE TABLE tokens (
	id          TEXT PRIMARY KEY, -- UUID
	owner       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	description TEXT NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32), -- of the JWT
	life        INTEGER NOT NULL,
	scope       TEXT NOT NULL, -- JSON
	created     INTEGER NOT NULL,
	expires     INTEGER NOT NULL,
	last_used   INTEGER NOT NULL DEFAULT 0,
	UNIQUE (owner, description)
) STRICT;

CREATE TABLE invitations (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	hash    BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), -- of the link's secret
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL -- 0: never
) STRICT;

-- No reference to users: an event outlives its user.
CREATE TABLE auth_events (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	at     INTEGER NOT NULL,
	owner  TEXT NOT NULL, -- '': nobody known
	client TEXT NOT NULL,
	what   TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX auth_events_owner ON auth_events (owner, id);
CREATE INDEX auth_events_at ON auth_events (at);
