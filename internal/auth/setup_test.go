package auth_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func nothing(context.Context, string) error { return nil }

func link(t *testing.T, h *house) string {
	t.Helper()
	secret, needed, err := h.SetupLink(ctx)
	if err != nil || !needed || len(secret) != 43 {
		t.Fatalf("%q, %v, %v", secret, needed, err)
	}
	return secret
}

func TestNobodyIsAnybodyBeforeTheFirstStart(t *testing.T) {
	h := empty(t)
	must(t, h.SetPassword(ctx, auth.OwnerID, ownerPW))
	_, err := h.Session(ctx, "", home, "")
	wantKind(t, err, errs.Denied, "no cookie")
	_, err = h.Basic(ctx, "admin", ownerPW, home)
	wantKind(t, err, errs.Denied, "Basic")
	wantKind(t, h.try("admin", ownerPW, home), errs.Conflict, "a login")
	wantKind(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodNone}, ""), errs.Conflict, "settings")
	_, err = h.Register(ctx, auth.Registration{Client: home})
	wantKind(t, err, errs.Denied, "a registration")
	_, _, err = h.Invite(ctx, h.owner(), 1)
	wantKind(t, err, errs.Conflict, "an invitation")
}

func TestLinkNamesTheOwnerOnce(t *testing.T) {
	h := empty(t)
	old := link(t, h)
	if again := link(t, h); again != old {
		t.Error("asking for the link made another")
	}
	h.restart()
	secret := link(t, h)
	good := auth.SetupRequest{Secret: secret, Name: " Olga ", Password: ownerPW, Client: home, Agent: "b"}
	for what, change := range map[string]func(*auth.SetupRequest){
		"no secret": func(r *auth.SetupRequest) { r.Secret = "" }, "the link of the start before": func(r *auth.SetupRequest) { r.Secret = old },
	} {
		r := good
		change(&r)
		_, err := h.Setup(ctx, r)
		wantKind(t, err, errs.Denied, what)
	}
	for what, change := range map[string]func(*auth.SetupRequest){
		"a short password": func(r *auth.SetupRequest) { r.Password = "1234567" }, "a colon": func(r *auth.SetupRequest) { r.Name = "a:b" },
		"the name as password": func(r *auth.SetupRequest) { r.Name, r.Password = "Olga the Great", "OLGA the great" },
	} {
		r := good
		change(&r)
		_, err := h.Setup(ctx, r)
		wantKind(t, err, errs.Invalid, what)
	}
	cookie, err := h.Setup(ctx, good)
	must(t, err)
	if i := h.in(cookie); !i.IsOwner() || i.User.Name != "Olga" || i.User.ID != auth.OwnerID {
		t.Errorf("%+v", i)
	}
	if _, needed, _ := h.SetupLink(ctx); needed || h.Settings().Method != auth.MethodUsers {
		t.Errorf("still needed: %v, %+v", needed, h.Settings())
	}
	_, err = h.Setup(ctx, good)
	wantKind(t, err, errs.Denied, "the link a second time")
	wantKind(t, h.SetOwner(ctx, "eve", "evilpassword"), errs.Conflict, "the command afterwards")
	h.restart()
	if _, needed, _ := h.SetupLink(ctx); needed {
		t.Error("a new link after a restart")
	}
	h.in(cookie)
	h.login("olga", ownerPW)
}

func TestOnlyOneOfManyFinishesTheFirstStart(t *testing.T) {
	h := empty(t)
	secret := link(t, h)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.Setup(ctx, auth.SetupRequest{Secret: secret, Password: ownerPW}); err == nil {
				won.Add(1)
			} else if !errs.Is(err, errs.Denied) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d finished it", won.Load())
	}
	h.login("admin", ownerPW)
}

func TestNoLoginIsForThisComputerOnly(t *testing.T) {
	h := empty(t)
	h.open.Store(true)
	r := auth.SetupRequest{Secret: link(t, h), NoLogin: true}
	_, err := h.Setup(ctx, r)
	wantKind(t, err, errs.Conflict, "no login while others can reach it")
	h.open.Store(false)
	if cookie, err := h.Setup(ctx, r); err != nil || cookie != "" {
		t.Fatalf("%q, %v", cookie, err)
	}
	for _, cookie := range []string{"", "x"} {
		if i, err := h.Session(ctx, cookie, "127.0.0.1", ""); err != nil || !i.IsOwner() || i.Session != nil {
			t.Errorf("%+v, %v", i, err)
		}
	}
	wantKind(t, h.try("admin", "", home), errs.Conflict, "a login")
	_, err = h.Basic(ctx, "admin", "", home)
	wantKind(t, err, errs.Denied, "Basic without a password")
	owner := h.owner()
	_, text, err := h.NewToken(ctx, owner, auth.TokenRequest{Description: "a", Life: time.Hour})
	must(t, err)

	h.open.Store(true)
	_, err = h.Session(ctx, "", home, "")
	wantKind(t, err, errs.Denied, "another address is listened on")
	if _, err := h.Bearer(ctx, text); err != nil {
		t.Errorf("a token proves itself: %v", err)
	}
	wantKind(t, h.ChangePassword(ctx, owner, "", ownerPW, home), errs.Denied, "the first password while others can reach it")
	h.open.Store(false)
	wantKind(t, h.SetSettings(ctx, owner, auth.Settings{Method: auth.MethodUsers}, ""), errs.Conflict, "a login without a password")
	must(t, h.ChangePassword(ctx, owner, "", ownerPW, home))
	wantKind(t, h.ChangePassword(ctx, owner, "", "an intruder's", home), errs.Denied, "the second password without the first")
	must(t, h.SetSettings(ctx, owner, auth.Settings{Method: auth.MethodUsers}, ""))
	_, err = h.Session(ctx, "", home, "")
	wantKind(t, err, errs.Denied, "no cookie any more")
	cookie := h.login("admin", ownerPW)
	wantKind(t, h.SetSettings(ctx, h.in(cookie), auth.Settings{Method: auth.MethodNone}, "wrong"), errs.Denied, "back, without the password")
	h.open.Store(true)
	wantKind(t, h.SetSettings(ctx, h.in(cookie), auth.Settings{Method: auth.MethodNone}, ownerPW), errs.Conflict, "back, while others can reach it")
	h.open.Store(false)
	must(t, h.SetSettings(ctx, h.in(cookie), auth.Settings{Method: auth.MethodNone}, ownerPW))
}

// TestFirstPasswordUnderPIN: an owner who only has the PIN proves that.
func TestFirstPasswordUnderPIN(t *testing.T) {
	h := empty(t)
	h.rpc = func(pin string) error {
		if pin != "rpcsecret" {
			return errs.E(errs.Denied, "wrong")
		}
		return nil
	}
	h.restart()
	_, err := h.Setup(ctx, auth.SetupRequest{Secret: link(t, h), NoLogin: true})
	must(t, err)
	must(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodRPC}, ""))
	by := h.in(h.login("", "rpcsecret"))
	for _, old := range []string{"", "guess"} {
		wantKind(t, h.ChangePassword(ctx, by, old, ownerPW, home), errs.Denied, "the first password with "+old)
	}
	must(t, h.ChangePassword(ctx, by, "rpcsecret", ownerPW, home))
	wantKind(t, h.ChangePassword(ctx, by, "rpcsecret", "an intruder's", home), errs.Denied, "the second with the PIN")
	must(t, h.ChangePassword(ctx, by, ownerPW, "a new password", home))
}
