package signertest

import (
	"context"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
)

// Run holds a family of devices to what all of them must do: keys, addresses, registrations,
// signatures of every kind of script, refusals, people who go away, cables that are pulled out,
// devices that lie.
func Run(t *testing.T, f Family) {
	t.Helper()
	if f.Driver == nil || f.Serve == nil || len(f.Scripts) == 0 {
		t.Fatal("the family has no driver, no software device or no scripts")
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, Family)
	}{
		{"it is found by its port", found},
		{"keys", keys},
		{"addresses", addresses},
		{"signing", signing},
		{"signing what only the PSBT tells", signingZeroWallet},
		{"messages", messages},
		{"refusals", refusals},
		{"nobody answers and the call is cancelled", away},
		{"lies", lies},
		{"strangers at the port", strangers},
		{"the cable is pulled out", unplugging},
		{"a hundred inputs", hundredInputs},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, f) })
	}
}

// guard stands between the suite and a driver, as the Hub has it; the suite's own tests take it
// away to see that lies are then found.
var guard = signer.CheckedOn

// patience is how long a call may take that nobody holds up.
const patience = 10 * time.Second

// bench is a driver at work on a software device.
type bench struct {
	family Family
	device Device
	cable  *Cable
	signer signer.Signer // checked
	ctx    context.Context
}

// honest is an unlocked device that tells the truth, held by someone who approves.
func honest(t testing.TB) Device {
	return Device{Master: Master(t, Alcohol, ""), Network: btc.Regtest, Person: &Person{}}
}

// cosigners are the software keys beside the device's.
func cosigners(t testing.TB) []btc.XKey {
	return []btc.XKey{Master(t, Abandon, ""), Master(t, Zoo, "")}
}

// plug starts a software device at the end of a cable; it ends with the test.
func plug(t testing.TB, f Family, d Device) (*Cable, context.Context) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*patience)
	cable := NewCable(f.Packet)
	served := make(chan error, 1)
	go func() { served <- f.Serve(ctx, cable.Device(), d) }()
	t.Cleanup(func() {
		stop()
		cable.Unplug()
		select {
		case <-served:
		case <-time.After(patience):
			t.Error("the software device does not end")
		}
	})
	return cable, ctx
}

// open joins the driver to a software device.
func open(t testing.TB, f Family, d Device) *bench {
	t.Helper()
	cable, ctx := plug(t, f, d)
	b, err := dial(t, f, d, cable, ctx)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dial opens a driver over a cable, pairing where the family pairs.
func dial(t testing.TB, f Family, d Device, cable *Cable, ctx context.Context) (*bench, error) {
	o := Options(t)
	o.Network, o.Pair = d.Network, true
	s, err := f.Driver.Open(ctx, cable.Host(), f.Port, o)
	if err != nil {
		return nil, err
	}
	return &bench{family: f, device: d, cable: cable, signer: guard(s, d.Network), ctx: ctx}, nil
}

// wallet makes a wallet of a kind with the device's key first.
func (b *bench) wallet(t testing.TB, kind string) signer.Wallet {
	t.Helper()
	return Wallet(t, kind, append([]btc.XKey{b.device.Master}, cosigners(t)...)...)
}

// register registers a wallet where the family wants that.
func (b *bench) register(t testing.TB, w signer.Wallet) signer.Registration {
	t.Helper()
	if !b.signer.NeedsRegistration(w) {
		return signer.Registration{}
	}
	r, err := b.signer.Register(b.ctx, w)
	if err != nil {
		t.Fatalf("registering: %v", err)
	}
	return r
}

// alive asks for the fingerprint: the session goes on.
func (b *bench) alive(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	if fp, err := b.signer.Fingerprint(ctx); err != nil || fp != b.device.Master.Fingerprint() {
		t.Errorf("afterwards the device says %v, %v", fp, err)
	}
}

// found tells the family's port from others.
func found(t *testing.T, f Family) {
	if !f.Driver.Match(f.Port) {
		t.Error("the driver does not know its own port")
	}
	if f.Driver.Match(signer.Port{Path: "/dev/hidraw0", Way: signer.HID, Vendor: 0x046d, Product: 0xc31c, UsagePage: 1, Usage: 6}) {
		t.Error("the driver takes a keyboard for its device")
	}
	b := open(t, f, honest(t))
	info := b.signer.Info()
	if info.Kind != f.Driver.Kind() || info.Model == "" {
		t.Errorf("found as %q, %q", info.Kind, info.Model)
	}
	if info.Known && info.Fingerprint != b.device.Master.Fingerprint() {
		t.Errorf("found with fingerprint %s", info.Fingerprint)
	}
	if err := b.signer.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// keys are those of the device's master key.
func keys(t *testing.T, f Family) {
	b := open(t, f, honest(t))
	b.alive(t)
	for _, kind := range f.Scripts {
		p := AccountPath(t, kind)
		got, err := b.signer.XPub(b.ctx, p)
		if err != nil {
			t.Errorf("%s: %v", p.Full(), err)
			continue
		}
		want, err := b.device.Master.Derive(p)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != want.Public().String() {
			t.Errorf("%s is %s, not %s", p.Full(), got, want.Public())
		}
	}
}

// addresses are ours, are shown, and the person approves a wallet once.
func addresses(t *testing.T, f Family) {
	for _, kind := range f.Scripts {
		t.Run(kind, func(t *testing.T) {
			b := open(t, f, honest(t))
			w := b.wallet(t, kind)
			r := b.register(t, w)
			approved := b.count(ShowPolicy)
			for _, at := range []Coin{{Wallet: w, Index: 3}, {Wallet: w, Branch: 1, Index: 0}} {
				got, err := b.signer.ShowAddress(b.ctx, w, r, uint32(at.Branch), at.Index)
				if err != nil {
					t.Fatalf("%d/%d: %v", at.Branch, at.Index, err)
				}
				if want := at.Address(t, btc.Regtest); got != want {
					t.Errorf("%d/%d is %s, not %s", at.Branch, at.Index, got, want)
				}
				if !b.shown(t, at) {
					t.Errorf("%d/%d was not shown: %v", at.Branch, at.Index, b.device.Person.Seen())
				}
			}
			if n := b.count(ShowPolicy); n != approved {
				t.Errorf("the wallet was shown again: %d screens, then %d", approved, n)
			}
		})
	}
}

// shown reports whether the person saw an address, in the form of whichever test network.
func (b *bench) shown(t testing.TB, c Coin) bool {
	for _, n := range btc.Networks() {
		if b.device.Person.Saw(ShowAddress, c.Address(t, n)) {
			return true
		}
	}
	return false
}

// count is how many screens of a kind the person saw.
func (b *bench) count(kind string) (n int) {
	for _, s := range b.device.Person.Seen() {
		if s.Kind == kind {
			n++
		}
	}
	return n
}

// declined holds an error to what a refusal on the device is.
func declined(t *testing.T, what string, err error) {
	t.Helper()
	if signer.CodeOf(err) != signer.CodeCancelled || errs.KindOf(err) != errs.Declined {
		t.Errorf("%s, refused on the device: %v (code %d, kind %v)", what, err, signer.CodeOf(err), errs.KindOf(err))
	}
}
