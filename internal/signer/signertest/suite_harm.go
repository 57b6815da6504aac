package signertest

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/raced"
	"specter/internal/signer"
)

// lies of a device are found out before they do harm.
func lies(t *testing.T, f Family) {
	t.Run("another key", func(t *testing.T) { lieAboutKey(t, f) })
	for _, kind := range f.Scripts {
		t.Run("another address of "+kind, func(t *testing.T) {
			b, w, r, ok := liar(t, f, kind, Lie{Address: true})
			if !ok {
				return
			}
			if got, err := b.signer.ShowAddress(b.ctx, w, r, 0, 3); err == nil {
				t.Errorf("%s was believed", got)
			}
		})
		for name, l := range map[string]Lie{"another key's signatures of ": {Signature: true}, "other amounts signed of ": {Amount: true}} {
			t.Run(name+kind, func(t *testing.T) {
				b, w, r, ok := liar(t, f, kind, l)
				if !ok {
					return
				}
				if _, err := b.signer.Sign(b.ctx, w, r, payment(w).Packet(t, btc.Regtest)); err == nil {
					t.Error("the signatures were believed")
				}
			})
		}
	}
	if f.Registers {
		t.Run("a registration that is none", func(t *testing.T) { lieAboutRegistration(t, f) })
	}
}

// liar registers a wallet with a device that lies; a driver may find it out already then.
func liar(t *testing.T, f Family, kind string, l Lie) (*bench, signer.Wallet, signer.Registration, bool) {
	d := honest(t)
	d.Lie = l
	b := open(t, f, d)
	w := b.wallet(t, kind)
	if !b.signer.NeedsRegistration(w) {
		return b, w, signer.Registration{}, true
	}
	r, err := b.signer.Register(b.ctx, w)
	return b, w, r, err == nil
}

// lieAboutKey: a false extended key is found out at the latest when the first address of a
// wallet made with it is shown.
func lieAboutKey(t *testing.T, f Family) {
	d := honest(t)
	d.Lie.XPub = true
	b := open(t, f, d)
	kind := f.Scripts[0]
	p := AccountPath(t, kind)
	key, err := b.signer.XPub(b.ctx, p)
	if err != nil {
		return
	}
	if true0, err := d.Master.Derive(p); err != nil || key.Identical(true0) {
		t.Fatalf("the software device does not lie about its keys: %v", err)
	}
	w := WalletOf(t, kind, Expression(d.Master.Fingerprint(), p, key))
	if got, err := b.signer.ShowAddress(b.ctx, w, signer.Registration{}, 0, 0); err == nil {
		t.Errorf("the false key was believed, and its address %s", got)
	}
}

// lieAboutRegistration: whatever the device says of a registration, addresses and signatures
// that come out are right or are errors.
func lieAboutRegistration(t *testing.T, f Family) {
	i := slices.IndexFunc(f.Scripts, func(kind string) bool { return slices.Contains(MultiKinds, kind) })
	if i < 0 {
		t.Fatal("a family that registers wallets can sign for none")
	}
	kind := f.Scripts[i]
	b, w, r, ok := liar(t, f, kind, Lie{Registry: true})
	if !ok {
		return
	}
	at := Coin{Wallet: w, Index: 3}
	if got, err := b.signer.ShowAddress(b.ctx, w, r, 0, 3); err == nil && got != at.Address(t, btc.Regtest) {
		t.Errorf("the address %s was believed", got)
	}
	if got, err := b.signer.Sign(b.ctx, w, r, payment(w).Packet(t, btc.Regtest)); err == nil {
		complete(t, kind, got)
	}
}

// strangers at the port: a device that says nothing, one that speaks gibberish, one that hangs up.
func strangers(t *testing.T, f Family) {
	for name, serve := range map[string]func(context.Context, signer.Conn, Device) error{
		"silence":  func(ctx context.Context, _ signer.Conn, _ Device) error { <-ctx.Done(); return nil },
		"hangs up": func(_ context.Context, c signer.Conn, _ Device) error { return c.Close() },
		"gibberish": func(ctx context.Context, c signer.Conn, _ Device) error {
			return babble(ctx, c, max(f.Packet, 64))
		},
		"echo": echo,
	} {
		t.Run(name, func(t *testing.T) {
			g := f
			g.Serve = serve
			d := honest(t)
			cable, all := plug(t, g, d)
			ctx, stop := context.WithTimeout(all, 300*time.Millisecond)
			defer stop()
			opened := make(chan error, 1)
			go func() {
				_, err := dial(t, g, d, cable, ctx)
				opened <- err
			}()
			select {
			case err := <-opened:
				if err == nil {
					t.Error("it was taken for the family's device")
				}
			case <-time.After(patience):
				t.Errorf("the driver is still there after %v, the limit was 0.3 s", patience)
				cable.Unplug()
				<-opened
			}
		})
	}
}

// babble answers every packet with three of chance.
func babble(ctx context.Context, c signer.Conn, size int) error {
	from, p := Chance("gibberish"), make([]byte, size)
	for {
		if _, err := c.Read(ctx, p); err != nil {
			return err
		}
		for range 3 {
			if _, err := io.ReadFull(from, p); err != nil {
				return err
			}
			if _, err := c.Write(ctx, p); err != nil {
				return err
			}
		}
	}
}

// echo sends back what it is sent.
func echo(ctx context.Context, c signer.Conn, _ Device) error {
	p := make([]byte, 4096)
	for {
		n, err := c.Read(ctx, p)
		if err != nil {
			return err
		}
		if _, err := c.Write(ctx, p[:n]); err != nil {
			return err
		}
	}
}

// unplugging: wherever the cable is cut, the call ends with a clear error and not with a result
// that is not one.
func unplugging(t *testing.T, f Family) {
	whole := NewCable(f.Packet)
	if err := visit(t, f, whole); err != nil {
		t.Fatalf("with the cable whole: %v", err)
	}
	total := whole.Passed()
	var cuts []int
	for i := range 40 {
		cuts = append(cuts, total*i/40)
	}
	for _, n := range []int{1, f.Packet - 1, f.Packet, f.Packet + 1, total - f.Packet, total - 1} {
		if n > 0 && n < total {
			cuts = append(cuts, n)
		}
	}
	for _, n := range raced.Sample(f.Driver.Kind(), 12, cuts) {
		cable := NewCable(f.Packet)
		cable.CutAfter(n)
		began := time.Now()
		switch err := visit(t, f, cable); {
		case err == nil && cable.Passed() >= n && n < total-2*max(f.Packet, 64):
			t.Errorf("cut after %d of %d bytes: no error", n, total)
		case err == nil: // what came after the last answer does not matter
		case errs.KindOf(err) != errs.Unavailable || signer.CodeOf(err) != signer.CodeConnection || !errors.Is(err, io.EOF):
			t.Errorf("cut after %d of %d bytes: %v (code %d, kind %v)", n, total, err, signer.CodeOf(err), errs.KindOf(err))
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("cut after %d of %d bytes: ended after %v", n, total, took)
		}
	}
}

// visit opens a device, shows an address and signs.
func visit(t *testing.T, f Family, cable *Cable) error {
	ctx, stop := context.WithTimeout(t.Context(), patience)
	d := honest(t)
	served := make(chan struct{})
	go func() { defer close(served); _ = f.Serve(ctx, cable.Device(), d) }()
	defer func() { stop(); cable.Unplug(); <-served }()
	b, err := dial(t, f, d, cable, ctx)
	if err != nil {
		return err
	}
	w := b.wallet(t, f.Scripts[0])
	if _, err := b.signer.ShowAddress(ctx, w, signer.Registration{}, 0, 3); err != nil {
		return err
	}
	_, err = b.signer.Sign(ctx, w, signer.Registration{}, payment(w).Packet(t, btc.Regtest))
	return err
}
