package coldcard_test

import (
	"context"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

// port is how the simulator's looks.
var port = signer.Port{Path: "unix:/tmp/ckcc-simulator.sock", Way: signer.Unix, Kind: "coldcard"}

// bench is a device in software and how a test talks with it.
type bench struct {
	*testing.T
	device  *coldcardtest.Device
	cable   *signertest.Cable
	options signer.Options
	ended   chan error
}

func newBench(t *testing.T, d signertest.Device, m coldcardtest.Model) *bench {
	t.Helper()
	if d.Network == 0 {
		d.Network = btc.Regtest
	}
	if d.Master == (btc.XKey{}) {
		d.Master = signertest.Master(t, signertest.Alcohol, "")
	}
	b := &bench{T: t, device: coldcardtest.New(d, m), options: signertest.Options(t)}
	b.options.Network = d.Network
	b.plug()
	return b
}

// plug connects the device by a new cable.
func (b *bench) plug() {
	b.cable, b.ended = signertest.NewCable(64), make(chan error, 1)
	cable, ended := b.cable, b.ended
	go func() { ended <- b.device.Serve(context.Background(), cable.Device()) }()
	b.Cleanup(func() {
		cable.Unplug()
		if err := <-ended; err != nil {
			b.Errorf("the device: %v", err)
		}
	})
}

func (b *bench) try(d coldcard.Driver) (signer.Signer, error) {
	return d.Open(context.Background(), b.cable.Host(), port, b.options)
}

func (b *bench) open() signer.Signer {
	b.Helper()
	s, err := b.try(coldcard.Driver{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func path(t testing.TB, text string) btc.Path {
	t.Helper()
	p, err := btc.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t testing.TB, err error, code signer.Code) {
	t.Helper()
	if err == nil || signer.CodeOf(err) != code {
		t.Fatalf("code %d is wanted, there is %d: %v", code, signer.CodeOf(err), err)
	}
}

// masters are the device's key and two others.
func masters(t testing.TB) []btc.XKey {
	return []btc.XKey{
		signertest.Master(t, signertest.Alcohol, ""),
		signertest.Master(t, signertest.Zoo, ""),
		signertest.Master(t, signertest.Legal, ""),
	}
}

// payment spends two coins of a wallet with change.
func payment(t testing.TB, w signer.Wallet, coins int) *psbt.Packet {
	p := signertest.Payment{Pay: 70_000, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 3, Sat: int64(coins)*100_000 - 71_000}}
	for i := range coins {
		p.Coins = append(p.Coins, signertest.Coin{Wallet: w, Branch: i % 2, Index: uint32(i), Sat: 100_000})
	}
	return p.Packet(t, btc.Regtest)
}

// count is how many signatures a packet has.
func count(t testing.TB, p *psbt.Packet) int {
	t.Helper()
	list, err := p.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.VerifySignatures(); err != nil {
		t.Fatal(err)
	}
	return len(list)
}
