package trezor_test

import (
	"context"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// hub is a hub with the desk's device plugged in; each opening of its port is a new cable to it.
func (d *desk) hub() *signer.Hub {
	port := d.port
	port.Path = "webusb:001:4"
	port.Open = func(context.Context) (signer.Conn, error) {
		ctx, stop := context.WithCancel(d.t.Context())
		cable, ended := signertest.NewCable(codec1.Packet), make(chan struct{})
		go func() { defer close(ended); _ = codec1test.Serve(ctx, cable.Device(), d.device, d.model) }()
		d.t.Cleanup(func() { stop(); cable.Unplug(); <-ended })
		return cable.Host(), nil
	}
	h := signer.NewHub(signer.HubConfig{
		Drivers: []signer.Driver{trezor.Driver{}},
		Ports:   func(context.Context) ([]signer.Port, error) { return []signer.Port{port}, nil },
		Options: func() signer.Options { return d.options },
	})
	d.t.Cleanup(func() { _ = h.Close() })
	return h
}

// A locked device tells only with its PIN whether it is the one that is meant: nothing is asked
// of it before, and nothing that another one says is taken.
func TestALockedDeviceIsHeldToItsFingerprint(t *testing.T) {
	another := signer.Select{Fingerprint: btc.Fingerprint{1, 2, 3, 4}, Known: true}
	ask := signer.Ask{Network: btc.Regtest}
	unlocker := func(f func(context.Context, signer.Unlocker) error) func(context.Context, signer.Signer) error {
		return func(ctx context.Context, s signer.Signer) error { return f(ctx, s.(signer.Unlocker)) }
	}
	prompt := unlocker(func(ctx context.Context, u signer.Unlocker) error { return u.AskPIN(ctx) })
	send := unlocker(func(ctx context.Context, u signer.Unlocker) error {
		return u.SendPIN(ctx, codec1test.Places("1379"))
	})
	key := func(ctx context.Context, s signer.Signer) error {
		k, err := s.XPub(ctx, btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened})
		if err == nil && k == (btc.XKey{}) {
			t.Error("no key and no error")
		}
		return err
	}
	type step struct {
		name string
		do   func(context.Context, signer.Signer) error
		code signer.Code
	}
	for name, c := range map[string]struct {
		model codec1test.Model
		steps []step // with another device's fingerprint
	}{
		"a Trezor T, PIN on its screen, a key is asked for": {trezortest.T(), []step{{"key", key, signer.CodeUnknownDevice}, {"again", key, signer.CodeUnknownDevice}}},
		"a Trezor T, PIN on its screen, the PIN is asked":   {trezortest.T(), []step{{"prompt", prompt, signer.CodeUnknownDevice}}},
		"a Trezor One, PIN by matrix": {trezortest.One(), []step{
			{"key", key, signer.CodeNotReady}, {"prompt", prompt, 0}, {"send", send, signer.CodeUnknownDevice}, {"key", key, signer.CodeUnknownDevice}}},
		"a Trezor One, its matrix open": {trezortest.One(), []step{{"prompt", prompt, 0}, {"key", key, signer.CodeNotReady}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, c.model)
			d.device.PIN = "1379"
			d.device.Person.Decide = func(signertest.Screen) signertest.Decision {
				return signertest.Decision{Approve: true, Text: "1379"}
			}
			h := d.hub()
			for _, s := range c.steps {
				if err := h.Do(t.Context(), another, ask, s.do); s.code == 0 && err != nil || s.code != 0 && signer.CodeOf(err) != s.code {
					t.Errorf("%s: %v (code %d)", s.name, err, signer.CodeOf(err))
				}
			}
			own := signer.Select{Fingerprint: d.device.Master.Fingerprint(), Known: true}
			if c.model.Matrix {
				_ = h.Do(t.Context(), own, ask, prompt)
				_ = h.Do(t.Context(), own, ask, send)
			}
			if err := h.Do(t.Context(), own, ask, key); err != nil {
				t.Errorf("the one that is meant: %v", err)
			}
		})
	}
}
