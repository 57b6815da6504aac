package coldcard_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

// giving gives up after some packets, as a context does that ends in the middle of a call.
type giving struct {
	signer.Conn
	left   int // packets that still pass; negative: no end
	cancel context.CancelFunc
}

func (g *giving) spend() {
	if g.left == 0 {
		g.cancel()
	}
	g.left--
}

func (g *giving) Read(ctx context.Context, p []byte) (int, error) {
	g.spend()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return g.Conn.Read(ctx, p)
}

func (g *giving) Write(ctx context.Context, p []byte) (int, error) {
	g.spend()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return g.Conn.Write(ctx, p)
}

// TestACallGivenUpAtAnyPacketLeavesTheLinkWhole cancels signing before each packet in turn; the
// same session goes on.
func TestACallGivenUpAtAnyPacketLeavesTheLinkWhole(t *testing.T) {
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	tx := signertest.SpendOf(t, w, 2)
	want := signertest.Must[btc.XKey](t)(masters(t)[0].Derive(signertest.PathOf(t, "m/49h/1h/0h")))
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	g := &giving{Conn: b.cable.Host(), left: -1}
	s, err := coldcard.Driver{}.Open(context.Background(), g, port, b.options)
	if err != nil {
		t.Fatal(err)
	}
	signertest.Must[btc.Fingerprint](t)(s.Fingerprint(context.Background()))
	cut := 0
	for ; cut < 200; cut++ {
		ctx, cancel := context.WithCancel(context.Background())
		g.left, g.cancel = cut, cancel
		_, err := s.Sign(ctx, w, signer.Registration{}, tx)
		g.left = -1
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d packets: %v", cut, err)
		}
		if got, err := s.XPub(context.Background(), signertest.PathOf(t, "m/49h/1h/0h")); err != nil || got.String() != want.Public().String() {
			t.Fatalf("after %d packets the session is broken: %v", cut, err)
		}
	}
	if cut < 30 || cut == 200 {
		t.Errorf("signing took %d packets", cut)
	}
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(context.Background(), w, signer.Registration{}, tx))); n != 2 {
		t.Errorf("there are %d signatures", n)
	}
}

// TestALateApprovalIsNotTakenForAnother: a transaction is given up while the person looks at it;
// the next one replaces it, and a message in its place is told that the device is busy.
func TestALateApprovalIsNotTakenForAnother(t *testing.T) {
	asked := make(chan struct{}, 99)
	away := true
	person := &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
		if s.Kind != signertest.ShowFee || !away {
			return signertest.Decision{Approve: true}
		}
		asked <- struct{}{}
		return signertest.Decision{Away: true}
	}}
	b := newBench(t, signertest.Device{Person: person}, coldcardtest.Model{})
	s, w := b.open(), signertest.Wallet(t, "wpkh", masters(t)...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { _, err := s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 3)); ended <- err }()
	<-asked
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, err := s.SignMessage(context.Background(), signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte("hello"))
	signertest.WantCode(t, err, signer.CodeBusy)
	away = false
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(context.Background(), w, signer.Registration{}, signertest.SpendOf(t, w, 1)))); n != 1 {
		t.Errorf("there are %d signatures, of the transaction that was given up", n)
	}
}

// meddler changes packets from the device.
type meddler struct {
	signer.Conn
	change func(n int, packet []byte)
	n      int
}

func (m *meddler) Read(ctx context.Context, p []byte) (int, error) {
	n, err := m.Conn.Read(ctx, p)
	if err == nil {
		m.n++
		m.change(m.n, p[:n])
	}
	return n, err
}

func TestWhatIsChangedOnTheWayEndsTheLink(t *testing.T) {
	for name, change := range map[string]func(int, []byte){
		"a bit of an answer":    func(_ int, p []byte) { p[2] ^= 1 },
		"an answer in plain":    func(_ int, p []byte) { copy(p, "\x84okay") },
		"an empty answer":       func(_ int, p []byte) { p[0] = 0x80 },
		"an encrypted nothing":  func(_ int, p []byte) { p[0] = 0xc0 },
		"a piece without end":   func(_ int, p []byte) { p[0] = 0x3f },
		"a refusal of the link": func(_ int, p []byte) { copy(p, "\x88framshort"); p[0] = 0x80 | 9 },
	} {
		b := newBench(t, signertest.Device{}, coldcardtest.Model{})
		m := &meddler{Conn: b.cable.Host(), change: func(int, []byte) {}}
		s, err := coldcard.Driver{}.Open(context.Background(), m, port, b.options)
		if err != nil {
			t.Fatal(err)
		}
		signertest.Must[btc.Fingerprint](t)(s.Fingerprint(context.Background()))
		m.change = change
		ctx, cancel := context.WithCancel(context.Background())
		if name == "a piece without end" {
			m.change = func(n int, p []byte) { change(n, p); cancel() }
		}
		if key, err := s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")); err == nil {
			t.Errorf("%s: %s was believed", name, key)
		}
		cancel()
	}
}

func TestStaleAnswersOfAnotherProgramAreSkipped(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	host, ctx := b.cable.Host(), context.Background()
	for _, left := range []string{"\x84vers", "\x85blkcx", "\x3fupld"} { // two questions and the beginning of a third
		packet := make([]byte, 64)
		copy(packet, left)
		if _, err := host.Write(ctx, packet); err != nil {
			t.Fatal(err)
		}
	}
	s, err := coldcard.Driver{}.Open(ctx, host, port, b.options)
	if err != nil {
		t.Fatal(err)
	}
	signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")))
}

// answering is a device that answers everything after the greeting with the same words.
func answering(t *testing.T, words string) error {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	host := b.cable.Host()
	m := &meddler{Conn: host, change: func(n int, p []byte) {
		if n > 1 {
			clear(p)
			p[0] = 0x80 | byte(copy(p[1:], words))
		}
	}}
	_, err := coldcard.Driver{}.Open(context.Background(), m, port, b.options)
	return err
}

func TestErrorsAreToldWithCodesAndWithoutTricks(t *testing.T) {
	for words, code := range map[string]signer.Code{
		"busy":                            signer.CodeBusy,
		"refu":                            signer.CodeCancelled,
		"framcrypto already set up":       signer.CodeBusy,
		"framxlong":                       signer.CodeBusy,
		"err_Unknown cmd":                 signer.CodeUnavailable,
		"err_Spending policy in effect":   signer.CodeUnavailable,
		"err_Not allowed in HSM mode":     signer.CodeUnavailable,
		"err_Unknown multisig wallet":     signer.CodeNotRegistered,
		"err_Miniscript wallet not found": signer.CodeNotRegistered,
		"err_badlen":                      signer.CodeBadArgument,
		"err_\x1b[2J\x00\xff":             signer.CodeBadArgument,
		"what":                            signer.CodeConnection,
		"ok":                              signer.CodeConnection,
	} {
		err := answering(t, words)
		if err == nil || signer.CodeOf(err) != code || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
			t.Errorf("%q: %v (%d)", words, err, signer.CodeOf(err))
		}
	}
}
