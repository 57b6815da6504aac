package auth

import (
	"context"
	"time"
)

// UserRow is a user as the database keeps it.
type UserRow struct {
	User
	Key  string // FoldName of the name; unique
	Hash string // of the password, in PHC form; "": none
}

// Store keeps what this room knows. Every change is all or nothing and survives a crash once it
// was acknowledged. Ids that do not exist, or belong to somebody else where a user is named,
// give errs.NotFound. Secrets arrive here hashed.
type Store interface {
	UserStore
	SessionStore
	TokenStore
	InvitationStore
	AgentStore
	EventStore
	// Setting returns the program's or a user's setting, "" when there is none.
	Setting(ctx context.Context, owner, name string) (string, error)
	// PutSetting stores a setting; "" forgets it.
	PutSetting(ctx context.Context, owner, name, value string) error
}

// UserStore keeps the users. The owner's row always exists.
type UserStore interface {
	// Users lists all, the owner first, then by name.
	Users(ctx context.Context) ([]UserRow, error)
	UserRow(ctx context.Context, id string) (UserRow, error)
	UserByKey(ctx context.Context, key string) (UserRow, error)
	// AddUser gives errs.Conflict when name or id is taken.
	AddUser(ctx context.Context, u UserRow) error
	RenameUser(ctx context.Context, id, name, key string) error
	// SetUserPassword also ends the user's sessions, all but keep (0: all).
	SetUserPassword(ctx context.Context, id, hash string, keep int64) error
	// UpgradePassword changes the form of a hash, unless it is no longer the old one.
	UpgradePassword(ctx context.Context, id, old, hash string) error
	// RemoveUser removes a member with sessions, tokens and settings. errs.Conflict while
	// anything else still belongs to the user.
	RemoveUser(ctx context.Context, id string) error
}

// SessionStore keeps the sessions.
type SessionStore interface {
	// AddSession stores a session, sets its ID and the user's last login, and removes the
	// session whose hash is old. errs.Conflict when the user's password hash is no longer
	// proven: a login that was overtaken by a change of the password.
	AddSession(ctx context.Context, s *Session, hash, old []byte, proven string) error
	SessionByHash(ctx context.Context, hash []byte) (Session, UserRow, error)
	// SeeSession notes that a session was used.
	SeeSession(ctx context.Context, id int64, at time.Time, client, agent string) error
	// SetSessionWay says that a session counts as one of another method.
	SetSessionWay(ctx context.Context, id int64, way Method) error
	// Sessions lists a user's sessions, the latest used first, ended ones as well.
	Sessions(ctx context.Context, userID string) ([]Session, error)
	EndSession(ctx context.Context, userID string, id int64) error
	// EndSessions ends a user's sessions ("": everybody's), all but keep (0: all).
	EndSessions(ctx context.Context, userID string, keep int64) error
	// SweepSessions removes what was made, or last seen, before these times.
	SweepSessions(ctx context.Context, made, seen time.Time) error
}

// TokenStore keeps the tokens, without the JWT itself.
type TokenStore interface {
	// AddToken gives errs.Conflict when the user has a token of that description.
	AddToken(ctx context.Context, t Token, hash []byte) error
	// Tokens lists a user's tokens, oldest first, expired ones as well.
	Tokens(ctx context.Context, userID string) ([]Token, error)
	TokenByID(ctx context.Context, id string) (t Token, u UserRow, hash []byte, err error)
	SeeToken(ctx context.Context, id string, at time.Time) error
	RemoveToken(ctx context.Context, userID, id string) error
}

// InvitationStore keeps the invitations.
type InvitationStore interface {
	// AddInvitation stores one and sets its ID.
	AddInvitation(ctx context.Context, i *Invitation, hash []byte) error
	Invitations(ctx context.Context) ([]Invitation, error)
	InvitationByHash(ctx context.Context, hash []byte) (Invitation, error)
	RemoveInvitation(ctx context.Context, id int64) error
	// UseInvitation removes the invitation and adds the user, both or neither.
	UseInvitation(ctx context.Context, hash []byte, u UserRow) error
	// SweepInvitations removes those that expired before.
	SweepInvitations(ctx context.Context, before time.Time) error
}

// EventStore keeps the record of what happened.
type EventStore interface {
	AddEvent(ctx context.Context, e Event) error
	// Events lists a user's events ("": all) before an id (0: the newest), newest first.
	Events(ctx context.Context, userID string, before int64, limit int) ([]Event, error)
	// EventsSince lists events of some sorts, newest first.
	EventsSince(ctx context.Context, since time.Time, what []string, limit int) ([]Event, error)
	// SweepEvents removes those before a time, and all but the newest: keep of one sort
	// apart, rest of the others together.
	SweepEvents(ctx context.Context, before time.Time, apart string, keep, rest int) error
}
