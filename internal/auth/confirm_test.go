package auth_test

import (
	"errors"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func TestTheFirstLinkIsHeldUpWithoutBeingUsed(t *testing.T) {
	h := empty(t)
	secret := link(t, h)
	for range 2 {
		must(t, h.FirstSecret(secret))
	}
	wantKind(t, h.FirstSecret(""), errs.Denied, "no secret")
	wantKind(t, h.FirstSecret(secret[:42]+"x"), errs.Denied, "another")
	must(t, h.SetOwner(ctx, "Olga", ownerPW))
	wantKind(t, h.FirstSecret(secret), errs.Denied, "after the first start")
	wantKind(t, h.FirstSecret(""), errs.Denied, "none, after the first start")
}

// A program that opens its data anew while somebody is at the first start keeps their link good.
func TestAFirstStartGoesOnWithItsLink(t *testing.T) {
	h := empty(t)
	old := link(t, h)
	again, err := auth.New(ctx, auth.Config{Store: h.db, Hash: cheap, Forget: nothing, First: old})
	must(t, err)
	must(t, again.FirstSecret(old))
	short, err := auth.New(ctx, auth.Config{Store: h.db, Hash: cheap, Forget: nothing, First: "short"})
	must(t, err)
	wantKind(t, short.FirstSecret("short"), errs.Denied, "what is no secret")
	must(t, again.SetOwner(ctx, "Olga", ownerPW))
	owned, err := auth.New(ctx, auth.Config{Store: h.db, Hash: cheap, Forget: nothing, First: old})
	must(t, err)
	wantKind(t, owned.FirstSecret(old), errs.Denied, "a house with an owner")
}

func TestTheOwnerConfirmsWithThePassword(t *testing.T) {
	h := empty(t)
	wantKind(t, h.Confirm(ctx, h.owner(), ""), errs.Conflict, "before the first start")
	must(t, h.SetOwner(ctx, "Olga", ownerPW))
	must(t, h.Confirm(ctx, h.owner(), ownerPW))
	wantKind(t, h.Confirm(ctx, h.owner(), memberPW), errs.Denied, "a wrong password")
	ann, err := h.AddUser(ctx, h.owner(), "Ann", memberPW)
	must(t, err)
	wantKind(t, h.Confirm(ctx, h.as(ann.ID), memberPW), errs.Denied, "a member")
	token := h.owner()
	token.Token = &auth.Token{}
	wantKind(t, h.Confirm(ctx, token, ownerPW), errs.Denied, "a token of the owner")
	for range 10 {
		_ = h.Confirm(ctx, h.owner(), "wrong wrong")
	}
	var fast *auth.TooFast
	if err := h.Confirm(ctx, h.owner(), ownerPW); !errors.As(err, &fast) {
		t.Errorf("after many guesses: %v", err)
	}
	h.pass(time.Hour)
	must(t, h.Confirm(ctx, h.owner(), ownerPW))
	must(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodNone}, ownerPW))
	must(t, h.Confirm(ctx, h.owner(), ""))
}

// Five guesses are free, then each waits; what was not judged does not count, and the right one
// clears the count.
func TestGuessesAtAnotherSecretWait(t *testing.T) {
	h := built(t)
	wrong, away := errs.E(errs.Denied, "wrong"), errs.E(errs.Invalid, "damaged")
	for range 20 {
		wantKind(t, h.Guarded("a backup", func() error { return away }), errs.Invalid, "what is not judged")
	}
	for range 5 {
		wantKind(t, h.Guarded("a backup", func() error { return wrong }), errs.Denied, "a guess")
	}
	var fast *auth.TooFast
	if err := h.Guarded("a backup", func() error { t.Error("it was tried"); return nil }); !errors.As(err, &fast) || fast.Wait > 2*time.Second {
		t.Errorf("the sixth guess: %v", err)
	}
	must(t, h.Guarded("another", func() error { return nil }))
	must(t, h.try("Olga", ownerPW, home)) // a login is not held to it
	h.pass(2 * time.Second)
	must(t, h.Guarded("a backup", func() error { return nil }))
	for range 5 {
		wantKind(t, h.Guarded("a backup", func() error { return wrong }), errs.Denied, "a guess after the right one")
	}
}
