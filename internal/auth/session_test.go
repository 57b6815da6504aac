package auth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func TestSessionsSurviveRestartAndEndInTime(t *testing.T) {
	h := built(t)
	cookie := h.login("Olga", ownerPW)
	h.restart()
	for day := range 29 { // used every day
		h.pass(24 * time.Hour)
		if i := h.in(cookie); !i.Session.Expires.After(h.now()) {
			t.Fatalf("day %d: %+v", day, i.Session)
		}
	}
	h.pass(24*time.Hour - time.Second)
	h.in(cookie)
	h.pass(time.Second)
	_, err := h.Session(ctx, cookie, home, "")
	wantKind(t, err, errs.Denied, "after 30 days")

	cookie = h.login("Olga", ownerPW)
	h.pass(7*24*time.Hour - time.Second)
	h.in(cookie)
	h.pass(7 * 24 * time.Hour)
	_, err = h.Session(ctx, cookie, home, "")
	wantKind(t, err, errs.Denied, "after 7 idle days")
}

func TestShorterTimesHoldForSessionsThatRun(t *testing.T) {
	h := built(t)
	cookie := h.login("Olga", ownerPW)
	v := h.Settings()
	v.Idle, v.Absolute = 10*time.Minute, time.Hour
	must(t, h.SetSettings(ctx, h.in(cookie), v, ""))
	h.pass(10 * time.Minute)
	_, err := h.Session(ctx, cookie, home, "")
	wantKind(t, err, errs.Denied, "after 10 idle minutes")
	if got, err := h.Sessions(ctx, auth.OwnerID); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUseOfSessionIsWrittenOnceAMinute(t *testing.T) {
	h := built(t)
	cookie := h.login("Olga", ownerPW)
	began := h.now()
	h.pass(59 * time.Second)
	if _, err := h.Session(ctx, cookie, "203.0.113.1", "other"); err != nil {
		t.Fatal(err)
	}
	got, err := h.Sessions(ctx, auth.OwnerID)
	if err != nil || !got[0].LastSeen.Equal(began) || got[0].Client != home {
		t.Errorf("after 59 s: %+v, %v", got, err)
	}
	h.pass(time.Second)
	if _, err := h.Session(ctx, cookie, "203.0.113.1", strings.Repeat("ä", 500)); err != nil {
		t.Fatal(err)
	}
	got, err = h.Sessions(ctx, auth.OwnerID)
	if err != nil || !got[0].LastSeen.Equal(h.now()) || got[0].Client != "203.0.113.1" || got[0].Agent != strings.Repeat("ä", 200) {
		t.Errorf("after a minute: %+v, %v", got, err)
	}
}

func TestFormLeftOpenIsToldFromNoSession(t *testing.T) {
	h := built(t, "Ann")
	ran, out, ended := h.login("Ann", memberPW), h.login("Ann", memberPW), h.login("Ann", memberPW)
	if _, ok := h.Expired(ctx, ran); ok {
		t.Error("a session that runs counts as expired")
	}
	must(t, h.Logout(ctx, out))
	must(t, h.EndSession(ctx, "ann", h.in(ended).Session.ID))
	h.pass(14*24*time.Hour - time.Second)
	must(t, auth.Sweep(h.Service))
	if id, ok := h.Expired(ctx, ran); !ok || id != "ann" {
		t.Errorf("%q, %v", id, ok)
	}
	for what, cookie := range map[string]string{"logged out": out, "revoked": ended, "nonsense": "x", "none": "", "another": strings.Repeat("A", 43)} {
		if id, ok := h.Expired(ctx, cookie); ok || id != "" {
			t.Errorf("%s: %q, %v", what, id, ok)
		}
		_, err := h.Session(ctx, cookie, home, "")
		wantKind(t, err, errs.Denied, what)
	}
	h.pass(time.Second)
	if _, ok := h.Expired(ctx, ran); ok {
		t.Error("still known after the 7 days")
	}
	h.pass(time.Minute)
	must(t, auth.Sweep(h.Service))
	if all, err := h.db.Sessions(ctx, "ann"); err != nil || len(all) != 0 {
		t.Errorf("%d rows are left, %v", len(all), err)
	}
}

func TestLoginRotatesAndSessionsAreListedAndRevoked(t *testing.T) {
	h := built(t, "Ann", "Bob")
	first := h.login("Ann", memberPW)
	h.pass(time.Minute)
	second, _, err := h.Login(ctx, auth.Login{Name: "Ann", Password: memberPW, Client: home, Old: first})
	must(t, err)
	if second == first {
		t.Error("the cookie is the same")
	}
	_, err = h.Session(ctx, first, home, "")
	wantKind(t, err, errs.Denied, "the cookie of before")
	third, fourth, bobs := h.login("Ann", memberPW), h.login("Ann", memberPW), h.login("Bob", memberPW)
	if got, err := h.Sessions(ctx, "ann"); err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	wantKind(t, h.EndSession(ctx, "ann", h.in(bobs).Session.ID), errs.NotFound, "somebody else's session")
	wantKind(t, h.EndSession(ctx, "ann", 999), errs.NotFound, "no session")
	must(t, h.EndSession(ctx, "ann", h.in(third).Session.ID))
	must(t, h.EndOtherSessions(ctx, "ann", h.in(second).Session.ID))
	wantKind(t, h.EndOtherSessions(ctx, "", 0), errs.NotFound, "nobody's sessions")
	for what, c := range map[string]string{"ended": third, "another": fourth} {
		_, err := h.Session(ctx, c, home, "")
		wantKind(t, err, errs.Denied, what)
	}
	h.in(second)
	h.in(bobs)
	must(t, h.Logout(ctx, second))
	must(t, h.Logout(ctx, second))
	must(t, h.Logout(ctx, "x"))
	_, err = h.Session(ctx, second, home, "")
	wantKind(t, err, errs.Denied, "logged out")
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	h := built(t, "Ann", "Bob")
	mine, other, bobs := h.login("Ann", memberPW), h.login("Ann", memberPW), h.login("Bob", memberPW)
	wantKind(t, h.ChangePassword(ctx, h.in(mine), "wrong", "a new password", home), errs.Denied, "a wrong password")
	wantKind(t, h.ChangePassword(ctx, h.in(mine), memberPW, "short", home), errs.Invalid, "a short one")
	h.in(other)
	must(t, h.ChangePassword(ctx, h.in(mine), memberPW, "a new password", home))
	h.in(mine)
	h.in(bobs)
	_, err := h.Session(ctx, other, home, "")
	wantKind(t, err, errs.Denied, "the other session")
	must(t, h.SetPassword(ctx, "ann", "a third password"))
	_, err = h.Session(ctx, mine, home, "")
	wantKind(t, err, errs.Denied, "after a password from outside")
	wantKind(t, h.SetPassword(ctx, "nobody", "a third password"), errs.NotFound, "nobody's password")
}

func TestOvertakenLoginIsNoSession(t *testing.T) {
	h := built(t)
	x := auth.Session{UserID: auth.OwnerID, Created: h.now(), LastSeen: h.now(), Way: auth.MethodUsers}
	wantKind(t, h.db.AddSession(ctx, &x, make([]byte, 32), nil, "the hash of before"), errs.Conflict, "a password that was changed meanwhile")
	if all, err := h.db.Sessions(ctx, auth.OwnerID); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestAnotherMethodEndsOtherSessions(t *testing.T) {
	h := built(t, "Ann")
	mine, anns := h.login("Olga", ownerPW), h.login("Ann", memberPW)
	v := h.Settings()
	v.Method = auth.MethodPassword
	must(t, h.SetSettings(ctx, h.in(mine), v, ownerPW))
	if i := h.in(mine); i.Session.Way != auth.MethodPassword {
		t.Errorf("%+v", i.Session)
	}
	_, err := h.Session(ctx, anns, home, "")
	wantKind(t, err, errs.Denied, "a member's session")
	if got := of(h.db.Sessions(ctx, "ann")); len(got) != 0 {
		t.Errorf("the row is still there: %+v", got)
	}
	h.restart()
	h.in(mine)
	if h.Settings().Method != auth.MethodPassword {
		t.Error("the method is forgotten")
	}
}

func TestSettingsAreBounded(t *testing.T) {
	h := built(t, "Ann")
	good := h.Settings()
	if good != (auth.Settings{Method: auth.MethodUsers, MinPassword: 8, InvitationHours: 1, Idle: 7 * 24 * time.Hour, Absolute: 30 * 24 * time.Hour}) {
		t.Errorf("%+v", good)
	}
	for what, change := range map[string]func(*auth.Settings){
		"no method":             func(v *auth.Settings) { v.Method = auth.MethodUnset },
		"an unknown method":     func(v *auth.Settings) { v.Method = "ldap" },
		"short passwords":       func(v *auth.Settings) { v.MinPassword = 5 },
		"endless passwords":     func(v *auth.Settings) { v.MinPassword = 129 },
		"links of the past":     func(v *auth.Settings) { v.InvitationHours = -1 },
		"links of over a year":  func(v *auth.Settings) { v.InvitationHours = 8761 },
		"sessions of a moment":  func(v *auth.Settings) { v.Idle = time.Minute },
		"idle above absolute":   func(v *auth.Settings) { v.Idle = 31 * 24 * time.Hour },
		"sessions of two years": func(v *auth.Settings) { v.Absolute = 731 * 24 * time.Hour },
	} {
		v := good
		change(&v)
		wantKind(t, h.SetSettings(ctx, h.owner(), v, ownerPW), errs.Invalid, what)
	}
	wantKind(t, h.SetSettings(ctx, h.as("ann"), good, memberPW), errs.Denied, "a member")
	if h.Settings() != good {
		t.Errorf("%+v", h.Settings())
	}
	must(t, h.SetSettings(ctx, h.owner(), auth.Settings{Method: auth.MethodUsers, InvitationHours: 0, MinPassword: 12}, ""))
	h.restart()
	if v := h.Settings(); v.MinPassword != 12 || v.InvitationHours != 0 || v.Idle != good.Idle {
		t.Errorf("%+v", v)
	}
	_, err := h.AddUser(ctx, h.owner(), "Bob", "12345678901")
	wantKind(t, err, errs.Invalid, "eleven characters")
}

func TestDamagedSettingsStopTheProgram(t *testing.T) {
	for _, bad := range []string{"{", "null", "{}", `{"method":"later"}`, `{"method":"none"}`} {
		h := built(t)
		must(t, h.db.PutSetting(ctx, "", "login", bad))
		_, err := auth.New(ctx, auth.Config{Store: h.db, Hash: cheap, Forget: nothing})
		wantKind(t, err, errs.Unavailable, bad)
	}
	h := built(t)
	must(t, h.db.PutSetting(ctx, "", "token-key", "short"))
	_, err := auth.New(ctx, auth.Config{Store: h.db, Hash: cheap, Forget: nothing})
	wantKind(t, err, errs.Unavailable, "a damaged key")
}

// TestUseByManyAtOnceIsWrittenOnce: a page and all that it loads come at the same time.
func TestUseByManyAtOnceIsWrittenOnce(t *testing.T) {
	h := built(t)
	cookie := h.login("Olga", ownerPW)
	_, text, err := h.NewToken(ctx, h.owner(), auth.TokenRequest{Description: "one", Life: time.Hour})
	must(t, err)
	h.pass(time.Minute)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := h.Session(ctx, cookie, home, ""); err != nil {
				t.Error(err)
			}
			if _, err := h.Bearer(ctx, text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := h.writes.Load(); n != 2 {
		t.Errorf("%d writes, want one of the session and one of the token", n)
	}
	h.pass(time.Minute)
	h.in(cookie)
	if n := h.writes.Load(); n != 3 {
		t.Errorf("%d writes a minute later", n)
	}
}

// TestSessionOfAnotherMethodIsNone: even one that a change of the method has missed.
func TestSessionOfAnotherMethodIsNone(t *testing.T) {
	h := built(t)
	mine := h.login("Olga", ownerPW)
	must(t, h.db.SetSessionWay(ctx, h.in(mine).Session.ID, auth.MethodPassword))
	_, err := h.Session(ctx, mine, home, "")
	wantKind(t, err, errs.Denied, "a session of another method")
	if got := of(h.Sessions(ctx, auth.OwnerID)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestASessionThatWasLeftAloneCountsAsRunOut: forms that were open in it are kept for its user,
// whatever the owner says later of how long sessions last, and after a new start as well.
func TestASessionThatWasLeftAloneCountsAsRunOut(t *testing.T) {
	h := built(t, "Ann", "Bob")
	cookie, other := h.login("Ann", memberPW), h.login("Ann", memberPW)
	by := h.in(cookie)
	must(t, h.Lapse(ctx, by))
	if _, err := h.Session(ctx, cookie, home, ""); !errs.Is(err, errs.Denied) {
		t.Errorf("it opens the door still: %v", err)
	}
	h.restart()
	if user, ok := h.Expired(ctx, cookie); !ok || user != "ann" {
		t.Errorf("whose it was is not known: %q %v", user, ok)
	}
	longer := h.Settings()
	longer.Idle, longer.Absolute = longer.Idle*2, longer.Absolute*2
	must(t, h.SetSettings(ctx, h.owner(), longer, ownerPW))
	if _, err := h.Session(ctx, cookie, home, ""); !errs.Is(err, errs.Denied) {
		t.Errorf("longer sessions bring it back: %v", err)
	}
	if got := of(h.Sessions(ctx, "ann")); len(got) != 1 {
		t.Errorf("%d sessions are listed", len(got))
	}
	h.in(other)
	h.pass(7*24*time.Hour + time.Minute)
	if _, ok := h.Expired(ctx, cookie); ok {
		t.Error("after a week it is still known")
	}
	wantKind(t, h.Lapse(ctx, auth.Identity{User: by.User}), errs.NotFound, "no session")
	stranger := h.as("bob")
	stranger.Session = by.Session
	wantKind(t, h.Lapse(ctx, stranger), errs.NotFound, "another's session")
	again := h.login("Ann", memberPW)
	by = h.in(again)
	must(t, h.Lapse(ctx, by))
	must(t, h.Logout(ctx, again))
	if _, ok := h.Expired(ctx, again); ok {
		t.Error("after logging out it is still known")
	}
}
