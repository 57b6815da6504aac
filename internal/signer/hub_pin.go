package signer

import (
	"context"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

// handle is the Signer that a call gets: checked, and for families that are unlocked from here
// one that keeps track of the question for the PIN.
func (h *Hub) handle(s *session, sel Select, a Ask, again bool) Signer {
	if _, ok := s.signer.(Unlocker); !ok {
		return CheckedOn(placed{s.signer, s}, a.Network)
	}
	return &unlocking{s: s, sel: sel, a: a, h: h, signer: CheckedOn(s.signer, a.Network), stale: again}
}

// placed is a driver's signer with the port's path in its Info, whatever the driver says.
type placed struct {
	Signer
	s *session
}

func (p placed) Info() Info { return p.s.info() }

// unlocking is a signer whose device may wait for its PIN. The answer goes to the session that
// asked. Anything else that is called meanwhile gives the question up and greets the device anew.
type unlocking struct {
	s      *session
	sel    Select
	a      Ask
	h      *Hub
	signer Signer // checked
	stale  bool   // the session is of an earlier call, with its options
	unmet  bool   // a certain device is meant, and a locked one has yet to tell whether it is that one
}

// fresh makes sure that no question is open and that the options are those of this call.
func (u *unlocking) fresh(ctx context.Context) (Signer, error) {
	if !u.s.asked && !u.stale {
		return u.signer, nil
	}
	_ = u.s.signer.Close()
	u.s.asked = false
	u.s.opts = u.h.options(u.a, u.s.tell)
	again, err := u.s.driver.Open(ctx, u.s.conn, u.s.port, u.s.opts)
	if err != nil {
		return nil, err
	}
	u.s.signer, u.stale = again, false
	u.signer = CheckedOn(again, u.a.Network)
	return u.signer, nil
}

// right is a fresh signer that has the fingerprint which was asked for. Where the PIN is typed on
// the device, it is asked for now.
func (u *unlocking) right(ctx context.Context) (Signer, error) {
	s, err := u.fresh(ctx)
	if err == nil && u.unmet {
		err = meant(ctx, s, u.sel)
		u.unmet = err != nil
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// opened holds a device that was unlocked just now to the fingerprint that was asked for. One
// that still cannot tell without asking its person is held to it by the next call.
func (u *unlocking) opened() error {
	if info := u.s.info(); u.unmet && info.Known && info.Fingerprint != u.sel.Fingerprint {
		return absent(u.sel.Fingerprint)
	}
	return nil
}

func (u *unlocking) Info() Info                      { return u.s.info() }
func (u *unlocking) NeedsRegistration(w Wallet) bool { return u.signer.NeedsRegistration(w) }
func (u *unlocking) Close() error                    { return nil } // the Hub closes
func (u *unlocking) Shown() string                   { return u.signer.(Shower).Shown() }

func (u *unlocking) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	s, err := u.right(ctx)
	if err != nil {
		return btc.Fingerprint{}, err
	}
	return s.Fingerprint(ctx)
}

func (u *unlocking) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	s, err := u.right(ctx)
	if err != nil {
		return btc.XKey{}, err
	}
	return s.XPub(ctx, p)
}

func (u *unlocking) Register(ctx context.Context, w Wallet) (Registration, error) {
	s, err := u.right(ctx)
	if err != nil {
		return Registration{}, err
	}
	return s.Register(ctx, w)
}

func (u *unlocking) ShowAddress(ctx context.Context, w Wallet, r Registration, branch, index uint32) (string, error) {
	s, err := u.right(ctx)
	if err != nil {
		return "", err
	}
	return s.ShowAddress(ctx, w, r, branch, index)
}

func (u *unlocking) Sign(ctx context.Context, w Wallet, r Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	s, err := u.right(ctx)
	if err != nil {
		return nil, err
	}
	return s.Sign(ctx, w, r, tx)
}

func (u *unlocking) SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error) {
	s, err := u.right(ctx)
	if err != nil {
		return nil, err
	}
	return s.SignMessage(ctx, p, message)
}

// AskPIN leaves the question open; SendPIN answers it, in this call or the next.
func (u *unlocking) AskPIN(ctx context.Context) error {
	if _, err := u.fresh(ctx); err != nil {
		return err
	}
	err := u.s.signer.(Unlocker).AskPIN(ctx)
	u.s.asked = err == nil
	if err != nil {
		return err
	}
	return u.opened()
}

func (u *unlocking) SendPIN(ctx context.Context, positions string) error {
	err := u.s.signer.(Unlocker).SendPIN(ctx, positions)
	u.s.asked = false
	if err != nil {
		return err
	}
	return u.opened()
}

func (u *unlocking) TogglePassphrase(ctx context.Context) (bool, error) {
	if _, err := u.right(ctx); err != nil {
		return false, err
	}
	return u.s.signer.(Unlocker).TogglePassphrase(ctx)
}
