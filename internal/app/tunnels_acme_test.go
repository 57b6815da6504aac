package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/remote/remotetest"
	"specter/internal/setting"
	"specter/internal/testkit"
)

// overheard is a connection of which the server in the middle hears every byte.
type overheard struct {
	net.Conn
	mu    *sync.Mutex
	heard *bytes.Buffer
}

func (o overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	o.note(p[:n])
	return n, err
}

func (o overheard) Write(p []byte) (int, error) { o.note(p); return o.Conn.Write(p) }

func (o overheard) note(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard.Write(p)
}

// The public authority asks its question through the tunnel (TLS-ALPN), TLS ends at home, and
// the server in the middle hears ciphertext alone.
func TestACertificateComesThroughTheTunnel(t *testing.T) {
	v := newVPS(t)
	public := remotetest.NewAuthority(t, v.end, 1, 90*24*time.Hour)
	root := v.write("directory.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public.Own.Raw})), 0o600)
	h := owned(t, Config{TLS: TLS{Mode: TLSACME, Domains: []string{"wallet.example"}, Directory: public.URL, Root: root}})
	v.open(h, setting.Tunnel{Target: v.target(v.Port), Listen: fmt.Sprintf("localhost:%d", v.end)})
	var mu sync.Mutex
	var heard bytes.Buffer
	c := &http.Client{Timeout: testkit.Patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: public.Roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", v.end))
			return overheard{c, &mu, &heard}, err
		}}}
	eventually(t, "the login page comes with a public certificate", func() (bool, string) { return comesUp(c, "https://wallet.example") })
	if state, ok := h.Certificate(); !ok || state.Kind != "acme" || state.NotAfter.IsZero() {
		t.Errorf("the certificate: %+v", state)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, word := range []string{"/auth/login", "Log in to Specter", "<html"} {
		if strings.Contains(heard.String(), word) {
			t.Errorf("the server in the middle hears %q", word)
		}
	}
	if heard.Len() < 1000 {
		t.Errorf("only %d bytes went over the server: this test shows nothing", heard.Len())
	}
}
