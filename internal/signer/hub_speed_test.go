package signer_test

import (
	"context"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/jade"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/ledger"
	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// everyDriver is what a Hub of this program has.
var everyDriver = []signer.Driver{
	trezor.Driver{}, keepkey.Driver{}, ledger.Driver{}, coldcard.Driver{}, bitbox02.Driver{}, jade.Driver{}, specterdiy.Driver{},
}

// software is a port with a software device at its other end, anew at each opening.
func software(t testing.TB, p signer.Port, packet int, words string, serve func(context.Context, signer.Conn, signertest.Device) error) signer.Port {
	master := signertest.Master(t, words, "")
	p.Open = func(context.Context) (signer.Conn, error) {
		cable := signertest.NewCable(packet)
		go func() {
			_ = serve(t.Context(), cable.Device(), signertest.Device{Master: master, Network: btc.Regtest, Person: &signertest.Person{}})
		}()
		return cable.Host(), nil
	}
	return p
}

func softwarePorts(t testing.TB) []signer.Port {
	return []signer.Port{
		software(t, signer.Port{Path: "webusb:001:1", Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1}, 64, signertest.Alcohol, trezortest.Serve),
		software(t, signer.Port{Path: "/dev/hidraw1", Way: signer.HID, Vendor: 0x2c97, Product: 0x5011, UsagePage: 0xffa0, Usage: 1}, 64, signertest.Abandon, ledgertest.Serve),
		software(t, signer.Port{Path: "/dev/hidraw2", Way: signer.HID, Vendor: 0xd13e, Product: 0xcc10, UsagePage: 0xff00, Usage: 1}, 64, signertest.Zoo, coldcardtest.Serve),
		software(t, signer.Port{Path: "/dev/ttyUSB0", Way: signer.Serial, Vendor: 0x10c4, Product: 0xea60}, 0, signertest.Legal, jadetest.Serve),
		software(t, signer.Port{Path: "/dev/hidraw4", Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, UsagePage: 0xffff, Usage: 1}, 64, signertest.Alcohol, bitbox02test.Serve),
	}
}

// Enumerating takes less than 300 ms with no, one and three devices, beside three things that
// are none. The best of some tries counts: the machine has other things to do.
func TestEnumeratingIsQuick(t *testing.T) {
	all := softwarePorts(t)
	foreign := []signer.Port{
		{Path: "/dev/hidraw7", Way: signer.HID, Vendor: 0x046d, Product: 0xc31c, UsagePage: 1, Usage: 6, Open: func(context.Context) (signer.Conn, error) { panic("a keyboard was opened") }},
		{Path: "/dev/hidraw8", Way: signer.HID, Vendor: 0x2c97, Product: 0x5011, UsagePage: 0xf1d0, Usage: 1, Interface: 1, Open: func(context.Context) (signer.Conn, error) { panic("a Ledger's security key was opened") }},
	}
	const limit = 300 * time.Millisecond
	for _, n := range []int{0, 1, 3, len(all)} {
		ports := append(foreign[:len(foreign):len(foreign)], all[:n]...)
		memory := &signertest.Drawer{}
		hub := signer.NewHub(signer.HubConfig{
			Drivers: everyDriver,
			Ports:   func(context.Context) ([]signer.Port, error) { return ports, nil },
			Options: func() signer.Options { return signer.Options{Memory: memory} },
		})
		best := time.Hour
		for try := 0; try < 5 || try < 50 && best > limit; try++ {
			began := time.Now()
			got, err := hub.Enumerate(t.Context(), signer.Ask{Network: btc.Regtest})
			best = min(best, time.Since(began))
			if err != nil || len(got) != n {
				t.Fatalf("%d devices: %v, %v", n, got, err)
			}
			for _, info := range got {
				unpaired := info.Kind == "bitbox02" && signer.CodeOf(info.Err) == signer.CodeNotReady // it says nothing before it is paired
				if info.Model == "" || !unpaired && (info.Err != nil || !info.Known) {
					t.Fatalf("%+v", info)
				}
			}
		}
		t.Logf("%d devices: %v", n, best)
		if best > limit {
			t.Errorf("%d devices take %v", n, best)
		}
	}
}
