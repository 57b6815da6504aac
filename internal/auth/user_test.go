package auth_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/device"
	"specter/internal/errs"
)

func TestNamesAreUniqueWithoutRegardToCase(t *testing.T) {
	h := built(t)
	for name, id := range map[string]string{"Ann Smith": "ann_smith", "Straße": "strasse", "Ünal": "ünal", "🙂": "user", "Admin": "admin2", "_x_": "x"} {
		u, err := h.AddUser(ctx, h.owner(), name, memberPW)
		if err != nil || u.ID != id || u.Name != name || u.Role != auth.Member {
			t.Errorf("%q: %+v, %v", name, u, err)
		}
		if got, err := h.UserByName(ctx, strings.ToUpper(name)); err != nil || got.ID != u.ID {
			t.Errorf("%q in capitals is %+v, %v", name, got, err)
		}
	}
	for _, name := range []string{"ann smith", "ANN SMITH ", "STRASSE", "U\u0308NAL", "olga", "ＯＬＧＡ"} {
		before := auth.Hashes(h.Service)
		_, err := h.AddUser(ctx, h.owner(), name, memberPW)
		wantKind(t, err, errs.Conflict, name)
		if auth.Hashes(h.Service) != before {
			t.Errorf("%q cost a hash", name)
		}
	}
	u, err := h.AddUser(ctx, h.owner(), "Ann_Smith", memberPW) // another name, the same slug
	if err != nil || u.ID != "ann_smith2" {
		t.Errorf("%+v, %v", u, err)
	}
	for _, name := range []string{"", "   ", "a:b", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\xffb", strings.Repeat("x", 65)} {
		_, err := h.AddUser(ctx, h.owner(), name, memberPW)
		wantKind(t, err, errs.Invalid, fmt.Sprintf("%q", name))
		wantKind(t, h.RenameUser(ctx, auth.OwnerID, name), errs.Invalid, fmt.Sprintf("%q", name))
	}
	for _, password := range []string{"", "1234567", "äöüß123", strings.Repeat("x", 1025), "12345678\xff", "newcomer"} {
		_, err := h.AddUser(ctx, h.owner(), "Newcomer", password)
		wantKind(t, err, errs.Invalid, fmt.Sprintf("%q", password))
	}
	users, err := h.Users(ctx)
	if err != nil || len(users) != 8 || users[0].ID != auth.OwnerID || !slices.IsSortedFunc(users[1:], func(a, b auth.User) int { return strings.Compare(auth.FoldName(a.Name), auth.FoldName(b.Name)) }) {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestLongestNameLogsIn(t *testing.T) {
	h := built(t)
	name := strings.Repeat("\U00020000", 64)
	u, err := h.AddUser(ctx, h.owner(), name, memberPW)
	must(t, err)
	h.login(name, memberPW)
	if n := len([]rune(u.ID)); n > 40 {
		t.Errorf("the id has %d characters", n)
	}
}

func TestRenamedUserKeepsEverything(t *testing.T) {
	h := built(t, "Ann", "Bob")
	cookie := h.login("Ann", memberPW)
	wantKind(t, h.RenameUser(ctx, "ann", "BOB"), errs.Conflict, "another's name")
	wantKind(t, h.RenameUser(ctx, "nobody", "New"), errs.NotFound, "nobody")
	must(t, h.RenameUser(ctx, "ann", "ANN")) // only the case
	must(t, h.RenameUser(ctx, "ann", "Anna"))
	if i := h.in(cookie); i.User.ID != "ann" || i.User.Name != "Anna" {
		t.Errorf("%+v", i.User)
	}
	h.login("anna", memberPW)
	wantKind(t, h.try("Ann", memberPW, home), errs.Denied, "the name of before")
	must(t, h.RenameUser(ctx, auth.OwnerID, "Root"))
	h.login("root", ownerPW)
}

func TestWhatIsTheOwnersAlone(t *testing.T) {
	h := built(t, "Ann", "Bob")
	for what, err := range map[string]error{
		"adding":      second(h.AddUser(ctx, h.as("ann"), "Eve", memberPW)),
		"deleting":    h.DeleteUser(ctx, h.as("ann"), "bob"),
		"oneself":     h.DeleteUser(ctx, h.as("ann"), "ann"),
		"settings":    h.SetSettings(ctx, h.as("ann"), h.Settings(), memberPW),
		"links":       second(h.Invitations(ctx, h.as("ann"))),
		"inviting":    third(h.Invite(ctx, h.as("ann"), 1)),
		"revoking":    h.RevokeInvitation(ctx, h.as("ann"), 1),
		"the nobody":  h.DeleteUser(ctx, auth.Identity{}, "bob"),
		"the nobody2": second(h.Events(ctx, auth.Identity{}, 0, 0)),
	} {
		wantKind(t, err, errs.Denied, what)
	}
	wantKind(t, h.DeleteUser(ctx, h.owner(), auth.OwnerID), errs.Conflict, "deleting the owner")
	wantKind(t, h.DeleteUser(ctx, h.owner(), "nobody"), errs.NotFound, "deleting nobody")
	if len(h.gone) != 0 {
		t.Errorf("things of %v were removed", h.gone)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestDeletedUserLeavesNothing(t *testing.T) {
	h := built(t, "Ann", "Bob")
	cookie, bobs := h.login("Ann", memberPW), h.login("Bob", memberPW)
	_, text, err := h.NewToken(ctx, h.as("ann"), auth.TokenRequest{Description: "one", Life: time.Hour})
	must(t, err)
	must(t, h.db.PutSetting(ctx, "ann", "unit", "sat"))

	h.hold = func() error { // while things are removed, the user is out already
		_, err := h.Session(ctx, cookie, home, "")
		wantKind(t, err, errs.Denied, "the session meanwhile")
		_, err = h.Bearer(ctx, text)
		wantKind(t, err, errs.Denied, "the token meanwhile")
		_, err = h.Basic(ctx, "Ann", memberPW, home)
		wantKind(t, err, errs.Denied, "Basic meanwhile")
		wantKind(t, h.DeleteUser(ctx, h.owner(), "ann"), errs.Conflict, "twice at once")
		return errors.New("the node is away")
	}
	if err := h.DeleteUser(ctx, h.owner(), "ann"); err == nil || err.Error() != "the node is away" {
		t.Errorf("%v", err)
	}
	h.in(cookie) // nothing of hers was lost

	h.hold = nil
	d := device.Device{Owner: "ann", Alias: "cold", Name: "Cold", Type: "other"}
	must(t, h.db.PutDevice(ctx, &d))
	wantKind(t, h.DeleteUser(ctx, h.owner(), "ann"), errs.Conflict, "a device is left")
	h.in(cookie)
	h.hold = func() error { return h.db.DeleteDevice(ctx, "ann", d.ID) }
	must(t, h.DeleteUser(ctx, h.owner(), "ann"))
	h.hold = nil
	_, err = h.Session(ctx, cookie, home, "")
	wantKind(t, err, errs.Denied, "the session")
	_, err = h.User(ctx, "ann")
	wantKind(t, err, errs.NotFound, "the user")
	h.in(bobs)

	h.restart() // the id is free again
	u, err := h.AddUser(ctx, h.owner(), "Ann", "another password")
	if err != nil || u.ID != "ann" {
		t.Fatalf("%+v, %v", u, err)
	}
	for what, n := range map[string]int{
		"tokens": len(of(h.Tokens(ctx, "ann"))), "sessions": len(of(h.Sessions(ctx, "ann"))), "settings": len(of(h.db.Setting(ctx, "ann", "unit"))),
		"events": len(of(h.Events(ctx, h.as("ann"), 0, 0))) - 1, // her own beginning
	} {
		if n != 0 {
			t.Errorf("%d %s of the user before", n, what)
		}
	}
}

func of[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestInvitationIsGoodOnceAndInTime(t *testing.T) {
	h := built(t)
	i, secret, err := h.Invite(ctx, h.owner(), 2)
	if err != nil || len(secret) != 43 || !i.Expires.Equal(h.now().Add(2*time.Hour)) {
		t.Fatalf("%+v, %v", i, err)
	}
	if got, err := h.Invited(ctx, secret); err != nil || got != i {
		t.Errorf("%+v, %v", got, err)
	}
	reg := func(secret, name, password string) error {
		_, err := h.Register(ctx, auth.Registration{Secret: secret, Name: name, Password: password, Client: home})
		return err
	}
	wantKind(t, reg(secret, "OLGA", memberPW), errs.Conflict, "a name that is taken")
	wantKind(t, reg(secret, "Ann", "short"), errs.Invalid, "a short password")
	wantKind(t, reg(strings.Repeat("A", 43), "Ann", memberPW), errs.Denied, "a guess")
	var won atomic.Int32
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := reg(secret, fmt.Sprint("Ann ", n), memberPW); err == nil {
				won.Add(1)
			} else if !errs.Is(err, errs.Denied) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if users := of(h.Users(ctx)); won.Load() != 1 || len(users) != 2 || users[1].Role != auth.Member {
		t.Errorf("%d registered: %+v", won.Load(), users)
	}
	h.login(of(h.Users(ctx))[1].Name, memberPW)

	_, late, err := h.Invite(ctx, h.owner(), 1)
	must(t, err)
	revoked, gone, err := h.Invite(ctx, h.owner(), 0)
	must(t, err)
	_, ever, err := h.Invite(ctx, h.owner(), 0)
	must(t, err)
	must(t, h.RevokeInvitation(ctx, h.owner(), revoked.ID))
	wantKind(t, h.RevokeInvitation(ctx, h.owner(), revoked.ID), errs.NotFound, "a revoked link")
	h.pass(time.Hour)
	for what, s := range map[string]string{"expired": late, "revoked": gone, "used": secret, "none": ""} {
		_, err := h.Invited(ctx, s)
		wantKind(t, err, errs.Denied, what)
		wantKind(t, reg(s, "Late", memberPW), errs.Denied, what)
	}
	h.pass(25 * time.Hour)
	must(t, auth.Sweep(h.Service))
	if all := of(h.Invitations(ctx, h.owner())); len(all) != 1 || !all[0].Expires.IsZero() {
		t.Errorf("%+v", all)
	}
	h.restart()
	must(t, reg(ever, "Eve", memberPW))
	for _, hours := range []int{-1, 8761} {
		wantKind(t, third(h.Invite(ctx, h.owner(), hours)), errs.Invalid, fmt.Sprint(hours))
	}
	_, open, err := h.Invite(ctx, h.owner(), 0)
	must(t, err)
	v := h.Settings()
	v.Method = auth.MethodPassword
	must(t, h.SetSettings(ctx, h.owner(), v, ownerPW))
	wantKind(t, reg(open, "Eva", memberPW), errs.Denied, "members cannot log in now")
	wantKind(t, third(h.Invite(ctx, h.owner(), 1)), errs.Conflict, "members cannot log in now")
}

func TestRecordSaysWhatHappenedAndNoSecrets(t *testing.T) {
	h := built(t, "Ann")
	cookie := h.login("Ann", memberPW)
	h.try("Ann", "a wrong guess", "203.0.113.5")
	h.try("typed-my-passw0rd-here", "x", "203.0.113.5")
	token, text, err := h.NewToken(ctx, h.in(cookie), auth.TokenRequest{Description: "tower", Life: time.Hour})
	must(t, err)
	must(t, h.DeleteToken(ctx, "ann", token.ID))
	_, text2, err := h.NewToken(ctx, h.in(cookie), auth.TokenRequest{Description: "tower", Life: time.Hour})
	must(t, err)
	_, secret, err := h.Invite(ctx, h.owner(), 1)
	must(t, err)
	must(t, h.ChangePassword(ctx, h.in(cookie), memberPW, "another password", home))
	must(t, h.Logout(ctx, cookie))

	var what []string
	for _, e := range of(h.Events(ctx, h.owner(), 0, 0)) {
		what = append(what, e.What+":"+e.UserID)
	}
	want := []string{"logout:ann", "password-set:ann", "invited:admin", "token-made:ann", "token-deleted:ann", "token-made:ann", "login-refused:", "login-refused:ann", "login:ann", "user-added:ann", "setup:admin"}
	if !slices.Equal(what, want) {
		t.Errorf("%v\nwant %v", what, want)
	}
	for _, e := range of(h.Events(ctx, h.as("ann"), 0, 0)) {
		if e.UserID != "ann" {
			t.Errorf("a member sees %+v", e)
		}
	}
	first := of(h.Events(ctx, h.owner(), 0, 4))
	rest := of(h.Events(ctx, h.owner(), first[3].ID, 0))
	if len(first) != 4 || len(rest) != len(want)-4 || rest[0].ID >= first[3].ID {
		t.Errorf("pages of %d and %d", len(first), len(rest))
	}

	must(t, h.db.Close())
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(h.path + suffix)
		if err != nil && suffix == "" {
			t.Fatal(err)
		}
		for name, s := range map[string]string{"a password": memberPW, "the owner's": ownerPW, "a guess": "a wrong guess", "a typed name": "typed-my-passw0rd", "the cookie": cookie,
			"a token": text[40:], "another": text2[40:], "a signature": text2[len(text2)-43:], "the link": secret} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s stands in the file%s", name, suffix)
			}
		}
	}
	h.start()
}

func TestRecordIsBounded(t *testing.T) {
	h := built(t)
	add := func(what string, at time.Time) {
		must(t, h.db.AddEvent(ctx, auth.Event{At: at, What: what}))
	}
	add("login", h.now().Add(-367*24*time.Hour))
	for range 30 {
		add("login-refused", h.now())
		add("login", h.now())
	}
	must(t, h.db.SweepEvents(ctx, h.now().Add(-366*24*time.Hour), "login-refused", 10, 20))
	n := map[string]int{}
	for _, e := range of(h.db.Events(ctx, "", 0, 1000)) {
		n[e.What]++
	}
	if n["login-refused"] != 10 || n["login"] != 20 || n["setup"] != 0 {
		t.Errorf("%v", n)
	}
	must(t, auth.Sweep(h.Service))
}
