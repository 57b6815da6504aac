package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"specter/internal/errs"
)

// Login logs a person in and returns the cookie of a new session. errs.Denied: name or password
// are wrong, in the same words and after the same work whether the name exists or not; *TooFast:
// wait; errs.Unavailable: the node that must judge the PIN is away; errs.Conflict: nobody logs
// in here.
func (s *Service) Login(ctx context.Context, l Login) (cookie string, u User, err error) {
	method := s.Settings().Method
	switch method {
	case MethodUnset:
		return "", User{}, errUnset
	case MethodNone:
		return "", User{}, errs.E(errs.Conflict, "nobody logs in here: the login is switched off")
	}
	row, g, err := s.who(ctx, method, l)
	if err != nil {
		return "", User{}, err
	}
	if row, err = s.prove(ctx, g, row, l.Password, method == MethodRPC, "page"); err != nil {
		return "", User{}, err
	}
	if cookie, err = s.newSession(ctx, row, method, l); err != nil {
		return "", User{}, err
	}
	s.record(ctx, row.ID, l.Client, eventLogin, string(method))
	return cookie, row.User, nil
}

// who finds the user that a login is about. Nobody is a row without id: the work is the same.
func (s *Service) who(ctx context.Context, method Method, l Login) (row UserRow, g guess, err error) {
	if method == MethodUsers {
		g.name = foldName(l.Name)
		row, err = s.c.Store.UserByKey(ctx, g.name)
	} else {
		row, err = s.c.Store.UserRow(ctx, OwnerID)
		g.name = row.Key
	}
	if err != nil && !errs.Is(err, errs.NotFound) {
		return row, g, err
	}
	g.client = l.Client
	if row.ID != "" && s.isBrowser(row, l.Browser) {
		g.known = l.Browser
	}
	return row, g, nil
}

// prove holds a guess to the limits and checks it. It returns the row with the hash that is
// stored now. way says in the record where it was.
func (s *Service) prove(ctx context.Context, g guess, row UserRow, password string, pin bool, way string) (UserRow, error) {
	slot, err := s.limits.take(g, s.now())
	if err != nil {
		return row, err
	}
	ok, row, err := s.judge(ctx, slot, row, password, pin)
	switch {
	case err != nil:
		return row, err
	case !ok:
		s.record(ctx, row.ID, g.client, eventRefused, way)
		return row, errWrong
	}
	slot.right(s.now())
	return row, nil
}

// judge asks the node about a PIN, and the stored hash about anything else. The owner's own
// password counts as well while the node that knows the PIN is away.
func (s *Service) judge(ctx context.Context, slot *slot, row UserRow, password string, pin bool) (bool, UserRow, error) {
	var away error
	if pin {
		away = s.askNode(ctx, password)
		if away == nil {
			return true, row, nil
		}
		if errs.Is(away, errs.Denied) || row.Hash == "" {
			if errs.Is(away, errs.Denied) {
				return false, row, nil
			}
			slot.unjudged()
			return false, row, away
		}
	}
	var ok bool
	var fresh string
	if err := s.hash.do(ctx, slot.known, func() { ok, fresh = s.hash.check(row.Hash, password) }); err != nil {
		slot.unjudged()
		return false, row, err
	}
	if !ok && away != nil {
		return false, row, away
	}
	if ok {
		s.proved(ctx, row.ID, password)
	}
	if ok && fresh != "" {
		err := s.c.Store.UpgradePassword(context.WithoutCancel(ctx), row.ID, row.Hash, fresh)
		if err != nil {
			s.c.Log.Warn("bringing a password to its new form", "error", err)
		} else {
			row.Hash = fresh
		}
	}
	return ok, row, nil
}

// askNode tries a PIN against the node.
func (s *Service) askNode(ctx context.Context, pin string) error {
	if s.c.CheckRPC == nil {
		return errs.E(errs.Unavailable, "the node cannot be asked for its password; log in with the owner's own password")
	}
	if pin == "" || len(pin) > passwordMax {
		return errWrong
	}
	return s.c.CheckRPC(ctx, pin)
}

// TryPIN tries a PIN against the node for an owner who is in already and chooses how to log in. It
// is held to a limit of its own: a browser that was left open is no place to guess at the node's
// password. errs.Denied: it is wrong; *TooFast: wait; errs.Unavailable: the node cannot be asked.
func (s *Service) TryPIN(ctx context.Context, pin string) error {
	slot, err := s.limits.take(guess{name: OwnerID, known: "choosing the PIN"}, s.now())
	if err != nil {
		return err
	}
	switch err = s.askNode(ctx, pin); {
	case err == nil:
		slot.clear()
	case errs.Is(err, errs.Denied):
		s.record(ctx, OwnerID, "", eventRefused, "settings")
	default:
		slot.unjudged()
	}
	return err
}

// browserFor is how long a browser stays known after its last login.
const browserFor = 400 * 24 * time.Hour

// Browser makes the marker of a browser that has just logged in as a user. Kept in a long-lived
// cookie (HttpOnly, SameSite=Strict, path of the login) beside the session's and handed back in
// Login.Browser, it lets the user in while others guess at the account. It logs nobody in, is
// good for 400 days, and is worth nothing once the password changes.
func (s *Service) Browser(ctx context.Context, userID string) (marker string, err error) {
	row, err := s.c.Store.UserRow(ctx, userID)
	if err != nil {
		return "", err
	}
	body := make([]byte, 24)
	rand.Read(body[:16])
	binary.BigEndian.PutUint64(body[16:], uint64(s.now().Add(browserFor).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(body, s.browserMAC(row, body)...)), nil
}

// isBrowser reports whether a marker was made for this user and password.
func (s *Service) isBrowser(row UserRow, marker string) bool {
	if len(marker) != base64.RawURLEncoding.EncodedLen(24+sha256.Size) {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(marker)
	if err != nil || !hmac.Equal(b[24:], s.browserMAC(row, b[:24])) {
		return false
	}
	return s.now().Unix() < int64(binary.BigEndian.Uint64(b[16:24]))
}

// browserMAC uses the key of the tokens; no JWT's signed text starts with these words.
func (s *Service) browserMAC(row UserRow, body []byte) []byte {
	m := hmac.New(sha256.New, s.tokenKey)
	m.Write([]byte(strings.Join([]string{"specter browser", row.ID, row.Hash, ""}, "\x00")))
	m.Write(body)
	return m.Sum(nil)
}
