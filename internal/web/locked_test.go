package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/web"
)

// lockedAt is the page of a locked Specter below a prefix.
func lockedAt(t *testing.T, prefix string, unsafe error) (h http.Handler, opened *bool) {
	t.Helper()
	opened = new(bool)
	h, err := web.NewLocked(web.LockedConfig{Prefix: prefix, Names: true, Version: "1.0", Unsafe: func(*http.Request) error { return unsafe },
		Open: func(_ context.Context, password string) error {
			if password != "correct horse" {
				return errs.E(errs.Denied, "wrong")
			}
			*opened = true
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return h, opened
}

func tryLocked(h http.Handler, path, password string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"username": {"olga"}, "password": {password}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Below a path everything that the locked page names lies below it too, and so does where it leads.
func TestTheLockedPageKnowsItsPrefix(t *testing.T) {
	for _, prefix := range []string{"", "/specter"} {
		h, opened := lockedAt(t, prefix, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, prefix+"/wallets/x", nil))
		body := w.Body.String()
		for _, part := range []string{`action="` + prefix + `/auth/login"`, `href="` + prefix + `/static/css/base.`} {
			if w.Code != 200 || !strings.Contains(body, part) {
				t.Errorf("below %q the page (%d) has no %s", prefix, w.Code, part)
			}
		}
		_, rest, _ := strings.Cut(body, `href="`+prefix+`/static/css/base.`)
		name, _, _ := strings.Cut(rest, `"`)
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, prefix+"/static/css/base."+name, nil))
		if w.Code != 200 {
			t.Errorf("below %q the style answers %d", prefix, w.Code)
		}
		if w = tryLocked(h, prefix+"/auth/login", "guess"); w.Code != 403 || *opened || !strings.Contains(w.Body.String(), `value="olga"`) {
			t.Errorf("a wrong password answers %d and forgets the name", w.Code)
		}
		if w = tryLocked(h, prefix+"/auth/login", "correct horse"); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != prefix+"/auth/login" || !*opened {
			t.Errorf("below %q the right password leads to %d %s", prefix, w.Code, w.Header().Get("Location"))
		}
	}
}

// Where everybody on the way reads along, the locked page asks for no password and tries none.
func TestTheLockedPageTakesNoPasswordInPlain(t *testing.T) {
	h, opened := lockedAt(t, "", errs.E(errs.Denied, "this connection is not encrypted"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if body := w.Body.String(); strings.Contains(body, `type="password"`) || !strings.Contains(body, "This connection is not encrypted") || !strings.Contains(body, "--tls self-signed") {
		t.Errorf("the page is %s", body)
	}
	if w = tryLocked(h, "/auth/login", "correct horse"); w.Code != 403 || *opened || strings.Contains(w.Body.String(), `type="password"`) {
		t.Errorf("a password in plain answers %d", w.Code)
	}
}
