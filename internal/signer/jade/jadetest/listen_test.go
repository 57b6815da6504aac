package jadetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net"
	"os"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer/jade"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
)

// socket makes a connection for signers of a TCP connection.
type socket struct{ net.Conn }

func (s socket) Read(ctx context.Context, p []byte) (int, error) {
	defer context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })()
	n, err := s.Conn.Read(p)
	if err != nil {
		err = errs.E(errs.Unavailable, "the device was unplugged: %w", err)
	}
	return n, err
}

func (s socket) Write(_ context.Context, p []byte) (int, error) { return s.Conn.Write(p) }

// TestServeOthers lets a program outside talk to the software Jade until the test is interrupted:
//
//	SPECTER_JADE_LISTEN=127.0.0.1:30121 go test -run TestServeOthers -timeout 0 ./internal/signer/jade/jadetest
//
// HWI finds it there as a simulator (hwi --emulators). Everything is approved.
func TestServeOthers(t *testing.T) {
	address := os.Getenv("SPECTER_JADE_LISTEN")
	if address == "" {
		t.Skip("SPECTER_JADE_LISTEN names no address to listen at")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	b := &jadetest.Board{Device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}}
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Serve(t.Context(), socket{c}); err != nil {
			t.Log(err)
		}
		_ = c.Close()
	}
}

// ask sends one request over a pipe and decodes the result of its reply.
func ask(t *testing.T, c net.Conn, dec *cbor.Decoder, method string, params, into any) {
	t.Helper()
	raw, err := cbor.Marshal(map[string]any{"id": "42", "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	for {
		var m struct {
			ID     string          `cbor:"id"`
			Result cbor.RawMessage `cbor:"result"`
			Log    []byte          `cbor:"log"`
		}
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if m.ID == "42" {
			if err := cbor.Unmarshal(m.Result, into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// An emulator of the firmware answered so (signing-devices.md, E.4). With the host's entropy it is
// what libwally makes (see the driver's test of anti-exfil).
func TestKnownSignaturesOfMessages(t *testing.T) {
	host, device := net.Pipe()
	defer host.Close()
	b := &jadetest.Board{Device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Testnet3, Person: &signertest.Person{}}}
	go func() { _ = b.Serve(t.Context(), socket{device}) }()
	dec := cbor.NewDecoder(host)
	params := map[string]any{"message": "hello", "path": []uint32{btc.Hardened + 84, btc.Hardened + 1, btc.Hardened, 0, 0}}
	var sig string
	ask(t, host, dec, "sign_message", params, &sig)
	if sig != "HwN714GuPBoJVp14tTjicJZXcqTSQW5BhGk8ptQOJIFobCq/gDhgbJTi81FJ5Jlw46vyp4mX6P2ksCwAuTO6x1E=" {
		t.Errorf("the signature of a message is %s", sig)
	}
	entropy := sha256.Sum256([]byte("entropy 0"))
	commitment := jade.HostCommitment(entropy)
	params["ae_host_commitment"] = commitment[:]
	var opening []byte
	ask(t, host, dec, "sign_message", params, &opening)
	if hex.EncodeToString(opening) != "03586dbafacc5697e62b3dd8e26c28ed319e337ca0291fdb36ae68a7f715803884" {
		t.Errorf("the opening is %x", opening)
	}
	ask(t, host, dec, "get_signature", map[string]any{"ae_host_entropy": entropy[:]}, &sig)
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil || hex.EncodeToString(raw) != "ad6cd0decd0b59c2a2cda7ece8330e0f2b967d2552b0afb79a38f5b0bbcc2721619fed3dd1b1b6b1d4c102acdd826b6cbe96bddea3d892ac6b029b94314cf427" {
		t.Errorf("the signature is %x, %v", raw, err)
	}
}
