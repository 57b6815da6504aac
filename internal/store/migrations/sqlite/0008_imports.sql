-- What was taken over from an old Specter's folder, and what the old one said then, so that taking
-- it over again changes nothing and never wins over a newer word. What this program cannot use yet
-- (kind 'kept') lies here as it was, for the day when it can.

CREATE TABLE imports (
	owner TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	kind  TEXT NOT NULL,
	name  TEXT NOT NULL, -- in the old program
	ref   TEXT NOT NULL, -- what became of it here
	value BLOB NOT NULL, -- what the old program said
	at    INTEGER NOT NULL,
	PRIMARY KEY (owner, kind, name)
) STRICT, WITHOUT ROWID;
