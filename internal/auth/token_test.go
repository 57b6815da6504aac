package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"specter/internal/auth"
	"specter/internal/errs"
)

// example is the token of the old Specter's contract, made with the key "test key".
const (
	exampleID = "0b7c1d5e-6f70-4a81-9b32-4c5d6e7f8091"
	example   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFkbWluIiwiand0X3Rva2VuX2lkIjoiMGI3YzFkNWUtNmY3MC00YTgxLTliMzItNGM1ZDZlN2Y4MDkxIiwi" +
		"and0X3Rva2VuX2Rlc2NyaXB0aW9uIjoid2F0Y2h0b3dlciIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwfQ.iL_1gjSkwLNWG0uXLht4mtEUug4PZFOkXQv1X74ajMU"
)

func TestTokensAreTheOldSpectersWordForWord(t *testing.T) {
	got, err := auth.SignExample([]byte("test key"), "admin", exampleID, "watchtower", 4102444800, 1700000000)
	if err != nil || got != example {
		t.Errorf("%s\n%v", got, err)
	}
	now := time.Unix(1700000000, 0)
	if id, err := auth.ReadToken(example, []byte("test key"), now); err != nil || id != exampleID {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := auth.ReadToken(example, []byte("test kez"), now); err == nil {
		t.Error("another key will do")
	}
	if _, err := auth.ReadToken(example, []byte("test key"), time.Unix(4102444800, 0)); err == nil {
		t.Error("it does not expire")
	}
}

func TestTokenIsShownOnceAndWorksUntilDeleted(t *testing.T) {
	h := built(t, "Ann")
	k, text, err := h.NewToken(ctx, h.as("ann"), auth.TokenRequest{Description: " watchtower ", Life: 187200 * time.Second})
	must(t, err)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(k.ID) || k.Description != "watchtower" || k.Life != 52*time.Hour {
		t.Errorf("%+v", k)
	}
	if left := k.Remaining(h.now()); left != 52*time.Hour {
		t.Errorf("%v are left", left)
	}
	h.restart()
	h.pass(time.Minute)
	i, err := h.Bearer(ctx, text)
	if err != nil || i.User.ID != "ann" || i.Token == nil || i.Token.ID != k.ID || i.Session != nil || !i.Scope.Full() {
		t.Fatalf("%+v, %v", i, err)
	}
	h.pass(30 * time.Second)
	_, err = h.Bearer(ctx, text)
	must(t, err)
	got, err := h.Token(ctx, "ann", k.ID)
	if err != nil || !got.LastUsed.Equal(h.now().Add(-30*time.Second)) || got.Life != k.Life || !got.Expires.Equal(k.Expires) || !got.Created.Equal(k.Created) {
		t.Errorf("%+v, %v", got, err)
	}
	wantKind(t, h.DeleteToken(ctx, auth.OwnerID, k.ID), errs.NotFound, "another user, even the owner")
	_, err = h.Token(ctx, auth.OwnerID, k.ID)
	wantKind(t, err, errs.NotFound, "another user, even the owner")
	must(t, h.RenameUser(ctx, "ann", "Anna"))
	_, err = h.Bearer(ctx, text)
	must(t, err)
	must(t, h.DeleteToken(ctx, "ann", k.ID))
	_, err = h.Bearer(ctx, text)
	wantKind(t, err, errs.Denied, "a deleted token")
	wantKind(t, h.DeleteToken(ctx, "ann", k.ID), errs.NotFound, "a deleted token")
	if all, err := h.Tokens(ctx, "ann"); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestTokenRequestsAreBounded(t *testing.T) {
	h := built(t, "Ann")
	make := func(id, description string, life time.Duration, s auth.Scope) error {
		_, _, err := h.NewToken(ctx, h.as(id), auth.TokenRequest{Description: description, Life: life, Scope: s})
		return err
	}
	must(t, make("ann", "one", time.Hour, auth.Scope{}))
	for _, d := range []string{"", "  ", "one", " one "} {
		err := make("ann", d, time.Hour, auth.Scope{})
		if !errs.Is(err, errs.Conflict) || err.Error() != "Token description already exists or is blank" {
			t.Errorf("%q: %v", d, err)
		}
	}
	must(t, make(auth.OwnerID, "one", time.Hour, auth.Scope{}))
	must(t, make("ann", strings.Repeat("ä", 200), 36525*24*time.Hour, auth.Scope{}))
	for what, err := range map[string]error{
		"a long description":      make("ann", strings.Repeat("ä", 201), time.Hour, auth.Scope{}),
		"a description of bytes":  make("ann", "a\xffb", time.Hour, auth.Scope{}),
		"two lines":               make("ann", "a\nb", time.Hour, auth.Scope{}),
		"no life":                 make("ann", "two", 0, auth.Scope{}),
		"a life of the past":      make("ann", "two", -time.Hour, auth.Scope{}),
		"a life of over 100 year": make("ann", "two", 36525*24*time.Hour+1, auth.Scope{}),
		"an unknown right":        make("ann", "two", time.Hour, auth.Scope{Rights: []auth.Right{"root"}}),
		"wallet 0":                make("ann", "two", time.Hour, auth.Scope{Wallets: []int64{1, 0}}),
		"wallets without end":     make("ann", "two", time.Hour, auth.Scope{Wallets: slices.Repeat([]int64{1}, 1001)}),
	} {
		wantKind(t, err, errs.Invalid, what)
	}
	for n := range 198 {
		must(t, make("ann", fmt.Sprint("token ", n), time.Hour, auth.Scope{}))
	}
	wantKind(t, make("ann", "one more", time.Hour, auth.Scope{}), errs.Conflict, "the 201st")
}

func TestTokenLivesToTheFractionOfSecond(t *testing.T) {
	h := built(t)
	k, text, err := h.NewToken(ctx, h.owner(), auth.TokenRequest{Description: "short", Life: 1750 * time.Millisecond})
	must(t, err)
	h.pass(1749 * time.Millisecond)
	_, err = h.Bearer(ctx, text)
	must(t, err)
	h.pass(time.Millisecond)
	_, err = h.Bearer(ctx, text)
	wantKind(t, err, errs.Denied, "an expired token")
	got, err := h.Token(ctx, auth.OwnerID, k.ID)
	if err != nil || got.Life != 1750*time.Millisecond || got.Remaining(h.now()) != 0 {
		t.Errorf("an expired token stays listed: %+v, %v", got, err)
	}
}

func TestScopeBoundsWhatTokenMaySay(t *testing.T) {
	h := built(t)
	of := func(s auth.Scope, by auth.Identity) (auth.Identity, error) {
		_, text, err := h.NewToken(ctx, by, auth.TokenRequest{Description: rand.Text(), Life: time.Hour, Scope: s})
		if err != nil {
			return auth.Identity{}, err
		}
		return h.Bearer(ctx, text)
	}
	i, err := of(auth.Scope{Wallets: []int64{7, 3, 7}, Rights: []auth.Right{auth.Write, auth.Read, auth.Read}}, h.owner())
	if err != nil || !slices.Equal(i.Scope.Wallets, []int64{3, 7}) || !slices.Equal(i.Scope.Rights, []auth.Right{auth.Read, auth.Write}) {
		t.Fatalf("%+v, %v", i.Scope, err)
	}
	if i.IsOwner() || !i.May(auth.Read) || i.May(auth.Broadcast) || !i.Scope.Reaches(3) || i.Scope.Reaches(4) {
		t.Errorf("%+v", i)
	}
	_, err = of(auth.Scope{}, i)
	wantKind(t, err, errs.Denied, "a token that may not make tokens")
	wantKind(t, h.ChangePassword(ctx, i, ownerPW, "a new password", home), errs.Denied, "a token that may not change the password")
	_, err = h.AddUser(ctx, i, "Eve", memberPW)
	wantKind(t, err, errs.Denied, "a token of the owner without the right")
	_, err = h.Events(ctx, i, 0, 0)
	wantKind(t, err, errs.Denied, "the record")

	walletOnly, err := of(auth.Scope{Wallets: []int64{3}}, h.owner())
	if err != nil || walletOnly.IsOwner() || walletOnly.May(auth.Admin) || !walletOnly.May(auth.Manage) {
		t.Errorf("all rights at one wallet: %+v, %v", walletOnly, err)
	}
	some, err := of(auth.Scope{Rights: []auth.Right{auth.Read, auth.Admin}}, h.owner())
	if err != nil || !some.IsOwner() || some.May(auth.Write) {
		t.Errorf("%+v, %v", some, err)
	}
	for what, s := range map[string]auth.Scope{"everything": {}, "another right": {Rights: []auth.Right{auth.Read, auth.Write}}, "all rights at a wallet": {Wallets: []int64{3}}} {
		_, err = of(s, some)
		wantKind(t, err, errs.Denied, what)
	}
	_, err = of(auth.Scope{Wallets: []int64{3}, Rights: []auth.Right{auth.Read}}, some)
	must(t, err)
}

func TestForgedAndBorrowedTokensAreRefused(t *testing.T) {
	h := built(t, "Ann", "Bob")
	k, text, err := h.NewToken(ctx, h.as("ann"), auth.TokenRequest{Description: "one", Life: time.Hour})
	must(t, err)
	other, otherText, err := h.NewToken(ctx, h.as("ann"), auth.TokenRequest{Description: "two", Life: time.Hour})
	must(t, err)
	key := auth.TokenKey(h.Service)
	exp := h.now().Add(time.Hour).Unix()
	with := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"username": "Ann", "jwt_token_id": k.ID, "jwt_token_description": "one", "exp": exp, "iat": h.now().Unix()}
		change(c)
		return c
	}
	sign := func(m jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
		s, err := jwt.NewWithClaims(m, with(change)).SignedString(key)
		must(t, err)
		return s
	}
	set := func(name string, v any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = v } }
	drop := func(name string) func(jwt.MapClaims) { return func(c jwt.MapClaims) { delete(c, name) } }
	same := func(jwt.MapClaims) {}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	parts := strings.Split(text, ".")
	head := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for what, forged := range map[string]string{
		"alg none":                 sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"alg none, signature kept": head(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"alg None":                 head(`{"alg":"None","typ":"JWT"}`) + "." + parts[1] + ".",
		"HS384":                    sign(jwt.SigningMethodHS384, key, same),
		"HS512":                    sign(jwt.SigningMethodHS512, key, same),
		"ES256":                    sign(jwt.SigningMethodES256, ec, same),
		"another key":              sign(jwt.SigningMethodHS256, []byte("test key"), same),
		"an empty key":             sign(jwt.SigningMethodHS256, []byte{}, same),
		"no alg":                   head(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"changed words":            parts[0] + "." + strings.Split(otherText, ".")[1] + "." + parts[2],
		"signed, not registered":   sign(jwt.SigningMethodHS256, key, set("jwt_token_id", "0b7c1d5e-6f70-4a81-9b32-4c5d6e7f8091")),
		"a borrowed id":            sign(jwt.SigningMethodHS256, key, set("jwt_token_id", other.ID)),
		"the same id, longer life": sign(jwt.SigningMethodHS256, key, set("exp", exp+1000)),
		"another user's name":      sign(jwt.SigningMethodHS256, key, set("username", "Olga")),
		"an id that is a list":     sign(jwt.SigningMethodHS256, key, set("jwt_token_id", []string{k.ID})),
		"an id that is an object":  sign(jwt.SigningMethodHS256, key, set("jwt_token_id", map[string]any{})),
		"an id that is a number":   sign(jwt.SigningMethodHS256, key, set("jwt_token_id", 1)),
		"an empty id":              sign(jwt.SigningMethodHS256, key, set("jwt_token_id", "")),
		"no id":                    sign(jwt.SigningMethodHS256, key, drop("jwt_token_id")),
		"an empty name":            sign(jwt.SigningMethodHS256, key, set("username", "")),
		"no name":                  sign(jwt.SigningMethodHS256, key, drop("username")),
		"no expiry":                sign(jwt.SigningMethodHS256, key, drop("exp")),
		"an expiry in words":       sign(jwt.SigningMethodHS256, key, set("exp", "never")),
		"an expiry of the past":    sign(jwt.SigningMethodHS256, key, set("exp", exp-7200)),
		"an expiry beyond numbers": sign(jwt.SigningMethodHS256, key, set("exp", 1e300)),
		"blanks":                   " " + text,
		"a line more":              text + "\n",
		"four parts":               text + ".x",
		"two parts":                parts[0] + "." + parts[1],
		"nothing":                  "",
		"nonsense":                 "a.b.c",
		"without end":              strings.Repeat("A", 1<<20),
		"padding":                  text + "=",
	} {
		if i, err := h.Bearer(ctx, forged); !errs.Is(err, errs.Denied) || i.User.ID != "" {
			t.Errorf("%s: %+v, %v", what, i, err)
		}
	}
	if _, err := h.Bearer(ctx, text); err != nil {
		t.Errorf("the real one: %v", err)
	}
	must(t, h.DeleteUser(ctx, h.owner(), "ann"))
	for _, s := range []string{text, otherText} {
		_, err := h.Bearer(ctx, s)
		wantKind(t, err, errs.Denied, "a deleted user's token")
	}
	_, err = h.AddUser(ctx, h.owner(), "Ann", memberPW)
	must(t, err)
	_, err = h.Bearer(ctx, text)
	wantKind(t, err, errs.Denied, "the token of a deleted user of the same name")
}

// TestLastBitsOfSignatureAreStrict: the last letter of a base64url signature has bits to spare;
// a token with others in them is not word for word the registered one.
func TestLastBitsOfSignatureAreStrict(t *testing.T) {
	h := built(t)
	_, text, err := h.NewToken(ctx, h.owner(), auth.TokenRequest{Description: "one", Life: time.Hour})
	must(t, err)
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		other := text[:len(text)-1] + string(last)
		if _, err := h.Bearer(ctx, other); (err == nil) != (other == text) {
			t.Errorf("ending in %c: %v", last, err)
		}
	}
}

func genScope(t *rapid.T, name string) auth.Scope {
	s, err := auth.Clean(auth.Scope{
		Wallets: rapid.SliceOfN(rapid.Int64Range(1, 3), 0, 3).Draw(t, name+" wallets"),
		Rights:  rapid.SliceOfN(rapid.SampledFrom(auth.Rights), 0, 3).Draw(t, name+" rights"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWithinIsPartialOrderAndAllowsNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := genScope(t, "a"), genScope(t, "b"), genScope(t, "c")
		if !a.Within(a) || !a.Within(auth.Scope{}) {
			t.Fatalf("%+v is not within itself or all", a)
		}
		if a.Within(b) && b.Within(a) && (!slices.Equal(a.Wallets, b.Wallets) || !slices.Equal(a.Rights, b.Rights)) {
			t.Fatalf("%+v and %+v are within each other", a, b)
		}
		if a.Within(b) && b.Within(c) && !a.Within(c) {
			t.Fatalf("%+v, %+v, %+v", a, b, c)
		}
		if !a.Within(b) {
			return
		}
		inner, outer := auth.Identity{Scope: a}, auth.Identity{Scope: b}
		for _, r := range auth.Rights {
			if inner.May(r) && !outer.May(r) {
				t.Fatalf("%+v within %+v may %s", a, b, r)
			}
		}
		for w := range int64(5) {
			if a.Reaches(w) && !b.Reaches(w) {
				t.Fatalf("%+v within %+v reaches %d", a, b, w)
			}
		}
		if a.Full() && !b.Full() {
			t.Fatalf("everything is within %+v", b)
		}
	})
}

func FuzzBearer(f *testing.F) {
	key := []byte("test key")
	now := time.Unix(1700000000, 0)
	f.Add(example, true)
	f.Add(`{"username":"admin","jwt_token_id":["x"],"exp":4102444800}`, false)
	f.Add(`{"username":"admin","jwt_token_id":"x","exp":4102444800.5}`, false)
	f.Add(`{"username":"admin","jwt_token_id":"x","exp":-1e400,"iat":{}}`, false)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		if whole {
			if id, err := auth.ReadToken(text, key, now); err == nil && !strings.Contains(text, ".") {
				t.Errorf("%q is %q", text, id)
			}
			return
		}
		// Well signed, whatever it says.
		body := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + base64.RawURLEncoding.EncodeToString([]byte(text))
		sum, err := jwt.SigningMethodHS256.Sign(body, key)
		if err != nil {
			t.Fatal(err)
		}
		id, err := auth.ReadToken(body+"."+base64.RawURLEncoding.EncodeToString(sum), key, now)
		if err != nil {
			if !errs.Is(err, errs.Denied) || id != "" {
				t.Errorf("%q: %q, %v", text, id, err)
			}
			return
		}
		var c struct {
			Username string          `json:"username"`
			ID       string          `json:"jwt_token_id"`
			Exp      json.RawMessage `json:"exp"`
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil || c.ID != id || id == "" || c.Username == "" || len(c.Exp) == 0 {
			t.Errorf("%q is %q: %v", text, id, err)
		}
	})
}

// TestSignatureAloneIsReadStrictly holds the reading of a JWT to the rules by itself, without the
// row that is compared afterwards.
func TestSignatureAloneIsReadStrictly(t *testing.T) {
	key, now := []byte("test key"), time.Unix(1700000000, 0)
	read := func(body string) error {
		head := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + base64.RawURLEncoding.EncodeToString([]byte(body))
		sum, err := jwt.SigningMethodHS256.Sign(head, key)
		must(t, err)
		_, err = auth.ReadToken(head+"."+base64.RawURLEncoding.EncodeToString(sum), key, now)
		return err
	}
	must(t, read(`{"username":"admin","jwt_token_id":"x","exp":1700000001}`))
	for what, body := range map[string]string{
		"no expiry":   `{"username":"admin","jwt_token_id":"x"}`,
		"null expiry": `{"username":"admin","jwt_token_id":"x","exp":null}`,
		"expired":     `{"username":"admin","jwt_token_id":"x","exp":1700000000}`,
		"no name":     `{"jwt_token_id":"x","exp":1700000001}`,
		"a list":      `{"username":"admin","jwt_token_id":["x"],"exp":1700000001}`,
		"an array":    `[]`,
		"null":        `null`,
		"a long id":   `{"username":"admin","jwt_token_id":"` + strings.Repeat("x", 65) + `","exp":1700000001}`,
	} {
		wantKind(t, read(body), errs.Denied, what)
	}
	_, err := auth.ReadToken(example[:len(example)-1]+"V", key, now) // the spare bits of the last letter
	wantKind(t, err, errs.Denied, "spare bits")
}
