package app

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lockedFolder is one whose key file is lost.
func lockedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	withOwner(t, Config{DataDir: dir})
	if err := os.Remove(filepath.Join(dir, KeyFileName)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// from asks as a proxy does that passes somebody on.
func (v visitor) from(method, target, client string, form url.Values, more ...string) (int, http.Header, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", client)
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return v.read(v.http.Do(r))
}

// The locked page behind a proxy: below its path, with the login's rule about plain HTTP, and the
// same form logs in at the pages that come after.
func TestALockedSpecterBehindAProxy(t *testing.T) {
	a, stop := openLocked(t, Config{DataDir: lockedFolder(t), URLPrefix: "/specter", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer stop()
	v, base := newVisitor(t), "http://"+a.listener.Addr().String()
	form := url.Values{"username": {"admin"}, "password": {ownersWord}}
	if _, _, page := v.from("GET", base+"/specter/overview", "203.0.113.9", nil); strings.Contains(page, `type="password"`) || !strings.Contains(page, "not encrypted") {
		t.Errorf("in plain from elsewhere the page is %s", page)
	}
	if status, _, _ := v.from("POST", base+"/specter/auth/login", "203.0.113.9", form); status != 403 || !a.secrets.Locked() {
		t.Errorf("a password in plain answers %d", status)
	}
	https := []string{"X-Forwarded-Proto", "https"}
	if _, _, page := v.from("GET", base+"/specter/overview", "203.0.113.9", nil, https...); !strings.Contains(page, `action="/specter/auth/login"`) || !strings.Contains(page, `"/specter/static/`) {
		t.Errorf("behind the proxy the page is %s", page)
	}
	if status, _, _ := v.from("GET", base+"/specter/api/v1/wallets", "203.0.113.9", nil, https...); status != 503 {
		t.Errorf("the API answers %d", status)
	}
	if status, head, _ := v.from("GET", base+"/specter", "203.0.113.9", nil, https...); status != 301 || head.Get("Location") != "/specter/" {
		t.Errorf("the path itself answers %d %v", status, head)
	}
	status, head, _ := v.from("POST", base+"/specter/auth/login", "203.0.113.9", form, https...)
	if status != 307 || head.Get("Location") != "/specter/auth/login" {
		t.Fatalf("the right password answers %d %v", status, head)
	}
	if status, head, _ = v.from("POST", base+head.Get("Location"), "203.0.113.9", form, https...); status != 303 || head.Get("Location") != "/specter/" {
		t.Errorf("the same form afterwards: %d %v", status, head)
	}
}

// A proxy that strips its path names it in a header; the locked page follows that as others do.
func TestALockedSpecterFollowsTheProxysPath(t *testing.T) {
	a, stop := openLocked(t, Config{DataDir: lockedFolder(t), Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer stop()
	v, base := newVisitor(t), "http://"+a.listener.Addr().String()
	if _, _, page := v.from("GET", base+"/overview", "127.0.0.1", nil, "X-Forwarded-Prefix", "/mine"); !strings.Contains(page, `action="/mine/auth/login"`) {
		t.Errorf("the page is %s", page)
	}
	if _, _, page := v.from("GET", base+"/overview", "127.0.0.1", nil); !strings.Contains(page, `action="/auth/login"`) {
		t.Errorf("without the header the page is %s", page)
	}
}

// While it is locked, plain HTTP leads to HTTPS as it does afterwards.
func TestALockedSpecterLeadsToHTTPS(t *testing.T) {
	a, stop := openLocked(t, Config{DataDir: lockedFolder(t), TLS: TLS{Mode: TLSSelfSigned}, Now: time.Now})
	defer stop()
	v, at := newVisitor(t), a.listener.Addr().String()
	if status, head, _ := v.get("http://" + at + "/overview"); status != 308 || head.Get("Location") != "https://"+at+"/overview" {
		t.Errorf("plain HTTP answers %d %v", status, head)
	}
	if status, _, _ := v.get("http://" + at + "/healthz/liveness"); status != 200 {
		t.Errorf("the health check in plain answers %d", status)
	}
	v.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its certificate lives as long as the page
	if _, _, page := v.get("https://" + at + "/overview"); !strings.Contains(page, `data-test="locked-form"`) {
		t.Errorf("HTTPS shows %s", page)
	}
}
