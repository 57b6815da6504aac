package coldcard_test

import (
	"context"
	"testing"

	"specter/internal/btc"
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

// masters are the device's key and two others.
func masters(t testing.TB) []btc.XKey {
	return []btc.XKey{
		signertest.Master(t, signertest.Alcohol, ""),
		signertest.Master(t, signertest.Zoo, ""),
		signertest.Master(t, signertest.Legal, ""),
	}
}
