package remotetest

import (
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"golang.org/x/net/dns/dnsmessage"
)

// Authority is a public ACME authority (pebble) that looks for all names on this machine.
type Authority struct {
	URL    string            // of its directory
	Client *http.Client      // trusts the directory
	Own    *x509.Certificate // of the directory itself
	Roots  *x509.CertPool    // of what it issues
}

// NewAuthority starts one. It asks by TLS-ALPN at the port secure and by HTTP-01 at plain, and
// its certificates are valid for a while. It ends with the test.
func NewAuthority(t *testing.T, secure, plain int, valid time.Duration) Authority {
	t.Helper()
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		t.Setenv(name, value)
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "the one", ValidityPeriod: uint64(valid / time.Second)}})
	checker := va.New(quiet, plain, secure, false, nameServer(t), store)
	front := wfe.New(quiet, store, checker, issuer, []string{"pebble.example"}, false, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(issuer.GetRootCert(0).Cert)
	return Authority{URL: server.URL + wfe.DirectoryPath, Client: server.Client(), Own: server.Certificate(), Roots: pool}
}

// nameServer answers every question for an address with 127.0.0.1, over TCP as pebble asks.
func nameServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerNames(c)
		}
	}()
	return l.Addr().String()
}

// answerNames answers the questions of one connection; each has its length before it.
func answerNames(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(c, question); err != nil || m.Unpack(question) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}
