package specterdiy_test

import (
	"context"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy"
	"specter/internal/signer/specterdiy/specterdiytest"
)

// bench is a device in software and how a test talks with it.
type bench struct {
	*testing.T
	device  *specterdiytest.Device
	cable   *signertest.Cable
	options signer.Options
}

func newBench(t *testing.T, d signertest.Device) *bench {
	t.Helper()
	if d.Network == 0 {
		d.Network = btc.Regtest
	}
	if d.Master == (btc.XKey{}) {
		d.Master = signertest.Master(t, signertest.Abandon, "")
	}
	b := &bench{T: t, device: specterdiytest.New(d), options: signertest.Options(t)}
	b.cable = signertest.NewCable(0)
	ended := make(chan error, 1)
	go func() { ended <- b.device.Serve(context.Background(), b.cable.Device()) }()
	t.Cleanup(func() {
		b.cable.Unplug()
		if err := <-ended; err != nil {
			t.Errorf("the device: %v", err)
		}
	})
	return b
}

func (b *bench) open() signer.Signer {
	b.Helper()
	s, err := specterdiy.Driver{}.Open(context.Background(), b.cable.Host(), port, b.options)
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

func masters(t testing.TB) []btc.XKey {
	return []btc.XKey{
		signertest.Master(t, signertest.Abandon, ""),
		signertest.Master(t, signertest.Zoo, ""),
		signertest.Master(t, signertest.Legal, ""),
	}
}

func payment(t testing.TB, w signer.Wallet, coins int) *psbt.Packet {
	p := signertest.Payment{Pay: 70_000, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 3, Sat: int64(coins)*100_000 - 71_000}}
	for i := range coins {
		p.Coins = append(p.Coins, signertest.Coin{Wallet: w, Branch: i % 2, Index: uint32(i), Sat: 100_000})
	}
	return p.Packet(t, btc.Regtest)
}

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
