package web_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// gatehouse is a working stand-in for auth.Service: users, sessions, tokens and invitations in
// memory, passwords as they are.
type gatehouse struct {
	mu       sync.Mutex
	now      func() time.Time
	settings auth.Settings
	secret   string // of the setup link
	users    []auth.User
	words    map[string]string // passwords by user id
	sessions map[string]auth.Session
	over     map[string]string // cookies of ended sessions: user id
	tokens   []auth.Token
	invites  map[string]auth.Invitation
	events   []auth.Event
	tooFast  time.Duration
	next     int64
	last     auth.Login // the last try
	open     bool
	away     error // what every question is answered with
}

func newGatehouse(method auth.Method) *gatehouse {
	return &gatehouse{now: time.Now, secret: "setup-secret", words: map[string]string{"admin": "correct horse", "bob": "battery staple"},
		settings: auth.Settings{Method: method, MinPassword: 8, InvitationHours: 24, Idle: 7 * 24 * time.Hour, Absolute: 30 * 24 * time.Hour},
		users:    []auth.User{{ID: "admin", Name: "admin", Role: auth.Owner, Password: true}, {ID: "bob", Name: "Bob", Role: auth.Member, Password: true}},
		sessions: map[string]auth.Session{}, over: map[string]string{}, invites: map[string]auth.Invitation{}}
}

func denied() error { return errs.E(errs.Denied, "name or password is wrong") }

func (g *gatehouse) user(match func(auth.User) bool) (*auth.User, error) {
	for i := range g.users {
		if match(g.users[i]) {
			return &g.users[i], nil
		}
	}
	return nil, errs.E(errs.NotFound, "there is no such user")
}

// enter makes a session without asking.
func (g *gatehouse) enter(userID string) string {
	g.next++
	cookie := fmt.Sprintf("cookie-%d-of-%s", g.next, userID)
	g.sessions[cookie] = auth.Session{ID: g.next, UserID: userID, Created: g.now(), LastSeen: g.now(), Expires: g.now().Add(g.settings.Idle), Client: "127.0.0.1",
		Agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", Way: g.settings.Method}
	return cookie
}

// end ends sessions, as time or a person would.
func (g *gatehouse) end(match func(auth.Session) bool) {
	for cookie, s := range g.sessions {
		if match(s) {
			delete(g.sessions, cookie)
			g.over[cookie] = s.UserID
		}
	}
}

func (g *gatehouse) note(user, what, detail string) {
	g.events = append([]auth.Event{{ID: int64(len(g.events) + 1), At: g.now(), UserID: user, Client: "127.0.0.1", What: what, Detail: detail}}, g.events...)
}

func (g *gatehouse) Settings() auth.Settings { g.mu.Lock(); defer g.mu.Unlock(); return g.settings }

func (g *gatehouse) SetSettings(_ context.Context, by auth.Identity, v auth.Settings, password string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !by.IsOwner() {
		return errs.E(errs.Denied, "only the owner")
	}
	if m := g.settings.Method; v.Method != m && m != auth.MethodNone && m != auth.MethodUnset && password != g.words["admin"] {
		return errs.E(errs.Denied, "the password is wrong")
	}
	if v.MinPassword < 6 {
		return errs.E(errs.Invalid, "a password has at least 6 characters")
	}
	g.settings = v
	return nil
}

func (g *gatehouse) Setup(_ context.Context, r auth.SetupRequest) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Secret != g.secret || g.settings.Method != auth.MethodUnset {
		return "", errs.E(errs.Denied, "this link is not the one that Specter printed at its last start")
	}
	if r.NoLogin {
		if g.open {
			return "", errs.E(errs.Denied, "other machines can reach this Specter: choose a password")
		}
		g.settings.Method = auth.MethodNone
		return "", nil
	}
	if len(r.Password) < g.settings.MinPassword {
		return "", errs.E(errs.Invalid, "the password is too short")
	}
	g.users[0].Name, g.users[0].Password, g.words["admin"], g.settings.Method = r.Name, true, r.Password, auth.MethodUsers
	return g.enter("admin"), nil
}

func (g *gatehouse) Events(_ context.Context, by auth.Identity, before int64, limit int) (out []auth.Event, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.events {
		if (before == 0 || e.ID < before) && (by.IsOwner() || e.UserID == by.User.ID) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (g *gatehouse) Login(_ context.Context, l auth.Login) (string, auth.User, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = l
	if g.tooFast > 0 {
		return "", auth.User{}, &auth.TooFast{Wait: g.tooFast}
	}
	u, err := g.user(func(u auth.User) bool {
		return g.settings.Method != auth.MethodUsers && u.ID == "admin" || strings.EqualFold(u.Name, l.Name)
	})
	want := "node-pin"
	if err == nil && g.settings.Method != auth.MethodRPC {
		want = g.words[u.ID]
	}
	if err != nil || l.Password != want {
		g.note("", "login-refused", "")
		return "", auth.User{}, denied()
	}
	delete(g.sessions, l.Old)
	u.LastLogin = g.now()
	g.note(u.ID, "login", "")
	return g.enter(u.ID), *u, nil
}

func (g *gatehouse) Browser(_ context.Context, userID string) (string, error) {
	return "mark-of-" + userID, nil
}

func (g *gatehouse) Session(_ context.Context, cookie, _, _ string) (auth.Identity, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.away != nil {
		return auth.Identity{}, g.away
	}
	if g.settings.Method == auth.MethodNone && !g.open {
		return auth.Identity{User: g.users[0]}, nil
	}
	s, ok := g.sessions[cookie]
	if !ok || g.settings.Method == auth.MethodUnset {
		return auth.Identity{}, errs.E(errs.Denied, "log in first")
	}
	u, err := g.user(func(u auth.User) bool { return u.ID == s.UserID })
	if err != nil {
		return auth.Identity{}, errs.E(errs.Denied, "log in first")
	}
	return auth.Identity{User: *u, Session: &s}, nil
}

func (g *gatehouse) Expired(_ context.Context, cookie string) (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, ok := g.over[cookie]
	return id, ok
}

func (g *gatehouse) Lapse(_ context.Context, by auth.Identity) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for cookie, s := range g.sessions {
		if s.ID == by.Session.ID {
			g.over[cookie] = s.UserID
			delete(g.sessions, cookie)
			return nil
		}
	}
	return errs.E(errs.NotFound, "there is no such session")
}

func (g *gatehouse) Logout(_ context.Context, cookie string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, cookie)
	return nil
}

func (g *gatehouse) Sessions(_ context.Context, userID string) (out []auth.Session, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		if s.UserID == userID {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b auth.Session) int { return int(a.ID - b.ID) })
	return out, nil
}

func (g *gatehouse) EndSession(_ context.Context, userID string, id int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.sessions)
	g.end(func(s auth.Session) bool { return s.UserID == userID && s.ID == id })
	if len(g.sessions) == before {
		return errs.E(errs.NotFound, "there is no such session")
	}
	return nil
}

func (g *gatehouse) EndOtherSessions(_ context.Context, userID string, keep int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(func(s auth.Session) bool { return s.UserID == userID && s.ID != keep })
	return nil
}

func (g *gatehouse) NewToken(_ context.Context, by auth.Identity, r auth.TokenRequest) (auth.Token, string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.tokens {
		if t.Description == r.Description && t.UserID == by.User.ID || r.Description == "" {
			return auth.Token{}, "", errs.E(errs.Conflict, "Token description already exists or is blank")
		}
	}
	t := auth.Token{ID: "token-" + strconv.Itoa(len(g.tokens)+1), UserID: by.User.ID, Description: r.Description, Life: r.Life, Created: g.now(), Expires: g.now().Add(r.Life), Scope: r.Scope}
	g.tokens = append(g.tokens, t)
	return t, "secret.of." + t.ID, nil
}

func (g *gatehouse) Tokens(_ context.Context, userID string) (out []auth.Token, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.tokens {
		if t.UserID == userID {
			out = append(out, t)
		}
	}
	return out, nil
}

func (g *gatehouse) DeleteToken(_ context.Context, userID, id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, t := range g.tokens {
		if t.UserID == userID && t.ID == id {
			g.tokens = slices.Delete(g.tokens, i, i+1)
			return nil
		}
	}
	return errs.E(errs.NotFound, "there is no such token")
}

func (g *gatehouse) Users(context.Context) ([]auth.User, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.users), nil
}

func (g *gatehouse) User(_ context.Context, id string) (auth.User, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, err := g.user(func(u auth.User) bool { return u.ID == id })
	if err != nil {
		return auth.User{}, err
	}
	return *u, nil
}

func (g *gatehouse) SetPassword(_ context.Context, userID, password string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, err := g.user(func(u auth.User) bool { return u.ID == userID })
	if err != nil {
		return err
	}
	if len(password) < g.settings.MinPassword {
		return errs.E(errs.Invalid, "the password is too short")
	}
	u.Password, g.words[userID] = true, password
	g.end(func(s auth.Session) bool { return s.UserID == userID })
	return nil
}

func (g *gatehouse) ChangePassword(_ context.Context, by auth.Identity, old, password, _ string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.words[by.User.ID] != old {
		return errs.E(errs.Denied, "the current password is wrong")
	}
	g.words[by.User.ID] = password
	g.end(func(s auth.Session) bool { return s.UserID == by.User.ID && s.ID != by.Session.ID })
	return nil
}

func (g *gatehouse) RenameUser(_ context.Context, userID, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.user(func(u auth.User) bool { return u.ID != userID && strings.EqualFold(u.Name, name) }); err == nil {
		return errs.E(errs.Conflict, "there is a user of this name already")
	}
	u, err := g.user(func(u auth.User) bool { return u.ID == userID })
	if err == nil {
		u.Name = name
	}
	return err
}

func (g *gatehouse) DeleteUser(_ context.Context, by auth.Identity, userID string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !by.IsOwner() {
		return errs.E(errs.Denied, "only the owner")
	}
	g.users = slices.DeleteFunc(g.users, func(u auth.User) bool { return u.ID == userID })
	g.end(func(s auth.Session) bool { return s.UserID == userID })
	return nil
}

func (g *gatehouse) Invite(_ context.Context, _ auth.Identity, hours int) (auth.Invitation, string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next++
	i := auth.Invitation{ID: g.next, Created: g.now()}
	if hours > 0 {
		i.Expires = g.now().Add(time.Duration(hours) * time.Hour)
	}
	secret := "otp-" + strconv.FormatInt(i.ID, 10)
	g.invites[secret] = i
	return i, secret, nil
}

func (g *gatehouse) Invitations(context.Context, auth.Identity) (out []auth.Invitation, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range g.invites {
		out = append(out, i)
	}
	return out, nil
}

func (g *gatehouse) RevokeInvitation(_ context.Context, _ auth.Identity, id int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for secret, i := range g.invites {
		if i.ID == id {
			delete(g.invites, secret)
			return nil
		}
	}
	return errs.E(errs.NotFound, "there is no such invitation")
}

func (g *gatehouse) Invited(_ context.Context, secret string) (auth.Invitation, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i, ok := g.invites[secret]
	if !ok {
		return i, errs.E(errs.Denied, "this invitation is not good any more")
	}
	return i, nil
}

func (g *gatehouse) Register(_ context.Context, r auth.Registration) (auth.User, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.invites[r.Secret]; !ok {
		return auth.User{}, errs.E(errs.Denied, "this invitation is not good any more")
	}
	if len(r.Password) < g.settings.MinPassword {
		return auth.User{}, errs.E(errs.Invalid, "the password is too short")
	}
	delete(g.invites, r.Secret)
	u := auth.User{ID: strings.ToLower(r.Name), Name: r.Name, Role: auth.Member, Password: true}
	g.users, g.words[u.ID] = append(g.users, u), r.Password
	return u, nil
}

func (g *gatehouse) FirstSecret(secret string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.settings.Method != auth.MethodUnset || secret != g.secret {
		return errs.E(errs.Denied, "this link is not the one that Specter printed at its last start")
	}
	return nil
}

func (g *gatehouse) Confirm(_ context.Context, by auth.Identity, password string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !by.IsOwner():
		return errs.E(errs.Denied, "only the owner")
	case g.tooFast > 0:
		return &auth.TooFast{Wait: g.tooFast}
	case g.settings.Method != auth.MethodNone && password != g.words["admin"]:
		return denied()
	}
	return nil
}
