package auth_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func TestGuessingSlowsDownToACrawl(t *testing.T) {
	h := built(t)
	for n := range 5 {
		if err := h.try("Olga", "wrong", home); isFast(err) || err == nil {
			t.Fatalf("try %d: %v", n, err)
		}
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		want *= time.Second
		if wait := wantWait(t, h.try("Olga", ownerPW, home), "too soon, even with the right password"); wait != want {
			t.Errorf("waits %v, want %v", wait, want)
		}
		h.pass(want - time.Second)
		wantWait(t, h.try("Olga", "wrong", home), "a second too soon")
		h.pass(time.Second)
		if err := h.try("Olga", "wrong", home); isFast(err) {
			t.Fatalf("after %v: %v", want, err)
		}
	}
	h.pass(5 * time.Minute) // nobody is shut out for good
	h.login("Olga", ownerPW)
	if err := h.try("Olga", "wrong", home); isFast(err) {
		t.Errorf("after a login all tries are free again: %v", err)
	}
}

func TestWaitOfHourForgetsTries(t *testing.T) {
	h := built(t)
	for range 2 {
		for range 5 {
			if err := h.try("Olga", "wrong", home); isFast(err) {
				t.Fatal(err)
			}
		}
		wantWait(t, h.try("Olga", "wrong", home), "the sixth")
		h.pass(time.Hour)
	}
}

func TestNamesThatDoNotExistAreHeldTheSame(t *testing.T) {
	h := built(t)
	for n := range 7 {
		known, unknown := h.try("Olga", "wrong", "192.0.2.1"), h.try("nobody", "wrong", "192.0.2.2")
		if known == nil || unknown == nil || known.Error() != unknown.Error() {
			t.Errorf("try %d: %v; of a name that does not exist: %v", n, known, unknown)
		}
	}
}

func TestEveryDoorIsHeldToOneCount(t *testing.T) {
	for name, door := range map[string]func(h *house) error{
		"page":   func(h *house) error { return h.try("Olga", "wrong", home) },
		"Basic":  func(h *house) error { _, err := h.Basic(ctx, "olga", "wrong", home); return err },
		"change": func(h *house) error { return h.ChangePassword(ctx, h.owner(), "wrong", "a new password", home) },
	} {
		h := built(t)
		for range 5 {
			if err := door(h); isFast(err) || !errs.Is(err, errs.Denied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantWait(t, door(h), name)
		wantWait(t, h.try("OLGA", ownerPW, home), "the page after "+name)
		_, err := h.Basic(ctx, "Olga", ownerPW, home)
		wantWait(t, err, "Basic after "+name)
		wantWait(t, h.ChangePassword(ctx, h.owner(), ownerPW, "a new password", home), "the change after "+name)
	}
	h := built(t)
	v := h.Settings()
	v.Method = auth.MethodPassword
	for range 5 {
		wantKind(t, h.SetSettings(ctx, h.owner(), v, "wrong"), errs.Denied, "settings with a wrong password")
	}
	wantWait(t, h.SetSettings(ctx, h.owner(), v, ownerPW), "settings")
	for n := range 21 {
		_, err := h.Register(ctx, auth.Registration{Secret: "guess", Client: "203.0.113.9"})
		if isFast(err) != (n == 20) || !errs.Is(err, errs.Denied) {
			t.Errorf("registration %d: %v", n, err)
		}
	}
}

func TestOneAddressMayNotTryManyNames(t *testing.T) {
	h := built(t)
	through := 0
	for n := range 200 {
		if !isFast(h.try(fmt.Sprintf("name %d", n), "wrong", fmt.Sprintf("2001:db8:1:2::%x", n))) { // one /64
			through++
		}
	}
	if through != 20 {
		t.Errorf("%d tries came through", through)
	}
	if err := h.try("name 1", "wrong", "2001:db8:1:3::1"); isFast(err) {
		t.Errorf("a neighbour: %v", err)
	}
}

func TestNetworksOfAddresses(t *testing.T) {
	for client, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "192.0.2.1:4711": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:443": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": "", "nonsense": "nonsense",
	} {
		if got := auth.NetworkOf(client); got != want {
			t.Errorf("%q counts as %q, want %q", client, got, want)
		}
	}
}

// TestFiftyGuessersAtOnce is the attack of a crowd on one account, while its owner comes home.
func TestFiftyGuessersAtOnce(t *testing.T) {
	for what, client := range map[string]func(int) string{
		"from one address":       func(int) string { return "203.0.113.5" },
		"from fifty addresses":   func(n int) string { return fmt.Sprintf("203.0.113.%d", n) },
		"from the owner's proxy": func(int) string { return home },
	} {
		t.Run(what, func(t *testing.T) {
			h := built(t)
			h.login("Olga", ownerPW)
			marker, err := h.Browser(ctx, auth.OwnerID)
			must(t, err)
			before := auth.Hashes(h.Service)
			var through atomic.Int32
			var wg sync.WaitGroup
			for n := range 50 {
				wg.Go(func() {
					for k := range 4 {
						var err error
						if k%2 == 0 {
							err = h.try("Olga", "wrong", client(n))
						} else {
							_, err = h.Basic(ctx, "Olga", "wrong", client(n))
						}
						if err == nil {
							t.Error("a guess got in")
						} else if !isFast(err) {
							through.Add(1)
						}
					}
				})
			}
			for range 3 { // meanwhile, from the browser of before, wherever it is
				_, _, err := h.Login(ctx, auth.Login{Name: "Olga", Password: ownerPW, Client: client(1), Browser: marker})
				if err != nil {
					t.Errorf("the owner: %v", err)
				}
			}
			wg.Wait()
			most := int64(5)
			if client(0) != client(1) {
				most = 30
			}
			// Three hashes are the owner's. Her address became a good one: its five tries do
			// not count against the name.
			n := auth.Hashes(h.Service) - before
			t.Logf("200 guesses, %d hashes", n)
			if n < most+3 || n > most+3+5 || int64(through.Load()) != n-3 {
				t.Errorf("%d hashes, %d guesses judged, want about %d", n, through.Load(), most)
			}
			if client(0) != home { // an address with a good record, without the browser
				must(t, h.try("Olga", ownerPW, home))
			}
		})
	}
}

func TestStolenMarkerIsLimitedAsWell(t *testing.T) {
	h := built(t, "Ann")
	marker, err := h.Browser(ctx, auth.OwnerID)
	must(t, err)
	with := func(name, password, marker string) error {
		_, _, err := h.Login(ctx, auth.Login{Name: name, Password: password, Client: "203.0.113.5", Browser: marker})
		return err
	}
	for range 5 {
		wantKind(t, with("Olga", "wrong", marker), errs.Denied, "a wrong password")
	}
	wantWait(t, with("Olga", ownerPW, marker), "a browser that guesses")
	must(t, with("Olga", ownerPW, "")) // from elsewhere nothing was tried

	ann, err := h.Browser(ctx, "ann")
	must(t, err)
	h.pass(time.Hour)
	for range 5 {
		with("Olga", "wrong", "")
	}
	for what, m := range map[string]string{"another user's": ann, "a cut one": marker[1:], "nonsense": "x", "a changed one": "A" + marker[1:]} {
		if m != marker {
			wantWait(t, with("Olga", ownerPW, m), what)
		}
	}
	must(t, with("Olga", ownerPW, marker))
	must(t, h.SetPassword(ctx, auth.OwnerID, "another password"))
	for range 5 {
		with("Olga", "wrong", "")
	}
	wantWait(t, with("Olga", "another password", marker), "a marker of before the password changed")
	fresh, err := h.Browser(ctx, auth.OwnerID)
	must(t, err)
	h.pass(400 * 24 * time.Hour)
	for range 5 {
		with("Olga", "wrong", "")
	}
	wantWait(t, with("Olga", "another password", fresh), "a marker that is too old")
}

func TestCrowdGetsOneTryAMinute(t *testing.T) {
	h := built(t)
	judged := 0
	for n := range 3600 { // an hour, one new address each second
		h.pass(time.Second)
		if !isFast(h.try("Olga", "wrong", fmt.Sprintf("198.51.%d.%d", n/200, n%200))) {
			judged++
		}
	}
	if judged < 85 || judged > 91 {
		t.Errorf("%d guesses in an hour, want 30 and one a minute", judged)
	}
}

func TestRestartDoesNotHelpGuessers(t *testing.T) {
	h := built(t, "Ann")
	h.login("Olga", ownerPW)
	for n := range 40 {
		h.try("Olga", "wrong", fmt.Sprintf("203.0.113.%d", n))
	}
	for range 6 {
		h.try("Ann", "wrong", "198.51.100.1")
	}
	for n := range 21 {
		h.try(fmt.Sprint("nobody ", n), "wrong", "198.51.100.2")
	}
	h.restart()
	wantWait(t, h.try("Olga", "wrong", "198.51.100.9"), "a name that was under attack")
	wantWait(t, h.try("Ann", memberPW, "198.51.100.1"), "a name at an address")
	wantWait(t, h.try("Ann", memberPW, "198.51.100.2"), "an address")
	must(t, h.try("Ann", memberPW, "198.51.100.7"))
	must(t, h.try("Olga", ownerPW, home)) // known from before
}

func TestTableOfCountsIsBounded(t *testing.T) {
	h := built(t)
	for range 10 {
		h.try("Olga", "wrong", home)
	}
	for n := range auth.CountsMax {
		auth.Try(h.Service, fmt.Sprint("made up ", n), fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255))
	}
	if n := auth.Counts(h.Service); n > auth.CountsMax {
		t.Errorf("%d counts are kept", n)
	}
	wantWait(t, h.try("Olga", ownerPW, home), "a name under attack, after the table was flooded")
	h.pass(2 * time.Hour)
	must(t, auth.Sweep(h.Service))
	if n := auth.Counts(h.Service); n != 0 {
		t.Errorf("%d counts are left after two hours", n)
	}
}

func TestClockThatWasSetBackShutsNobodyOut(t *testing.T) {
	h := built(t)
	h.pass(20 * 365 * 24 * time.Hour)
	for range 40 {
		h.try("Olga", "wrong", home)
	}
	h.pass(-20 * 365 * 24 * time.Hour)
	h.restart()
	for range 3 {
		err := h.try("Olga", ownerPW, home)
		if err == nil {
			return
		}
		h.pass(wantWait(t, err, "after the clock was set back"))
	}
	t.Error("the owner is shut out")
}
