package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"specter/internal/errs"
)

// The bounds of tokens.
const (
	descriptionMax = 200 // characters
	jwtMax         = 4096
	tokensMax      = 200 // of one user
	walletsMax     = 1000
)

// claims is what a token says, in the old Specter's words and order.
type claims struct {
	Username    string           `json:"username"`
	ID          string           `json:"jwt_token_id"`
	Description string           `json:"jwt_token_description"`
	Expires     *jwt.NumericDate `json:"exp"`
	Issued      *jwt.NumericDate `json:"iat"`
}

func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires, nil }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.Issued, nil }
func (c claims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (c claims) GetIssuer() (string, error)                   { return "", nil }
func (c claims) GetSubject() (string, error)                  { return "", nil }
func (c claims) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// sign writes the JWT.
func sign(c claims, key []byte) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
}

// readToken checks signature and expiry of a JWT and returns its id.
func readToken(text string, key []byte, now time.Time) (id string, err error) {
	c, err := readClaims(text, key, now)
	return c.ID, err
}

// readClaims is readToken for all that the JWT says.
func readClaims(text string, key []byte, now time.Time) (c claims, err error) {
	if len(text) > jwtMax {
		return c, errToken
	}
	_, err = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now })).ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil || c.ID == "" || c.Username == "" || len(c.ID) > 64 {
		return claims{}, errToken
	}
	return c, nil
}

// Bearer says who sent a token: one that we signed, that has not expired, and that is
// registered, word for word, under its id. Anything else gives errs.Denied.
func (s *Service) Bearer(ctx context.Context, token string) (Identity, error) {
	now := s.now()
	id, err := readToken(token, s.tokenKey, now)
	for _, key := range s.oldTokenKeys() {
		if err != nil {
			id, err = readToken(token, key, now)
		}
	}
	if err != nil {
		return Identity{}, err
	}
	t, row, hash, err := s.c.Store.TokenByID(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return Identity{}, errToken
	}
	if err != nil {
		return Identity{}, err
	}
	if subtle.ConstantTimeCompare(hash, hashSecret(token)) != 1 || !now.Before(t.Expires) || s.isLeaving(row.ID) {
		return Identity{}, errToken
	}
	if now.Sub(t.LastUsed) >= seeEvery && s.seen.claim("token", t.ID, now) {
		t.LastUsed = now
		if err := s.c.Store.SeeToken(ctx, t.ID, now); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("noting that a token is in use", "error", err)
		}
	}
	return Identity{User: row.User, Token: &t, Scope: t.Scope}, nil
}

// NewToken makes a token for the user who asks and returns it with the JWT, which is shown this
// once. errs.Conflict: the description is blank or taken; errs.Invalid: life or scope will not
// do; errs.Denied: the scope is greater than that of who asks.
func (s *Service) NewToken(ctx context.Context, by Identity, r TokenRequest) (Token, string, error) {
	if !by.May(Admin) {
		return Token{}, "", errs.E(errs.Denied, "this token may not make tokens")
	}
	scope, err := r.Scope.clean()
	if err != nil {
		return Token{}, "", err
	}
	if !scope.Within(by.Scope) {
		return Token{}, "", errs.E(errs.Denied, "a token cannot make one that may do more than itself")
	}
	if r.Life <= 0 || r.Life > lifeMax {
		return Token{}, "", errs.E(errs.Invalid, "the life must be longer than nothing and 100 years at most")
	}
	description, err := s.describe(ctx, by.User.ID, r.Description)
	if err != nil {
		return Token{}, "", err
	}
	now := s.now().Truncate(time.Millisecond)
	t := Token{ID: uuid(), UserID: by.User.ID, Description: description, Life: r.Life, Created: now, Expires: now.Add(r.Life), Scope: scope}
	// In the JWT the end is a whole second, rounded up; the row's is exact.
	c := claims{Username: by.User.Name, ID: t.ID, Description: t.Description, Issued: jwt.NewNumericDate(now),
		Expires: jwt.NewNumericDate(t.Expires.Add(time.Second - 1))}
	text, err := sign(c, s.tokenKey)
	if err != nil {
		return Token{}, "", fmt.Errorf("sign a token: %w", err)
	}
	if err := s.c.Store.AddToken(ctx, t, hashSecret(text)); err != nil {
		return Token{}, "", err
	}
	s.record(ctx, t.UserID, clientOf(by), "token-made", t.Description)
	return t, text, nil
}

// errDescription is the old Specter's sentence; programs read it.
var errDescription = errs.E(errs.Conflict, "Token description already exists or is blank")

// describe checks a description and that there is room for one more token.
func (s *Service) describe(ctx context.Context, userID, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", errDescription
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > descriptionMax || strings.ContainsFunc(text, unicode.IsControl) {
		return "", errs.E(errs.Invalid, "the description may have %d characters, all printable", descriptionMax)
	}
	all, err := s.c.Store.Tokens(ctx, userID)
	if err != nil {
		return "", err
	}
	if len(all) >= tokensMax {
		return "", errs.E(errs.Conflict, "there are %d tokens already; delete some that are not needed", len(all))
	}
	return text, nil
}

// Tokens lists a user's tokens, oldest first; expired ones stay until they are deleted.
func (s *Service) Tokens(ctx context.Context, userID string) ([]Token, error) {
	return s.c.Store.Tokens(ctx, userID)
}

// Token returns one token of a user. errs.NotFound when the user has none of that id.
func (s *Service) Token(ctx context.Context, userID, id string) (Token, error) {
	t, _, _, err := s.c.Store.TokenByID(ctx, id)
	if err == nil && t.UserID != userID {
		return Token{}, errNoToken
	}
	return t, err
}

var errNoToken = errs.E(errs.NotFound, "there is no such token")

// DeleteToken deletes a token of a user; it is refused from then on.
func (s *Service) DeleteToken(ctx context.Context, userID, id string) error {
	t, err := s.Token(ctx, userID, id)
	if err != nil {
		return err
	}
	if err := s.c.Store.RemoveToken(ctx, userID, id); err != nil {
		return err
	}
	s.record(ctx, userID, "", "token-deleted", t.Description)
	return nil
}

// clean returns the scope in its one form: in order, nothing twice.
func (s Scope) clean() (Scope, error) {
	for _, r := range s.Rights {
		if !slices.Contains(Rights, r) {
			return s, errs.E(errs.Invalid, "there is no right %q", cut(string(r), 40))
		}
	}
	if len(s.Wallets) > walletsMax {
		return s, errs.E(errs.Invalid, "a token may name %d wallets at most", walletsMax)
	}
	var out Scope
	for _, r := range Rights {
		if slices.Contains(s.Rights, r) {
			out.Rights = append(out.Rights, r)
		}
	}
	out.Wallets = slices.Compact(slices.Sorted(slices.Values(s.Wallets)))
	if len(out.Wallets) > 0 && out.Wallets[0] <= 0 {
		return s, errs.E(errs.Invalid, "there is no wallet %d", out.Wallets[0])
	}
	return out, nil
}

// uuid makes a random UUID (version 4).
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
