package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/auth"
	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
)

// outerAddress is an address of this machine under which a browser takes it for another one.
func outerAddress(t *testing.T) string {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if n, ok := one.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("SKIPPED WITHOUT A NETWORK ADDRESS: this machine has none but loopback's")
	return ""
}

// openSecure starts an App with a login and HTTPS on all addresses. It returns the client that
// trusts its authority and no other.
func openSecure(t *testing.T, secure TLS) (*house, *http.Client) {
	t.Helper()
	dir := t.TempDir()
	h := open(t, Config{DataDir: dir})
	if err := h.auth.SetOwner(context.Background(), "", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	h.stop()
	h = open(t, Config{DataDir: dir, Host: "0.0.0.0", TLS: secure})
	pool := x509.NewCertPool()
	if pem, _ := h.Authority(); pem != nil {
		pool.AppendCertsFromPEM(pem)
	}
	return h, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func answer(t *testing.T, c *http.Client, url string) (int, http.Header, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestPlainHTTPIsLedToHTTPSOnTheSamePort(t *testing.T) {
	h, client := openSecure(t, TLS{Mode: TLSSelfSigned})
	_, port, _ := net.SplitHostPort(h.listener.Addr().String())
	if !strings.HasPrefix(h.URL(), "https://127.0.0.1:") {
		t.Errorf("the address is told as %s", h.URL())
	}
	code, head, _ := answer(t, client, "http://127.0.0.1:"+port+"/overview?x=1")
	if code != http.StatusPermanentRedirect || head.Get("Location") != "https://127.0.0.1:"+port+"/overview?x=1" {
		t.Errorf("plain HTTP is answered %d %q", code, head.Get("Location"))
	}
	if code, _, body := answer(t, client, "http://127.0.0.1:"+port+"/healthz/liveness"); code != 200 || !strings.Contains(body, "alive") {
		t.Errorf("the health check in plain: %d %s", code, body)
	}
	if code, head, body := answer(t, client, "http://127.0.0.1:"+port+"/authority/specter.crt"); code != 200 || head.Get("Content-Type") != "application/x-x509-ca-cert" {
		t.Errorf("the authority in plain: %d", code)
	} else if a, err := x509.ParseCertificate([]byte(body)); err != nil || !a.IsCA {
		t.Errorf("what is handed out as the authority: %v", err)
	}
	code, head, _ = answer(t, client, "https://127.0.0.1:"+port+"/auth/login")
	if code != 200 || head.Get("Strict-Transport-Security") != "" {
		t.Errorf("over TLS: %d, HSTS %q; with an own authority a browser that does not know it could not be let through any more", code, head.Get("Strict-Transport-Security"))
	}
	for _, c := range []string{"https://127.0.0.1:" + port + "/auth/login", "http://127.0.0.1:" + port + "/overview"} {
		r, _ := http.NewRequest("GET", c, nil)
		r.Host = "evil.example"
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s for another name answers %d", c, resp.StatusCode)
		}
	}
}

func TestThePlainPortLeadsToTheSecureOne(t *testing.T) {
	free := testkit.Port(t)
	h, client := openSecure(t, TLS{Mode: TLSSelfSigned, HTTPPort: free})
	_, port, _ := net.SplitHostPort(h.listener.Addr().String())
	code, head, _ := answer(t, client, "http://127.0.0.1:"+portOf(h.plainPort)+"/wallets/a/send?to=b")
	if code != http.StatusPermanentRedirect || head.Get("Location") != "https://127.0.0.1:"+port+"/wallets/a/send?to=b" {
		t.Errorf("got %d %q", code, head.Get("Location"))
	}
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestTheSessionCookieIsSecureOverHTTPS(t *testing.T) {
	h, client := openSecure(t, TLS{Mode: TLSSelfSigned})
	_, head, _ := answer(t, client, h.URL()+"auth/login")
	for _, c := range head.Values("Set-Cookie") {
		if !strings.Contains(c, "Secure") {
			t.Errorf("a cookie without Secure: %s", c)
		}
	}
	if h.auth.Settings().Method == auth.MethodNone {
		t.Error("the house has no login: this test shows nothing")
	}
}

func TestWaysToHTTPSThatCannotWorkAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]TLS{
		"a certificate without a key": {Mode: TLSFiles, Cert: "a.pem"},
		"files that are not there":    {Mode: TLSFiles, Cert: filepath.Join(dir, "a.pem"), Key: filepath.Join(dir, "b.pem")},
		"no domain":                   {Mode: TLSACME},
		"a name at home":              {Mode: TLSACME, Domains: []string{"localhost"}},
		"a plain port alone":          {HTTPPort: 80},
		"an unknown way":              {Mode: "smoke"},
	} {
		a, err := New(context.Background(), Config{Host: "127.0.0.1", DataDir: t.TempDir(), Log: quiet(), TLS: c})
		if err == nil {
			a.close()
			t.Errorf("%s was accepted", name)
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s: no words", name)
		}
	}
}

// trusting starts a browser that has a certificate authority installed, as a person would.
func trusting(t *testing.T, h *house, base string) *tab {
	t.Helper()
	tool := testkit.Tool(t, "certutil", "libnss3-tools to have a browser trust the own authority")
	home := t.TempDir()
	db := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(db, 0o700); err != nil {
		t.Fatal(err)
	}
	pem, _ := h.Authority()
	file := filepath.Join(home, "authority.pem")
	if err := os.WriteFile(file, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-n", "specter", "-t", "C,,", "-i", file}} {
		if out, err := exec.Command(tool, append([]string{"-d", "sql:" + db}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v %s", args, err, out)
		}
	}
	return openTab(t, base, 1280, 900, chromedp.Env("HOME="+home))
}

const mayUseCamera = `isSecureContext && !!navigator.mediaDevices && typeof navigator.mediaDevices.getUserMedia === "function"`

// Shown by 2 of the way in from outside: after the authority is installed, the browser takes the
// page without a word and lets it have the camera; over plain HTTP from elsewhere it does not,
// and the page says why.
func TestABrowserThatTrustsTheAuthorityGivesTheCamera(t *testing.T) {
	address := outerAddress(t)
	h, _ := openSecure(t, TLS{Mode: TLSSelfSigned})
	base := "https://" + net.JoinHostPort(address, portOf(h.listener))
	b := trusting(t, h, base)
	b.visit("/auth/login")
	b.until("a secure page with a camera", mayUseCamera)
	b.set("#username", "admin")
	b.set("#password", "correct horse battery")
	b.submit("[data-test=login]")
	b.visit("/settings/remote")
	b.until("the authority's fingerprint", `document.querySelector("[data-test=authority]").textContent.split(":").length === 32`)
	b.until("the page for phones", `document.querySelector("[data-test=visit]").textContent.startsWith("`+base+`/authority/")`)
	b.shot("settings-remote")
	b.visit("/authority/")
	b.shot("authority")
	// A phone's order: the address is typed without https.
	b.base = "http://" + net.JoinHostPort(address, portOf(h.listener))
	b.visit("/authority/")
	b.until("plain HTTP shows the certificate's page", `location.protocol === "http:" && document.querySelector("[data-test=authority]")`)
	b.visit("/overview")
	b.until("and leads everything else to https", `location.protocol === "https:"`)
}

func TestABrowserThatDoesNotKnowTheAuthorityIsWarned(t *testing.T) {
	h, _ := openSecure(t, TLS{Mode: TLSSelfSigned})
	b := openTab(t, h.URL(), 1280, 900)
	if err := chromedp.Do(b.ctx, chromium.Navigate(h.URL()+"auth/login")); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("the browser said %v", err)
	}
}

func TestOverPlainHTTPTheCameraStaysOffAndThePageSaysWhy(t *testing.T) {
	address := outerAddress(t)
	dir := t.TempDir()
	h := open(t, Config{DataDir: dir})
	if err := h.auth.SetOwner(context.Background(), "", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	h.stop()
	h = open(t, Config{DataDir: dir, Host: "0.0.0.0"})
	b := openTab(t, "http://"+net.JoinHostPort(address, portOf(h.listener)), 1280, 900)
	b.visit("/auth/login")
	b.until("no password is asked for", `document.querySelector("[data-test=unsafe]") && !document.querySelector("input[type=password]")`)
	b.until("the way out", `document.querySelector("main").innerText.includes("--tls self-signed")`)
	b.shot("login-plain")
	h.stop()
	h = open(t, Config{DataDir: dir, Host: "0.0.0.0", InsecureHTTP: true})
	b.base = "http://" + net.JoinHostPort(address, portOf(h.listener))
	b.visit("/auth/login")
	b.until("no camera", `!(`+mayUseCamera+`)`)
	b.set("#username", "admin")
	b.set("#password", "correct horse battery")
	b.submit("[data-test=login]")
	b.visit("/settings/remote")
	b.until("the reason", `document.querySelector("main").innerText.includes("the camera stays off")`)
	b.until("the way out", `document.querySelector("main").innerText.includes("--tls self-signed")`)
	b.shot("settings-remote-plain")
}
