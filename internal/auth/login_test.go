package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func TestRightPasswordLogsIn(t *testing.T) {
	h := built(t, "Ann")
	for _, name := range []string{"Ann", "ann", " ANN ", "ＡＮＮ"} {
		cookie, u, err := h.Login(ctx, auth.Login{Name: name, Password: memberPW, Client: home, Agent: "Browser/1"})
		if err != nil || u.ID != "ann" || u.Name != "Ann" || u.Role != auth.Member || !u.Password {
			t.Fatalf("%q: %+v, %v", name, u, err)
		}
		i := h.in(cookie)
		if i.User.ID != "ann" || i.Session == nil || i.Session.Way != auth.MethodUsers || i.Session.Client != home || i.Session.Agent != "Browser/1" || !i.Scope.Full() || i.IsOwner() {
			t.Errorf("%q is %+v", name, i)
		}
	}
	if u, err := h.User(ctx, "ann"); err != nil || !u.LastLogin.Equal(h.now()) {
		t.Errorf("last login %v, %v", u.LastLogin, err)
	}
	if i := h.in(h.login("olga", ownerPW)); !i.IsOwner() || i.User.ID != auth.OwnerID {
		t.Errorf("the owner is %+v", i)
	}
}

func TestWrongLoginsAreAllTheSame(t *testing.T) {
	h := built(t, "Ann", "Old", "Bare")
	legacy, err := auth.LegacyHash(legacySalt, legacyHash)
	must(t, err)
	must(t, h.db.SetUserPassword(ctx, "old", legacy, 0))
	must(t, h.db.SetUserPassword(ctx, "bare", "", 0))
	var words string
	for i, try := range [][2]string{{"Ann", "wrong"}, {"nobody", "wrong"}, {"Old", "wrong"}, {"Bare", ""}, {"Bare", "wrong"}, {"", ""}, {"nobody", ""}, {"Ann", memberPW + " "}, {"Ann", strings.Repeat("x", 5000)}} {
		before := auth.Hashes(h.Service)
		_, _, err := h.Login(ctx, auth.Login{Name: try[0], Password: try[1], Client: home})
		wantKind(t, err, errs.Denied, try[0])
		if n := auth.Hashes(h.Service) - before; n != 1 {
			t.Errorf("%q cost %d hashes", try[0], n)
		}
		if i > 0 && err.Error() != words {
			t.Errorf("%q: %q, others: %q", try[0], err, words)
		}
		words = err.Error()
		h.pass(time.Second) // to tell the events apart
	}
	_, err = h.Basic(ctx, "nobody", "wrong", "192.0.2.77")
	if err == nil || err.Error() != words {
		t.Errorf("by Basic: %v", err)
	}
}

// The old Specter's record of the password "hunter22".
const (
	legacySalt = "fiuUbFa1Y69UnbFklzGGNXkN1t2kDDES5htxsK6yBK0="
	legacyHash = "9gUsIgxxLVdWXnto9rUZNjWOmpsEyjRop3E01G/CrI4="
)

func TestOldHashIsAcceptedAndReplaced(t *testing.T) {
	h := built(t, "Ann")
	legacy, err := auth.LegacyHash(legacySalt, legacyHash)
	must(t, err)
	must(t, h.db.SetUserPassword(ctx, "ann", legacy, 0))
	wantKind(t, h.try("Ann", "hunter23", home), errs.Denied, "a wrong password")
	if row, _ := h.db.UserRow(ctx, "ann"); row.Hash != legacy {
		t.Errorf("a wrong password changed the hash to %q", row.Hash)
	}
	before := auth.Hashes(h.Service)
	h.login("Ann", "hunter22")
	if n := auth.Hashes(h.Service) - before; n != 1 {
		t.Errorf("the first login cost %d hashes", n)
	}
	if row, _ := h.db.UserRow(ctx, "ann"); !strings.HasPrefix(row.Hash, "$argon2id$v=19$m=32,t=1,p=1$") {
		t.Errorf("the hash is %q", row.Hash)
	}
	h.login("Ann", "hunter22")
	for _, bad := range [][2]string{{"", legacyHash}, {"a$b", legacyHash}, {legacySalt, ""}, {legacySalt, "AAAA"}, {legacySalt, "?"}} {
		if _, err := auth.LegacyHash(bad[0], bad[1]); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is accepted: %v", bad, err)
		}
	}
}

func TestHashFollowsNewParameters(t *testing.T) {
	h := built(t)
	h.hash = auth.HashParams{Memory: 64, Passes: 2, Lanes: 1}
	h.restart()
	wantKind(t, h.try("Olga", "wrong", home), errs.Denied, "a wrong password")
	h.login("Olga", ownerPW)
	if row, _ := h.db.UserRow(ctx, auth.OwnerID); !strings.HasPrefix(row.Hash, "$argon2id$v=19$m=64,t=2,p=1$") {
		t.Errorf("the hash is %q", row.Hash)
	}
	h.login("Olga", ownerPW)
}

func TestDamagedHashLogsNobodyIn(t *testing.T) {
	h := built(t, "Ann")
	for i, bad := range []string{"x", "$argon2id$", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=32,t=0,p=1$AAAAAAAAAAA$AAAA",
		"$argon2i$v=19$m=32,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=32,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$", "$specter-pbkdf2$salt", "$specter-pbkdf2$salt$", memberPW} {
		must(t, h.db.SetUserPassword(ctx, "ann", bad, 0))
		for _, password := range []string{memberPW, "", bad} {
			h.pass(time.Hour)
			if err := h.try("Ann", password, home); err == nil {
				t.Errorf("%d: the hash %q let %q in", i, bad, password)
			}
		}
	}
}

func TestComposedAndDecomposedPasswordsAreOne(t *testing.T) {
	h := built(t)
	must(t, h.SetPassword(ctx, auth.OwnerID, "Ku\u0308nstlername"))
	h.login("Olga", "K\u00fcnstlername")
}

func TestOwnersPasswordAlone(t *testing.T) {
	h := built(t, "Ann")
	v := h.Settings()
	v.Method = auth.MethodPassword
	must(t, h.SetSettings(ctx, h.owner(), v, ownerPW))
	cookie, u, err := h.Login(ctx, auth.Login{Name: "ann", Password: ownerPW, Client: home})
	if err != nil || u.ID != auth.OwnerID || h.in(cookie).Session.Way != auth.MethodPassword {
		t.Errorf("%+v, %v", u, err)
	}
	wantKind(t, h.try("ann", memberPW, home), errs.Denied, "a member's password")
}

func TestNodesPasswordAsPIN(t *testing.T) {
	h := built(t)
	wantKind(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodRPC}, ownerPW), errs.Conflict, "a PIN where no node can be asked")
	answer := error(nil)
	asked := 0
	h.rpc = func(pin string) error {
		asked++
		if answer == nil && pin != "rpcsecret" {
			return errs.E(errs.Denied, "wrong")
		}
		return answer
	}
	h.restart()
	must(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodRPC}, ownerPW))
	if i := h.in(h.login("", "rpcsecret")); !i.IsOwner() || i.Session.Way != auth.MethodRPC {
		t.Errorf("%+v", i)
	}
	wantKind(t, h.try("", ownerPW, home), errs.Denied, "the owner's password while the node answers")
	away := errs.E(errs.Unavailable, "the node does not answer")
	answer = away
	if err := h.try("", "rpcsecret", home); !errors.Is(err, away) {
		t.Errorf("while the node is away: %v", err)
	}
	h.login("", ownerPW)

	answer, asked = nil, 0
	for range 50 {
		if err := h.try("", "guess", "203.0.113.5"); err == nil {
			t.Error("a guess got in")
		}
	}
	if asked != 5 {
		t.Errorf("the node was asked %d times", asked)
	}
	v := h.Settings()
	v.Method = auth.MethodUsers
	wantKind(t, h.SetSettings(ctx, h.owner(), v, "wrong"), errs.Denied, "another method without the PIN")
	must(t, h.SetSettings(ctx, h.owner(), v, "rpcsecret"))
}

func TestWhoHangsUpLearnsNothingAndIsNotCounted(t *testing.T) {
	h := built(t)
	begin := auth.StopHashing(h.Service)
	gone, hangUp := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, _, err := h.Login(gone, auth.Login{Name: "Olga", Password: "wrong", Client: home})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
	for auth.Waiting(h.Service) < 3 {
		time.Sleep(time.Millisecond)
	}
	hangUp()
	wg.Wait()
	begin()
	for n := range 5 { // all tries are still there
		if err := h.try("Olga", "wrong", home); isFast(err) {
			t.Errorf("try %d: %v", n, err)
		}
	}
	wantWait(t, h.try("Olga", "wrong", home), "the sixth")
}

func TestFullQueueRefusesAndDoesNotCount(t *testing.T) {
	h := built(t)
	h.login("Olga", ownerPW) // home has a good record, and so a place in the queue
	empty := auth.FillQueue(h.Service)
	before := auth.Hashes(h.Service)
	for range 8 {
		wantWait(t, h.try("Olga", ownerPW, "203.0.113.5"), "a full queue")
	}
	if auth.Hashes(h.Service) != before {
		t.Error("a hash was computed")
	}
	h.login("Olga", ownerPW)
	empty()
	must(t, h.try("Olga", ownerPW, "203.0.113.5"))
}

func TestBasicIsRememberedForAWhile(t *testing.T) {
	h := built(t, "Ann")
	basic := func(name, password string) error {
		i, err := h.Basic(ctx, name, password, home)
		if err == nil && (i.User.ID != "ann" || i.Session != nil || i.Token != nil || !i.Scope.Full()) {
			t.Errorf("%+v", i)
		}
		return err
	}
	cost := func(what string, want int64, f func()) {
		t.Helper()
		before := auth.Hashes(h.Service)
		f()
		if n := auth.Hashes(h.Service) - before; n != want {
			t.Errorf("%s: %d hashes, want %d", what, n, want)
		}
	}
	cost("the first and nine more", 1, func() {
		for range 10 {
			must(t, basic("Ann", memberPW))
		}
	})
	cost("a wrong one", 1, func() { wantKind(t, basic("Ann", "wrong"), errs.Denied, "a wrong password") })
	h.pass(5 * time.Minute)
	cost("after five minutes", 1, func() { must(t, basic("ann", memberPW)) })
	must(t, h.RenameUser(ctx, "ann", "Anna"))
	wantKind(t, basic("Ann", memberPW), errs.Denied, "the name of before")
	must(t, basic("Anna", memberPW))
	must(t, h.SetPassword(ctx, "ann", "another password"))
	wantKind(t, basic("Anna", memberPW), errs.Denied, "the password of before")
	must(t, basic("Anna", "another password"))
	must(t, h.DeleteUser(ctx, h.owner(), "ann"))
	wantKind(t, basic("Anna", "another password"), errs.Denied, "a user who was deleted")
}
