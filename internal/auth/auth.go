package auth

import (
	"context"
	"log/slog"
	"time"

	"specter/internal/errs"
)

type HashParams struct {
	Memory, Passes uint32
	Lanes          uint8
}

type Store interface{}

type TooFast struct{ Wait time.Duration }

func (t *TooFast) Error() string { return "too many tries" }
func (t *TooFast) Unwrap() error { return errs.E(errs.Denied, "too many tries") }

// Config is what the service stands on.
type Config struct {
	Store    Store
	Now      func() time.Time
	Log      *slog.Logger
	CheckRPC func(ctx context.Context, password string) error
	Open     func() bool
	Forget   func(ctx context.Context, userID string) error
	Hash     HashParams
}

type Service struct{ c Config }

var errEarly = errs.E(errs.Unavailable, "not ready")

func New(ctx context.Context, c Config) (*Service, error) { return &Service{c}, nil }
func (s *Service) Run(ctx context.Context) error          { return nil }
func (s *Service) SetupLink(ctx context.Context) (secret string, needed bool, err error) {
	return "", false, errEarly
}
func (s *Service) Setup(ctx context.Context, r SetupRequest) (cookie string, err error) {
	return "", errEarly
}
func (s *Service) SetOwner(ctx context.Context, name, password string) error { return errEarly }
func (s *Service) Settings() Settings                                        { return Settings{} }
func (s *Service) SetSettings(ctx context.Context, by Identity, v Settings, password string) error {
	return errEarly
}
func (s *Service) Login(ctx context.Context, l Login) (cookie string, u User, err error) {
	return "", User{}, errEarly
}

// Browser makes the marker of a browser that has logged in, for a long-lived cookie beside the session's.
func (s *Service) Browser(ctx context.Context, userID string) (marker string, err error) {
	return "", errEarly
}
func (s *Service) Session(ctx context.Context, cookie, client, agent string) (Identity, error) {
	return Identity{}, errEarly
}
func (s *Service) Expired(ctx context.Context, cookie string) (userID string, ok bool) {
	return "", false
}
func (s *Service) Logout(ctx context.Context, cookie string) error { return errEarly }
func (s *Service) Sessions(ctx context.Context, userID string) ([]Session, error) {
	return nil, errEarly
}
func (s *Service) EndSession(ctx context.Context, userID string, id int64) error { return errEarly }
func (s *Service) EndOtherSessions(ctx context.Context, userID string, keep int64) error {
	return errEarly
}
func (s *Service) Basic(ctx context.Context, name, password, client string) (Identity, error) {
	return Identity{}, errEarly
}
func (s *Service) Bearer(ctx context.Context, token string) (Identity, error) {
	return Identity{}, errEarly
}
func (s *Service) NewToken(ctx context.Context, by Identity, r TokenRequest) (Token, string, error) {
	return Token{}, "", errEarly
}
func (s *Service) Tokens(ctx context.Context, userID string) ([]Token, error) { return nil, errEarly }
func (s *Service) Token(ctx context.Context, userID, id string) (Token, error) {
	return Token{}, errEarly
}
func (s *Service) DeleteToken(ctx context.Context, userID, id string) error  { return errEarly }
func ParseSpan(text string) (time.Duration, error)                           { return 0, errEarly }
func (s *Service) Users(ctx context.Context) ([]User, error)                 { return nil, errEarly }
func (s *Service) User(ctx context.Context, id string) (User, error)         { return User{}, errEarly }
func (s *Service) UserByName(ctx context.Context, name string) (User, error) { return User{}, errEarly }
func (s *Service) AddUser(ctx context.Context, by Identity, name, password string) (User, error) {
	return User{}, errEarly
}
func (s *Service) SetPassword(ctx context.Context, userID, password string) error { return errEarly }
func (s *Service) ChangePassword(ctx context.Context, by Identity, old, new string, client string) error {
	return errEarly
}
func (s *Service) RenameUser(ctx context.Context, userID, name string) error        { return errEarly }
func (s *Service) DeleteUser(ctx context.Context, by Identity, userID string) error { return errEarly }
func (s *Service) Invite(ctx context.Context, by Identity, hours int) (Invitation, string, error) {
	return Invitation{}, "", errEarly
}
func (s *Service) Invitations(ctx context.Context, by Identity) ([]Invitation, error) {
	return nil, errEarly
}
func (s *Service) RevokeInvitation(ctx context.Context, by Identity, id int64) error { return errEarly }
func (s *Service) Invited(ctx context.Context, secret string) (Invitation, error) {
	return Invitation{}, errEarly
}
func (s *Service) Register(ctx context.Context, r Registration) (User, error) {
	return User{}, errEarly
}
func (s *Service) Events(ctx context.Context, by Identity, before int64, limit int) ([]Event, error) {
	return nil, errEarly
}
