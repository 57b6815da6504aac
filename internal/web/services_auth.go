package web

import (
	"context"

	"specter/internal/auth"
)

// Auth is what the pages ask of auth.Service about who asks. It is cut by the kind of page.
// Wrong names, passwords, cookies and secrets are errs.Denied; *auth.TooFast says how long to
// wait; ids of others are errs.NotFound.
type Auth interface {
	authMethod
	authLogin
	authSessions
	authTokens
	authPeople
	authInvitations
}

type authMethod interface {
	// Settings never waits.
	Settings() auth.Settings
	// SetSettings asks for the password when the method changes, unless it was none or unset.
	SetSettings(ctx context.Context, by auth.Identity, v auth.Settings, password string) error
	Setup(ctx context.Context, r auth.SetupRequest) (cookie string, err error)
	// FirstSecret holds up the secret of the first start's link, without using it.
	FirstSecret(secret string) error
	// Confirm asks the owner's password once more; nothing where nobody logs in.
	Confirm(ctx context.Context, by auth.Identity, password string) error
	Events(ctx context.Context, by auth.Identity, before int64, limit int) ([]auth.Event, error)
}

type authLogin interface {
	Login(ctx context.Context, l auth.Login) (cookie string, u auth.User, err error)
	// Browser makes the mark of a browser that has logged in.
	Browser(ctx context.Context, userID string) (mark string, err error)
	Session(ctx context.Context, cookie, client, agent string) (auth.Identity, error)
	// Expired tells whose session a cookie was, while it ended not long ago.
	Expired(ctx context.Context, cookie string) (userID string, ok bool)
	// Lapse ends a session that its user left alone, so that Expired knows it.
	Lapse(ctx context.Context, by auth.Identity) error
	Logout(ctx context.Context, cookie string) error
}

type authSessions interface {
	Sessions(ctx context.Context, userID string) ([]auth.Session, error)
	EndSession(ctx context.Context, userID string, id int64) error
	EndOtherSessions(ctx context.Context, userID string, keep int64) error
}

type authTokens interface {
	NewToken(ctx context.Context, by auth.Identity, r auth.TokenRequest) (auth.Token, string, error)
	Tokens(ctx context.Context, userID string) ([]auth.Token, error)
	DeleteToken(ctx context.Context, userID, id string) error
}

type authPeople interface {
	Users(ctx context.Context) ([]auth.User, error)
	User(ctx context.Context, id string) (auth.User, error)
	SetPassword(ctx context.Context, userID, password string) error
	ChangePassword(ctx context.Context, by auth.Identity, old, password, client string) error
	RenameUser(ctx context.Context, userID, name string) error
	DeleteUser(ctx context.Context, by auth.Identity, userID string) error
}

type authInvitations interface {
	Invite(ctx context.Context, by auth.Identity, hours int) (auth.Invitation, string, error)
	Invitations(ctx context.Context, by auth.Identity) ([]auth.Invitation, error)
	RevokeInvitation(ctx context.Context, by auth.Identity, id int64) error
	// Invited tells whether a link is still good, without using it up.
	Invited(ctx context.Context, secret string) (auth.Invitation, error)
	Register(ctx context.Context, r auth.Registration) (auth.User, error)
}
