package cert_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/remote/cert"
	"specter/internal/remote/remotetest"
)

func TestTheOwnAuthorityRenewsTheLeafAtOnce(t *testing.T) {
	m := &machine{names: []string{"shack"}, now: noon}
	s := m.self(t)
	before := s.State()
	m.now = noon.Add(24 * time.Hour)
	if err := s.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	after := s.State()
	if after.Fingerprint == before.Fingerprint || !after.NotAfter.After(before.NotAfter) || after.Authority != before.Authority {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := cert.Fingerprint(leaf(t, s).Raw); got != after.Fingerprint {
		t.Errorf("handshakes get %s, the state tells %s", got, after.Fingerprint)
	}
	if again := m.self(t).State(); again.Fingerprint != after.Fingerprint {
		t.Error("the new leaf is not kept")
	}
}

func TestFilesAreReadAgainOnWish(t *testing.T) {
	m := &machine{names: []string{"10.0.0.2"}, now: noon}
	dir := t.TempDir()
	m.put(t, dir)
	p, err := cert.NewPair(filepath.Join(dir, "specter.crt"), filepath.Join(dir, "specter.key"), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	m.names, m.now = []string{"10.0.0.3"}, noon.Add(time.Hour)
	second := m.put(t, dir)
	if err := p.Renew(context.Background()); err != nil || p.State().Fingerprint != second {
		t.Errorf("in use is %s, the files hold %s (%v)", p.State().Fingerprint, second, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "specter.crt"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Renew(context.Background()); !errs.Is(err, errs.Invalid) || p.State().Fingerprint != second {
		t.Errorf("spoilt files: %v, in use %s", err, p.State().Fingerprint)
	}
}

// TestAWishPassesThePauseAfterARefusal: handshakes wait after a refusal, the owner's wish goes to the
// authority, which is asked once a minute at most.
func TestAWishPassesThePauseAfterARefusal(t *testing.T) {
	asked := 0
	refusing := roundTrips(func(r *http.Request) (*http.Response, error) {
		asked++
		return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: r}, nil
	})
	a, err := cert.NewACME(cert.ACMEConfig{Files: &remotetest.Files{}, Domains: []string{"specter.example"}, Client: &http.Client{Transport: refusing}, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Fetch(context.Background()); err == nil || asked == 0 {
		t.Fatalf("there is a certificate of nobody (%v, asked %d times)", err, asked)
	}
	first := a.State().Trouble
	if err := a.Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), first) {
		t.Errorf("within the pause: %v", err)
	}
	err = a.Renew(context.Background())
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "within the last minute") || !strings.Contains(err.Error(), first) {
		t.Errorf("on the owner's wish: %v", err)
	}
	if got := a.State().Trouble; got != first {
		t.Errorf("the page tells %q, before it was %q", got, first)
	}
}

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
