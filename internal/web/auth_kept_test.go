package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/wallet"
	"specter/internal/web"
)

const signaturesPath = "/wallets/family_vault/drafts/7/signatures"

// expired is a browser whose session has run out while a page was open.
func expired(t *testing.T, name, password string) (*client, *gatehouse) {
	t.Helper()
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login(name, password).want(200)
	g.end(func(auth.Session) bool { return true })
	return c, g
}

// action is where the form of a button leads.
func (a answer) action(part string) string {
	m := regexp.MustCompile(`action="([^"]*` + part + `)"`).FindStringSubmatch(a.body)
	if m == nil {
		a.t.Fatalf("%s has no form to …%s", a.path, part)
	}
	return m[1]
}

func TestSignaturesSurviveTheEndOfASession(t *testing.T) {
	c, _ := expired(t, "admin", "correct horse")
	a := c.post(signaturesPath, url.Values{"psbt": {"good"}}).want(200).says("note", "kept for 30 minutes")
	if a.path != "/auth/login?kept=yes" {
		t.Fatalf("led to %s", a.path)
	}
	if c.h.drafts[7].State == wallet.Complete {
		t.Fatal("it was done for nobody")
	}
	a = c.login("admin", "correct horse").want(200).says("kept", "Signatures for draft 7 of the wallet Family Vault")
	if a.path != "/auth/kept" || c.h.drafts[7].State == wallet.Complete {
		t.Fatalf("at %s the draft is %v: sent without the button", a.path, c.h.drafts[7].State)
	}
	c.get("/wallets/savings/history").want(200).says("kept-note", "1 form waits")
	if c.h.drafts[7].State == wallet.Complete {
		t.Fatal("sent by looking around")
	}
	if a = c.post(a.action("/send"), nil).want(200); a.path != "/wallets/family_vault/drafts/7" {
		t.Errorf("the button leads to %s", a.path)
	}
	if c.h.drafts[7].State != wallet.Complete {
		t.Error("the signature is lost")
	}
	c.get("/auth/kept").want(200).says("nothing-kept", "Nothing waits")
}

func TestAFileSurvivesAsItWas(t *testing.T) {
	c, _ := expired(t, "admin", "correct horse")
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	f, err := m.CreateFormFile("file", "signed.psbt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write([]byte("good"))
	_ = m.Close()
	req, err := http.NewRequest("POST", c.base+signaturesPath, &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", m.FormDataContentType())
	c.do(req).want(200)
	a := c.login("admin", "correct horse").want(200)
	c.post(a.action("/send"), nil).want(200)
	if c.h.drafts[7].State != wallet.Complete {
		t.Error("the file is lost")
	}
}

func TestWhatIsRefusedWaitsOn(t *testing.T) {
	c, _ := expired(t, "admin", "correct horse")
	c.post(signaturesPath, url.Values{"psbt": {"for another draft"}})
	a := c.login("admin", "correct horse").want(200)
	c.post(a.action("/send"), nil).want(422).says("error", "another transaction")
	if a = c.get("/auth/kept").want(200); len(a.all("kept")) != 1 {
		t.Error("what was refused is thrown away")
	}
	c.post(a.action("/forget"), nil).want(200)
	if a = c.get("/auth/kept").want(200); len(a.all("kept")) != 0 {
		t.Error("what was thrown away is still there")
	}
}

// Nobody sees, sends or throws away the form of another; strangers and people who have logged
// out leave nothing behind.
func TestAKeptFormIsItsUsersAlone(t *testing.T) {
	c, g := expired(t, "admin", "correct horse")
	c.post(signaturesPath, url.Values{"psbt": {"good"}}).want(200)
	a := c.another().login("admin", "correct horse")
	send, forget := a.action("/send"), a.action("/forget")

	bob := c.another()
	if a := bob.login("Bob", "battery staple").want(200); a.path != "/welcome" {
		t.Errorf("Bob is led to %s", a.path)
	}
	bob.get("/auth/kept").want(200).says("nothing-kept", "Nothing waits")
	bob.post(send, nil).want(404)
	bob.post(forget, nil).want(200)
	if c.h.drafts[7].State == wallet.Complete {
		t.Fatal("Bob has sent it")
	}
	stranger := c.another()
	stranger.post(signaturesPath, url.Values{"psbt": {"good"}}).want(401).says("message", "nothing was changed")
	stranger.post(send, nil).want(401)
	gone := c.another()
	gone.login("Bob", "battery staple")
	cookie := ""
	for k, one := range g.sessions {
		if one.ID == g.next { // the one just made
			cookie = k
		}
	}
	gone.post("/auth/logout", nil)
	gone.post(signaturesPath, url.Values{"psbt": {"good"}}, "Cookie", "specter_session="+cookie).want(401)
	if a := c.login("admin", "correct horse").want(200); len(a.all("kept")) != 1 {
		t.Error("the owner's form is gone")
	}
}

// A member whose session ran out cannot have done later what is the owner's.
func TestTheGateStandsAlsoBeforeAKeptForm(t *testing.T) {
	c, _ := expired(t, "Bob", "battery staple")
	c.post("/nodes/home/delete", nil).want(200)
	c.post("/wallets/family_vault/delete", url.Values{"sure": {"yes"}}).want(200)
	a := c.login("Bob", "battery staple").want(200)
	sends := regexp.MustCompile(`action="([^"]*/send)"`).FindAllStringSubmatch(a.body, -1)
	if len(sends) != 2 {
		t.Fatalf("%d forms are kept", len(sends))
	}
	c.post(sends[0][1], nil).want(403)
	c.post(sends[1][1], nil).want(404)
	if len(c.h.wallets) != 2 {
		t.Error("a wallet of another is gone")
	}
}

func TestPasswordsAreNotKept(t *testing.T) {
	for _, path := range []string{"/wallets/family_vault/drafts/7/sign", "/new-device/hot/confirm", "/nodes/home", "/new-node", "/settings/account/password", "/settings/auth"} {
		c, _ := expired(t, "admin", "correct horse")
		c.post(path, url.Values{"password": {"right"}, "device": {"3"}}).want(401).says("message", "did not keep it")
		if a := c.login("admin", "correct horse"); a.path == "/auth/kept" {
			t.Errorf("%s is kept", path)
		}
	}
}

func TestWhatIsTooLargeIsNotKept(t *testing.T) {
	c, _ := expired(t, "admin", "correct horse")
	c.post(signaturesPath, url.Values{"psbt": {strings.Repeat("a", 5<<20)}}).want(http.StatusRequestEntityTooLarge)
	if a := c.login("admin", "correct horse"); a.path == "/auth/kept" {
		t.Error("it is kept")
	}
}

func TestKeptFormsAreBounded(t *testing.T) {
	now := testTime
	k := web.NewKeptForms(func() time.Time { return now })
	k.Put("alice", 1000)
	for range 40 {
		k.Put("flood", 4<<20)
	}
	_, flood := k.Count("flood")
	if n, _ := k.Count("alice"); n != 1 || flood > web.MaxKeptBytes {
		t.Errorf("alice has %d, the flood %d bytes", n, flood)
	}
	for range 500 {
		k.Put("many", 1)
	}
	if n, _ := k.Count("many"); n != web.MaxKeptForms {
		t.Errorf("%d small forms are kept", n)
	}
	now = now.Add(31 * time.Minute)
	if n, _ := k.Count("alice"); n != 0 {
		t.Error("kept for longer than half an hour")
	}
}

// An impatient finger on the button does not send a form twice at once.
func TestAKeptFormIsSentOnceAtATime(t *testing.T) {
	k := web.NewKeptForms(time.Now)
	k.Put("alice", 1)
	if !k.Begin("alice") || k.Begin("alice") {
		t.Error("handed out not at all, or twice")
	}
}

// Of several kept forms the button sends its own.
func TestEachButtonSendsItsOwnForm(t *testing.T) {
	c, _ := expired(t, "admin", "correct horse")
	c.post("/wallets/savings/rename", url.Values{"name": {"Rainy days"}})
	c.post("/wallets/family_vault/rename", url.Values{"name": {"Old vault"}})
	a := c.login("admin", "correct horse").want(200)
	sends := regexp.MustCompile(`action="([^"]*/send)"`).FindAllStringSubmatch(a.body, -1)
	if len(sends) != 2 {
		t.Fatalf("%d forms are kept", len(sends))
	}
	c.post(sends[1][1], nil).want(200)
	if c.h.wallets[0].Name != "Old vault" || c.h.wallets[1].Name != "Savings" {
		t.Errorf("the wallets are %q and %q", c.h.wallets[0].Name, c.h.wallets[1].Name)
	}
	c.get("/auth/kept").want(200).says("kept", "A change of the wallet Savings")
}

// --- the end of a session by itself

func TestALoginLeftAloneEnds(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	now := time.Now()
	clock := func() time.Time { return now }
	g.now = clock
	c := visit(t, g, func(cfg *web.Config) { cfg.Now = clock })
	c.login("admin", "correct horse")
	c.post("/settings/account/logout-after", url.Values{"after": {"custom"}, "hours": {"0.5"}}).want(200)
	page := func() answer { return c.get("/wallets/family_vault/drafts/7") }
	now = now.Add(29 * time.Minute)
	if a := page().want(200); !strings.Contains(a.body, `data-left="1800"`) {
		t.Error("the page does not know when it ends")
	}
	now = now.Add(29 * time.Minute)
	page().want(200)
	if got := c.get("/auth/session?passive=yes").want(200).body; got != "1801" {
		t.Errorf("%s seconds are left", got)
	}
	for range 4 { // the page's own questions do not count
		now = now.Add(7 * time.Minute)
		c.get("/nav?wallet=family_vault").want(200)
		c.get("/auth/session?passive=yes").want(200)
	}
	now = now.Add(3 * time.Minute)
	if a := page(); !strings.HasPrefix(a.path, "/auth/login") {
		t.Fatalf("still in at %s", a.path)
	}
	if len(g.sessions) != 0 {
		t.Error("the session was not ended")
	}
	// and what is sent after that is kept as well
	c.post(signaturesPath, url.Values{"psbt": {"good"}}).want(200).says("note", "kept for 30 minutes")
	c.login("admin", "correct horse").want(200).says("kept", "Signatures for draft 7")
}

func TestARestartDoesNotMakeAnOldLoginYoung(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	now := time.Now()
	clock := func() time.Time { return now }
	g.now = clock
	h := newHouse("")
	start := func() guarded {
		return server(t, func(c *web.Config) { c.Auth, c.Now, c.Settings = g, clock, h })
	}
	s, cookie := start(), g.enter("admin")
	now = now.Add(3 * time.Hour)
	if code, _, _ := as(s, "GET", "/settings", cookie, nil); code != 200 {
		t.Fatalf("answers %d", code)
	}
	now = now.Add(3 * time.Hour)
	s = start()
	if code, _, _ := as(s, "GET", "/settings", cookie, nil); code != 200 {
		t.Errorf("after a restart the kept time is lost: %d", code)
	}
	now = now.Add(5 * time.Hour)
	s = start()
	if code, _, _ := as(s, "GET", "/settings", cookie, nil); code != http.StatusSeeOther {
		t.Errorf("after a restart an old login answers %d", code)
	}
}
