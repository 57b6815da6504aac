package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/testkit"
)

// paper is where a program under test prints and logs; tests read it meanwhile.
type paper struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *paper) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(data)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

var linkPattern = regexp.MustCompile(`Finish the set-up here: (http://\S+/setup\?secret=\S+)\n`)

// link waits for the printed link of the first start.
func (p *paper) link(t *testing.T) string {
	t.Helper()
	var found []string
	eventually(t, "the link is printed", func() (bool, string) {
		found = linkPattern.FindStringSubmatch(p.String())
		return found != nil, p.String()
	})
	return found[1]
}

// visitor is a browser without script.
type visitor struct {
	t    *testing.T
	http *http.Client
}

func newVisitor(t *testing.T) visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, &http.Client{Jar: jar, Timeout: testkit.Patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v visitor) get(target string) (int, http.Header, string) {
	v.t.Helper()
	resp, err := v.http.Get(target)
	return v.read(resp, err)
}

func (v visitor) post(target string, form url.Values) (int, http.Header, string) {
	v.t.Helper()
	resp, err := v.http.PostForm(target, form)
	return v.read(resp, err)
}

func (v visitor) read(resp *http.Response, err error) (int, http.Header, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// TestTheFirstStartIsByLinkAndOnce: nothing is served before the printed link was used; it works
// once, makes its holder the owner, and stands in no log.
func TestTheFirstStartIsByLinkAndOnce(t *testing.T) {
	out, log := &paper{}, &paper{}
	shown := make(chan string, 4)
	h := open(t, Config{Out: out, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Show: func(u string) { shown <- u }})
	link := out.link(t)
	if got := <-shown; got != link || !strings.HasPrefix(link, h.URL()) {
		t.Errorf("%s is shown, %s is printed", got, link)
	}
	v := newVisitor(t)
	for _, path := range []string{"", "overview", "settings", "wallets/x", "new-node"} {
		if status, _, body := v.get(h.URL() + path); status == 200 || strings.Contains(body, "secret=") {
			t.Errorf("before the first start is finished, /%s answers %d", path, status)
		}
	}
	u := mustURL(t, link)
	secret := u.Query().Get("secret")
	form := url.Values{"secret": {"wrong"}, "name": {"satoshi"}, "password": {"correct horse battery"}, "again": {"correct horse battery"}}
	if status, _, _ := v.post(h.URL()+"setup", form); status != 403 {
		t.Errorf("a wrong secret answers %d", status)
	}

	h = h.reopen()
	eventually(t, "another link is printed", func() (bool, string) { return strings.Count(out.String(), "/setup?") == 2, out.String() })
	form.Set("secret", secret)
	if status, _, _ := v.post(h.URL()+"setup", form); status != 403 {
		t.Errorf("the secret of the start before answers %d", status)
	}
	all := linkPattern.FindAllStringSubmatch(out.String(), -1)
	secret = mustURL(t, all[1][1]).Query().Get("secret")
	form.Set("secret", secret)
	if status, _, body := v.get(all[1][1]); status != 200 || !strings.Contains(body, "<form") {
		t.Errorf("the link answers %d %s", status, body)
	}
	if status, head, body := v.post(h.URL()+"setup", form); status != 303 || head.Get("Location") != "/welcome" {
		t.Fatalf("the set-up answers %d %v %s", status, head, body)
	}
	if status, _, body := v.get(h.URL() + "welcome"); status != 200 || !strings.Contains(body, "<main") {
		t.Errorf("the owner's first page answers %d", status)
	}
	thief := newVisitor(t)
	form.Set("name", "thief")
	if _, head, _ := thief.post(h.URL()+"setup", form); strings.Contains(head.Get("Set-Cookie"), "session") {
		t.Errorf("the link works twice: %v", head)
	}
	if status, _, _ := thief.get(h.URL() + "welcome"); status == 200 {
		t.Error("without a login the pages are open")
	}
	for _, s := range []string{secret, "correct horse battery"} {
		if strings.Contains(log.String(), s) {
			t.Errorf("the log holds %q", s)
		}
	}
	h = h.reopen()
	if strings.Count(out.String(), "/setup?") != 2 {
		t.Errorf("an owned Specter prints a link: %s", out)
	}
	if status, _, _ := v.get(h.URL() + "welcome"); status != 200 {
		t.Errorf("after a restart the owner's session answers %d", status)
	}
}

// TestDataOfTheLastVersionGetsAnOwner: a folder with wallets and no password is asked for one,
// and everything is still there.
func TestDataOfTheLastVersionGetsAnOwner(t *testing.T) {
	ctx := context.Background()
	before := open(t, Config{Demo: &Demo{}})
	if err := before.db.PutSetting(ctx, "", "login", ""); err != nil { // as before there were logins
		t.Fatal(err)
	}
	before.stop()
	out := &paper{}
	h := open(t, Config{DataDir: before.cfg.DataDir, Out: out})
	if h.auth.Settings().Method != auth.MethodUnset {
		t.Fatalf("the method is %q", h.auth.Settings().Method)
	}
	link := mustURL(t, out.link(t))
	v := newVisitor(t)
	form := url.Values{"secret": {link.Query().Get("secret")}, "name": {""}, "password": {"correct horse battery"}, "again": {"correct horse battery"}}
	if status, _, body := v.post(h.URL()+"setup", form); status != 303 {
		t.Fatalf("the set-up answers %d %s", status, body)
	}
	list, err := h.wallets.List(ctx, demoOwner, btc.Regtest)
	if err != nil || len(list) != 2 || list[0].Balance.Total() == 0 {
		t.Errorf("%d wallets, %v", len(list), err)
	}
	if status, _, body := v.get(h.URL() + "overview"); status != 200 || !strings.Contains(body, "Savings 2 of 3") {
		t.Errorf("the overview answers %d", status)
	}
}

func TestThePasswordFileMakesTheOwner(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"empty": "", "two lines": "a long password\nanother\n", "too short": "abc\n", "far too long": strings.Repeat("a", 5000)} {
		write(text, 0o600)
		if a, err := New(ctx, Config{Host: "127.0.0.1", DataDir: t.TempDir(), PasswordFile: file, Log: quiet(), Now: time.Now}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v %v", name, a, err)
		}
	}
	if _, err := New(ctx, Config{Host: "127.0.0.1", DataDir: t.TempDir(), PasswordFile: file + "x", Log: quiet(), Now: time.Now}); !errs.Is(err, errs.Invalid) {
		t.Errorf("no file: %v", err)
	}
	write("correct horse battery\n", 0o644)
	log, out := &paper{}, &paper{}
	h := open(t, Config{PasswordFile: file, Out: out, Log: slog.New(slog.NewTextHandler(log, nil))})
	if !strings.Contains(log.String(), "chmod 600") || strings.Contains(log.String(), "horse") {
		t.Errorf("the log says %s", log)
	}
	login := func(password string) error {
		_, _, err := h.auth.Login(ctx, auth.Login{Name: "admin", Password: password, Client: "127.0.0.1"})
		return err
	}
	if err := login("correct horse battery"); err != nil {
		t.Error(err)
	}
	write("another horse battery\n", 0o600)
	h = h.reopen()
	if err := login("correct horse battery"); err != nil {
		t.Errorf("a later start took the file again: %v", err)
	}
	if strings.Contains(out.String(), "/setup") {
		t.Errorf("a link is printed: %s", out)
	}
}

// TestNobodyListensOpenlyWithoutALogin: the link protects a new program everywhere; one that
// asks nobody to log in is for its own machine alone.
func TestNobodyListensOpenlyWithoutALogin(t *testing.T) {
	ctx := context.Background()
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
	start := func(c Config) error {
		c.Log, c.Now, c.hash = quiet(), time.Now, auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}
		a, err := New(ctx, c)
		if err == nil {
			a.close()
		}
		return err
	}
	for _, c := range []Config{{Host: "0.0.0.0", DataDir: t.TempDir()}, {Host: "127.0.0.1", Trusted: proxy, DataDir: t.TempDir()}} {
		if err := start(c); err != nil {
			t.Errorf("new on %s: %v", c.Host, err)
		}
	}
	h := open(t, Config{})
	secret, _, err := h.auth.SetupLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.auth.Setup(ctx, auth.SetupRequest{Secret: secret, NoLogin: true}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := newVisitor(t).get(h.URL() + "welcome"); status != 200 {
		t.Errorf("without a login the owner's page answers %d", status)
	}
	h.stop()
	for _, c := range []Config{{Host: "0.0.0.0"}, {Host: "::"}, {Host: "192.0.2.1"}, {Host: "127.0.0.1", Trusted: proxy}} {
		c.DataDir = h.cfg.DataDir
		if err := start(c); !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "Settings") {
			t.Errorf("%+v without a login: %v", c.Host, err)
		}
	}
	if err := start(Config{Host: "127.0.0.1", DataDir: h.cfg.DataDir}); err != nil {
		t.Errorf("on this machine: %v", err)
	}
	if err := start(Config{Host: "0.0.0.0", Demo: &Demo{}, DataDir: t.TempDir()}); !errs.Is(err, errs.Denied) {
		t.Errorf("a demo for everybody: %v", err)
	}
}

// owned is an App whose owner is admin with a known password.
func owned(t *testing.T, c Config) *house {
	t.Helper()
	ctx := context.Background()
	if c.DataDir == "" {
		c.DataDir = t.TempDir()
	}
	d, err := OpenDesk(ctx, Config{DataDir: c.DataDir, Log: quiet(), Now: time.Now, hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}}, true)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Auth.SetOwner(ctx, "admin", "correct horse battery")
	d.Close()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

func yes() *bool { on := true; return &on }

func ask(t *testing.T, method, target string, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	v := newVisitor(t)
	resp, err := v.http.Do(r)
	return v.read(resp, err)
}

// TestARestartKeepsSessionsAndTokens: the old Specter logged everybody out.
func TestARestartKeepsSessionsAndTokens(t *testing.T) {
	ctx := context.Background()
	h := owned(t, Config{API: yes()})
	v := newVisitor(t)
	if status, _, body := v.post(h.URL()+"auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}}); status != 303 {
		t.Fatalf("the login answers %d %s", status, body)
	}
	by, err := h.auth.User(ctx, auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	token, jwt, err := h.auth.NewToken(ctx, auth.Identity{User: by}, auth.TokenRequest{Description: "kept", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+jwt) }
	h = h.reopen()
	if status, _, _ := v.get(h.URL() + "welcome"); status != 200 {
		t.Errorf("the session answers %d", status)
	}
	if status, _, body := ask(t, "GET", h.URL()+"api/v1/me", bearer); status != 200 {
		t.Errorf("the token answers %d %s", status, body)
	}
	if err := h.auth.DeleteToken(ctx, by.ID, token.ID); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := ask(t, "GET", h.URL()+"api/v1/me", bearer); status != 401 {
		t.Errorf("the deleted token answers %d", status)
	}
}

// TestTheAPIIsOffUntilItIsSwitchedOn, by the setting or by the environment; health is told always.
func TestTheAPIIsOffUntilItIsSwitchedOn(t *testing.T) {
	ctx := context.Background()
	status := func(h *house, path string) int {
		got, _, _ := ask(t, "GET", h.URL()+path, nil)
		return got
	}
	h := owned(t, Config{})
	look := func(h *house, want int, when string) {
		t.Helper()
		for _, path := range []string{"api/v1/me", "api/v1alpha/specter"} {
			if got := status(h, path); got != want {
				t.Errorf("%s: /%s answers %d, want %d", when, path, got, want)
			}
		}
		if got := status(h, "healthz/liveness"); got != 200 {
			t.Errorf("%s: health answers %d", when, got)
		}
	}
	look(h, 404, "at first")
	if err := h.db.PutSetting(ctx, "", settingAPI, "yes"); err != nil {
		t.Fatal(err)
	}
	look(h, 401, "switched on")
	h.stop()
	off := false
	h.cfg.API = &off
	h = open(t, h.cfg)
	look(h, 404, "forced off")
	h.stop()
	h.cfg.API = yes()
	look(open(t, h.cfg), 401, "forced on")
}

// What the door refuses is said to programs in their words.
func TestTheDoorSpeaksJSONToPrograms(t *testing.T) {
	h := open(t, Config{API: yes()})
	for path, want := range map[string]string{"api/v1/wallets": "application/problem+json", "api/v1alpha/specter": "application/json", "healthz/liveness": "application/json", "overview": "text/plain; charset=utf-8", "apiary": "text/plain; charset=utf-8"} {
		status, head, body := ask(t, "GET", h.URL()+path, func(r *http.Request) { r.Host = "evil.example" })
		if status != 421 || head.Get("Content-Type") != want || !strings.Contains(body, "not one of Specter's") || head.Get("X-Request-Id") == "" || head.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v %s", path, status, head, body)
		}
	}
}

// A member who goes takes everything along; nobody else loses anything.
func TestARemovedMemberLeavesNothingBehind(t *testing.T) {
	ctx := context.Background()
	h := owned(t, Config{Demo: &Demo{}})
	m := h.member("Mallory", "letter advice cage absurd amount doctor acoustic avoid letter advice cage above")
	admin, err := h.auth.User(ctx, auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.auth.DeleteUser(ctx, auth.Identity{User: admin}, m.user.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := h.wallets.List(ctx, m.ref.Owner, btc.Regtest); err != nil || len(list) != 0 {
		t.Errorf("%d wallets, %v", len(list), err)
	}
	if list, err := h.devices.List(ctx, m.user.ID); err != nil || len(list) != 0 {
		t.Errorf("%d devices, %v", len(list), err)
	}
	if _, err := h.auth.Bearer(ctx, m.jwt); !errs.Is(err, errs.Denied) {
		t.Errorf("the token: %v", err)
	}
	if list, err := h.wallets.List(ctx, demoOwner, btc.Regtest); err != nil || len(list) != 2 {
		t.Errorf("the owner has %d wallets, %v", len(list), err)
	}
}
