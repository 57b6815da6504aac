package auth_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"specter/internal/auth"
	"specter/internal/errs"
)

// TestNamesThatLookTheSameAreOneName: characters that nobody sees make no second "Ann".
func TestNamesThatLookTheSameAreOneName(t *testing.T) {
	h := built(t, "Ann")
	for _, hidden := range []string{"\u200b", "\u200d", "\u202e", "\u2066", "\u00ad", "\ufeff", "\u034f", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u17b4", "\U000e0041", "\u0000", "\u2028"} {
		for _, name := range []string{"A" + hidden + "nn", "Ann" + hidden, hidden + "Ann"} {
			u, err := h.AddUser(ctx, h.owner(), name, memberPW)
			if err == nil && u.Name == "Ann" {
				t.Errorf("%+q is a second Ann", name)
			}
			if err == nil || !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
				t.Errorf("%+q is taken as a name: %v", name, err)
			}
		}
	}
	for _, name := range []string{"Ann\ufe0f", "A\ufe0enn", "ann\U000e0100", "ＡＮＮ", "ANN ", "\u00a0ann"} {
		_, err := h.AddUser(ctx, h.owner(), name, memberPW)
		wantKind(t, err, errs.Conflict, fmt.Sprintf("%+q", name))
		if _, err := h.UserByName(ctx, name); err != nil {
			t.Errorf("%+q does not find Ann: %v", name, err)
		}
	}
}

// TestAnIDIsNotGivenAgainWhileTheProgramRuns: forms and files that wait in memory are kept by the
// user's id; the next user of the same name is another person.
func TestAnIDIsNotGivenAgainWhileTheProgramRuns(t *testing.T) {
	h := built(t, "Bob")
	first, err := h.UserByName(ctx, "Bob")
	must(t, err)
	must(t, h.DeleteUser(ctx, h.owner(), first.ID))
	second, err := h.AddUser(ctx, h.owner(), "Bob", memberPW)
	must(t, err)
	if second.ID == first.ID {
		t.Errorf("another Bob has the id %q of the first", second.ID)
	}
	if err := h.try("Bob", memberPW, home); err != nil {
		t.Errorf("the second Bob cannot log in: %v", err)
	}
}

// TestGuessingThePINFromAnOpenBrowserIsSlow: the page where the login method is chosen tries the
// node's password, and is no place to guess at it.
func TestGuessingThePINFromAnOpenBrowserIsSlow(t *testing.T) {
	h := empty(t)
	asked := 0
	h.rpc = func(pin string) error {
		asked++
		if pin == "the node's" {
			return nil
		}
		return errs.E(errs.Denied, "this is not the node's password")
	}
	h.restart()
	for i := range 40 {
		if err := h.TryPIN(ctx, fmt.Sprint("guess ", i)); err == nil || !errs.Is(err, errs.Denied) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if asked > 6 {
		t.Errorf("the node was asked %d times at once", asked)
	}
	wait := wantWait(t, h.TryPIN(ctx, "the node's"), "the right PIN after too many")
	h.pass(wait)
	must(t, h.TryPIN(ctx, "the node's"))
	must(t, h.TryPIN(ctx, "the node's"))
}

// TestNobodyIsLockedOutByAPINThatDoesNotExist: an owner without a password cannot choose the PIN
// of a node that has none.
func TestNobodyIsLockedOutByAPINThatDoesNotExist(t *testing.T) {
	h := empty(t)
	answer := errs.E(errs.Unavailable, "the node was connected with a cookie file")
	h.rpc = func(string) error { return answer }
	h.restart()
	link, _, err := h.SetupLink(ctx)
	must(t, err)
	_, err = h.Setup(ctx, auth.SetupRequest{Secret: link, NoLogin: true})
	must(t, err)
	v := h.Settings()
	v.Method = auth.MethodRPC
	wantKind(t, h.SetSettings(ctx, h.owner(), v, ""), errs.Conflict, "a node without a password")
	answer = errs.E(errs.Denied, "this is not the node's password")
	must(t, h.SetSettings(ctx, h.owner(), v, ""))
}

// TestANewNameStandsInTheRecord: who is called how since when can be looked up.
func TestANewNameStandsInTheRecord(t *testing.T) {
	h := built(t, "Bob")
	bob, err := h.UserByName(context.Background(), "Bob")
	must(t, err)
	must(t, h.RenameUser(ctx, bob.ID, "Robert"))
	events, err := h.Events(ctx, h.as(bob.ID), 0, 10)
	must(t, err)
	if !slices.ContainsFunc(events, func(e auth.Event) bool { return e.What == "user-renamed" && e.Detail == "Robert" }) {
		t.Errorf("the record has %v", events)
	}
}
