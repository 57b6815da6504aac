package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// cafe is where strangers sit.
const cafe = "198.51.100.7"

func newKeys(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	return public, private
}

// pairing is what an agent with a key sends.
func pairing(code, name, client string, private ed25519.PrivateKey) auth.AgentPairing {
	public := private.Public().(ed25519.PublicKey)
	return auth.AgentPairing{Code: code, Name: name, Key: public, Client: client, Signature: ed25519.Sign(private, auth.PairingMessage(code, name, public))}
}

func (h *house) code(by auth.Identity) string {
	h.t.Helper()
	code, until, err := h.PairingCode(ctx, by)
	must(h.t, err)
	if left := until.Sub(h.now()); left != 10*time.Minute || len(code) < 26 {
		h.t.Errorf("a code of %d characters for %s", len(code), left)
	}
	return code
}

// paired is an agent of a user with its key.
func (h *house) paired(by auth.Identity, name string) (auth.Agent, ed25519.PrivateKey) {
	h.t.Helper()
	_, private := newKeys(h.t)
	a, err := h.PairAgent(ctx, pairing(h.code(by), name, home, private))
	must(h.t, err)
	return a, private
}

func TestACodeLetsOneAgentInOnce(t *testing.T) {
	h := built(t, "Ann")
	ann := h.as("ann")
	code := h.code(ann)
	_, first := newKeys(t)
	a, err := h.PairAgent(ctx, pairing(code, "  Desk\x1b[2J \u202e ", home, first))
	must(t, err)
	if a.UserID != "ann" || a.Name != "Desk[2J" || !a.Created.Equal(h.now()) {
		t.Errorf("%+v", a)
	}
	_, second := newKeys(t)
	if _, err := h.PairAgent(ctx, pairing(code, "thief", cafe, second)); !errs.Is(err, errs.Denied) {
		t.Errorf("the code once more: %v", err)
	}
	list, err := h.Agents(ctx, ann)
	if err != nil || len(list) != 1 || list[0].ID != a.ID || !list[0].LastSeen.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := h.Agents(ctx, h.owner()); err != nil || len(list) != 0 {
		t.Errorf("the owner has %v, %v", list, err)
	}
}

func TestACodeIsBurntWhateverComesOfIt(t *testing.T) {
	h := built(t)
	_, private := newKeys(t)
	_, other := newKeys(t)
	for name, spoil := range map[string]func(*auth.AgentPairing){
		"another's signature": func(p *auth.AgentPairing) {
			p.Signature = ed25519.Sign(other, auth.PairingMessage(p.Code, p.Name, p.Key))
		},
		"a signature for another name": func(p *auth.AgentPairing) { p.Name = "other" },
		"no key":                       func(p *auth.AgentPairing) { p.Key = nil },
		"half a key":                   func(p *auth.AgentPairing) { p.Key = p.Key[:16] },
		"no name": func(p *auth.AgentPairing) {
			*p = pairing(p.Code, " \x00 ", home, private)
		},
	} {
		code := h.code(h.owner())
		p := pairing(code, "Desk", home, private)
		spoil(&p)
		if _, err := h.PairAgent(ctx, p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := h.PairAgent(ctx, pairing(code, "Desk", home, private)); !errs.Is(err, errs.Denied) {
			t.Errorf("%s: the code is still good: %v", name, err)
		}
		h.pass(2 * time.Hour) // what was counted is forgotten
	}
	if list, _ := h.Agents(ctx, h.owner()); len(list) != 0 {
		t.Errorf("paired: %v", list)
	}
}

func TestACodeIsGoodForTenMinutesAndReplacesTheOneBefore(t *testing.T) {
	h := built(t)
	_, private := newKeys(t)
	old := h.code(h.owner())
	code := h.code(h.owner())
	if _, err := h.PairAgent(ctx, pairing(old, "Desk", home, private)); !errs.Is(err, errs.Denied) {
		t.Errorf("the code before: %v", err)
	}
	h.pass(10 * time.Minute)
	if _, err := h.PairAgent(ctx, pairing(code, "Desk", home, private)); !errs.Is(err, errs.Denied) {
		t.Errorf("after ten minutes: %v", err)
	}
	code = h.code(h.owner())
	h.pass(10*time.Minute - time.Second)
	if _, err := h.PairAgent(ctx, pairing(code, "Desk", home, private)); err != nil {
		t.Errorf("before ten minutes: %v", err)
	}
}

func TestOfManyTriesAtOnceOneWins(t *testing.T) {
	h := built(t)
	code := h.code(h.owner())
	var won atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		_, private := newKeys(t)
		all.Go(func() {
			_, err := h.PairAgent(ctx, pairing(code, "Desk", fmt.Sprintf("192.0.2.%d", i), private))
			switch {
			case err == nil:
				won.Add(1)
			case !errs.Is(err, errs.Denied):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d agents were let in by one code", won.Load())
	}
}

func TestWrongCodesAreSlowedDown(t *testing.T) {
	h := built(t)
	_, private := newKeys(t)
	code := h.code(h.owner())
	var fast *auth.TooFast
	n := 0
	for ; n < 100 && fast == nil; n++ {
		_, err := h.PairAgent(ctx, pairing("GUESS", "thief", cafe, private))
		if !errors.As(err, &fast) && !errs.Is(err, errs.Denied) {
			t.Fatal(err)
		}
	}
	if n < 5 || n > 50 {
		t.Errorf("slowed down after %d tries", n)
	}
	if _, err := h.PairAgent(ctx, pairing(code, "Desk", cafe, private)); !errors.As(err, &fast) {
		t.Errorf("the right one at once after it: %v", err)
	}
	if _, err := h.PairAgent(ctx, pairing(code, "Desk", home, private)); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

const instance = "this server"

func answerTo(private ed25519.PrivateKey, id, challenge string) []byte {
	return ed25519.Sign(private, auth.LoginMessage(instance, id, challenge))
}

func TestAnAgentLogsInByItsKey(t *testing.T) {
	h := built(t, "Ann")
	a, private := h.paired(h.as("ann"), "Desk")
	b, others := h.paired(h.owner(), "Other")
	c := h.AgentChallenge(a.ID)
	got, err := h.AdmitAgent(ctx, instance, a.ID, c, answerTo(private, a.ID, c))
	if err != nil || got.ID != a.ID || got.UserID != "ann" {
		t.Fatalf("%+v, %v", got, err)
	}
	if list, _ := h.Agents(ctx, h.as("ann")); !list[0].LastSeen.Equal(h.now()) {
		t.Errorf("last seen %s", list[0].LastSeen)
	}
	if _, err := h.AdmitAgent(ctx, instance, a.ID, c, answerTo(private, a.ID, c)); !errs.Is(err, errs.Conflict) {
		t.Errorf("a challenge that was answered: %v", err)
	}
	fresh := func() string { return h.AgentChallenge(a.ID) }
	flip := func(text string) string {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		must(t, err)
		raw[3] ^= 1
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	for name, try := range map[string]func() (string, string, []byte){
		"another's key": func() (string, string, []byte) { c := fresh(); return a.ID, c, answerTo(others, a.ID, c) },
		"another's challenge": func() (string, string, []byte) {
			c := h.AgentChallenge(b.ID)
			return a.ID, c, answerTo(private, a.ID, c)
		},
		"another's name":         func() (string, string, []byte) { c := fresh(); return b.ID, c, answerTo(private, b.ID, c) },
		"nobody":                 func() (string, string, []byte) { c := h.AgentChallenge("x"); return "x", c, answerTo(private, "x", c) },
		"a challenge of its own": func() (string, string, []byte) { c := flip(fresh()); return a.ID, c, answerTo(private, a.ID, c) },
		"no challenge":           func() (string, string, []byte) { return a.ID, "", answerTo(private, a.ID, "") },
		"no signature":           func() (string, string, []byte) { return a.ID, fresh(), nil },
		"a login at another server": func() (string, string, []byte) {
			c := fresh()
			return a.ID, c, ed25519.Sign(private, auth.LoginMessage("another", a.ID, c))
		},
		"the signature of a pairing": func() (string, string, []byte) {
			c := fresh()
			return a.ID, c, ed25519.Sign(private, auth.PairingMessage(c, a.ID, a.Key))
		},
	} {
		id, c, sig := try()
		if got, err := h.AdmitAgent(ctx, instance, id, c, sig); !errs.Is(err, errs.Denied) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, age := range []time.Duration{61 * time.Second, -5 * time.Second} {
		c := fresh()
		h.pass(age)
		if _, err := h.AdmitAgent(ctx, instance, a.ID, c, answerTo(private, a.ID, c)); !errs.Is(err, errs.Conflict) {
			t.Errorf("a challenge of %s: %v", age, err)
		}
		h.pass(-age)
	}
}

func TestAnAgentIsRenamedByItsUserAlone(t *testing.T) {
	h := built(t, "Ann", "Bob")
	a, _ := h.paired(h.as("ann"), "Desk")
	for _, who := range []string{"bob", auth.OwnerID} {
		if err := h.RenameAgent(ctx, h.as(who), a.ID, "Mine"); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s renames it: %v", who, err)
		}
	}
	bounded := h.as("ann")
	bounded.Scope = auth.Scope{Rights: []auth.Right{auth.Read, auth.Write}}
	if err := h.RenameAgent(ctx, bounded, a.ID, "Mine"); !errs.Is(err, errs.Denied) {
		t.Errorf("a token without that right: %v", err)
	}
	for _, bad := range []string{"", " \x01", "\xff", strings.Repeat("x", 1001)} {
		if err := h.RenameAgent(ctx, h.as("ann"), a.ID, bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is a name: %v", bad, err)
		}
	}
	must(t, h.RenameAgent(ctx, h.as("ann"), a.ID, " Upstairs\n"))
	list, err := h.Agents(ctx, h.as("ann"))
	if err != nil || len(list) != 1 || list[0].Name != "Upstairs" || list[0].ID != a.ID {
		t.Errorf("afterwards %v (%v)", list, err)
	}
}

func TestARevokedAgentIsOut(t *testing.T) {
	h := built(t, "Ann", "Bob")
	a, private := h.paired(h.as("ann"), "Desk")
	for _, who := range []string{"bob", auth.OwnerID} {
		if err := h.RevokeAgent(ctx, h.as(who), a.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s revokes it: %v", who, err)
		}
	}
	bounded := h.as("ann")
	bounded.Scope = auth.Scope{Rights: []auth.Right{auth.Read, auth.Write}}
	if err := h.RevokeAgent(ctx, bounded, a.ID); !errs.Is(err, errs.Denied) {
		t.Errorf("a token without that right: %v", err)
	}
	if _, _, err := h.PairingCode(ctx, bounded); !errs.Is(err, errs.Denied) {
		t.Errorf("a token without that right makes a code: %v", err)
	}
	must(t, h.RevokeAgent(ctx, h.as("ann"), a.ID))
	c := h.AgentChallenge(a.ID)
	if _, err := h.AdmitAgent(ctx, instance, a.ID, c, answerTo(private, a.ID, c)); !errs.Is(err, errs.Denied) {
		t.Errorf("it comes back: %v", err)
	}
	events, err := h.Events(ctx, h.as("ann"), 0, 10)
	must(t, err)
	var said []string
	for _, e := range events {
		said = append(said, e.What)
	}
	if text := strings.Join(said, " "); !strings.HasPrefix(text, "agent-revoked agent-paired agent-code") {
		t.Errorf("the record: %s", text)
	}
}

func TestAgentsGoWithTheirUser(t *testing.T) {
	h := built(t, "Ann")
	a, private := h.paired(h.as("ann"), "Desk")
	code := h.code(h.as("ann"))
	h.hold = func() error { // while the member is being deleted
		c := h.AgentChallenge(a.ID)
		if _, err := h.AdmitAgent(ctx, instance, a.ID, c, answerTo(private, a.ID, c)); !errs.Is(err, errs.Denied) {
			t.Errorf("let in while its user goes: %v", err)
		}
		_, other := newKeys(t)
		if _, err := h.PairAgent(ctx, pairing(code, "late", home, other)); !errs.Is(err, errs.Denied) {
			t.Errorf("paired while its user goes: %v", err)
		}
		return nil
	}
	must(t, h.DeleteUser(ctx, h.owner(), "ann"))
	if _, err := h.db.AgentByID(ctx, a.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestAUserHasSoManyAgents(t *testing.T) {
	h := built(t)
	var last auth.Agent
	for range 20 {
		last, _ = h.paired(h.owner(), "Desk")
	}
	_, private := newKeys(t)
	if _, err := h.PairAgent(ctx, pairing(h.code(h.owner()), "Desk", home, private)); !errs.Is(err, errs.Conflict) {
		t.Errorf("one more: %v", err)
	}
	must(t, h.RevokeAgent(ctx, h.owner(), last.ID))
	if _, err := h.PairAgent(ctx, pairing(h.code(h.owner()), "Desk", home, private)); err != nil {
		t.Errorf("after one is gone: %v", err)
	}
	must(t, h.RevokeAgent(ctx, h.owner(), func() string { l, _ := h.Agents(ctx, h.owner()); return l[0].ID }()))
	if _, err := h.PairAgent(ctx, pairing(h.code(h.owner()), "again", home, private)); !errs.Is(err, errs.Conflict) {
		t.Errorf("a key that is known: %v", err)
	}
}
