package specterdiy_test

import (
	"context"
	"testing"

	"specter/internal/btc"
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

func masters(t testing.TB) []btc.XKey {
	return []btc.XKey{
		signertest.Master(t, signertest.Abandon, ""),
		signertest.Master(t, signertest.Zoo, ""),
		signertest.Master(t, signertest.Legal, ""),
	}
}
