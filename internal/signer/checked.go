package signer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// Checked is a signer that does not believe its device. Extended keys must stand at the path
// that was asked for and fit those seen before, addresses must be those that we derive,
// signatures must verify against the transaction that we gave, message signatures must recover to
// the key of the path. What is not so is a *LieError. A wallet without a key of the device is
// refused before the device is asked. The result is an Unlocker where s is one, and a Shower.
func Checked(s Signer) Signer { return checkedOn(s, nil) }

// CheckedOn is Checked where the network is known: extended keys must be of it, and addresses
// come back in its form, even from a device that knows no other form than testnet's.
func CheckedOn(s Signer, n btc.Network) Signer { return checkedOn(s, &n) }

func checkedOn(s Signer, n *btc.Network) Signer {
	c := &checked{Signer: s, network: n, keys: map[string]btc.XKey{}}
	if u, ok := s.(Unlocker); ok {
		return &struct {
			*checked
			Unlocker
		}{c, u}
	}
	return c
}

// Shower tells what stands on the device's screen where it is written otherwise than here.
type Shower interface {
	// Shown is the last address as the device has it, "" where that is the form we use: a device
	// without regtest shows tb1… for bcrt1….
	Shown() string
}

// LieError is an answer of a device that is not true: the device is broken, manipulated, or
// another one answers in its place.
type LieError struct {
	What  string // a sentence for the person
	Cause error  // may be nil
}

// Error returns the sentence.
func (e *LieError) Error() string { return e.What }

// Unwrap returns the cause, and the kind for the doors.
func (e *LieError) Unwrap() []error {
	as := errs.E(errs.Conflict, "%s", e.What)
	if e.Cause == nil {
		return []error{as}
	}
	return []error{as, e.Cause}
}

func lie(cause error, what string) error {
	return &Fault{CodeUnknown, &LieError{what + " Do not use this device until you know why", cause}}
}

type checked struct {
	Signer
	network *btc.Network

	mu    sync.Mutex
	fp    *btc.Fingerprint
	keys  map[string]btc.XKey // extended keys of this session by path
	shown string
}

func (c *checked) Shown() string { c.mu.Lock(); defer c.mu.Unlock(); return c.shown }

// Fingerprint must be the same each time.
func (c *checked) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	fp, err := c.Signer.Fingerprint(ctx)
	if err != nil {
		return fp, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fp != nil && *c.fp != fp {
		return btc.Fingerprint{}, lie(nil, "The device gives another fingerprint than before.")
	}
	if info := c.Info(); info.Known && info.Fingerprint != fp {
		return btc.Fingerprint{}, lie(nil, "The device gives another fingerprint than it was found with.")
	}
	c.fp = &fp
	return fp, nil
}

// master is the fingerprint, asked once.
func (c *checked) master(ctx context.Context) (btc.Fingerprint, error) {
	c.mu.Lock()
	known := c.fp
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	return c.Fingerprint(ctx)
}

// XPub checks depth, child index, network and point, and that keys fit together where one
// derives from the other without a hardened step.
func (c *checked) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	if len(p) > 255 {
		return btc.XKey{}, E(CodeBadArgument, "a derivation path has at most 255 steps")
	}
	key, err := c.Signer.XPub(ctx, p)
	if err != nil {
		return btc.XKey{}, err
	}
	if what := c.misplaced(key, p); what != "" {
		return btc.XKey{}, lie(nil, what)
	}
	if len(p) <= 1 {
		fp, err := c.master(ctx)
		if err != nil {
			return btc.XKey{}, err
		}
		if len(p) == 1 && key.Parent != fp || len(p) == 0 && key.Fingerprint() != fp {
			return btc.XKey{}, lie(nil, "The device gives a key that does not come from its master key.")
		}
	}
	if err := c.fits(key, p); err != nil {
		return btc.XKey{}, err
	}
	return key, nil
}

// misplaced says what is wrong with a key by itself, "" nothing.
func (c *checked) misplaced(key btc.XKey, p btc.Path) string {
	child := uint32(0)
	if len(p) > 0 {
		child = p[len(p)-1]
	}
	_, err := btcec.ParsePubKey(key.PublicKey[:])
	switch {
	case err != nil:
		return "The device gives an extended key that is no point of the curve."
	case key.IsPrivate():
		return "The device gives away a private key."
	case int(key.Depth) != len(p) || key.ChildIndex != child || len(p) == 0 && !key.Parent.IsZero():
		return "The device gives an extended key of another path than " + p.Full() + "."
	case c.network != nil && key.Main != c.network.IsMain():
		return "The device gives an extended key of another network."
	}
	return ""
}

// fits holds a key against all others of the session on the same line of unhardened steps.
func (c *checked) fits(key btc.XKey, p btc.Path) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for text, other := range c.keys {
		q, err := btc.ParsePath(text)
		if err != nil {
			continue // cannot be: it was printed by us
		}
		above, below, steps := other, key, p
		if len(q) > len(p) {
			above, below, steps = key, other, q
		}
		n := min(len(p), len(q))
		if p[:n].String() != q[:n].String() || steps[n:].HasHardened() {
			continue
		}
		derived, err := above.Derive(steps[n:])
		if err != nil || !derived.Identical(below) {
			return lie(err, "The device gives extended keys that do not derive from each other.")
		}
	}
	c.keys[p.String()] = key
	return nil
}

// knows refuses wallets that have no key of the device.
func (c *checked) knows(ctx context.Context, w Wallet) error {
	if w.Descriptor == nil {
		return E(CodeBadArgument, "no wallet was given")
	}
	fp, err := c.master(ctx)
	if err == nil && !w.HasKeyOf(fp) {
		err = E(CodeBadArgument, "the wallet has no key of this device (%s); is it the right device, with the right passphrase?", fp)
	}
	return err
}

// Register makes sure that the wallet is the device's, and that a family that keeps
// registrations with the host gave one.
func (c *checked) Register(ctx context.Context, w Wallet) (Registration, error) {
	if err := c.knows(ctx, w); err != nil {
		return Registration{}, err
	}
	r, err := c.Signer.Register(ctx, w)
	if err != nil {
		return Registration{}, err
	}
	if c.NeedsRegistration(w) && r.IsZero() {
		return Registration{}, lie(nil, "The device says that it registered the wallet and gives no proof of it.")
	}
	return r, nil
}

// ShowAddress derives the address too and compares scripts.
func (c *checked) ShowAddress(ctx context.Context, w Wallet, r Registration, branch, index uint32) (string, error) {
	if err := c.knows(ctx, w); err != nil {
		return "", err
	}
	_, out, err := w.At(branch, index)
	if err != nil {
		return "", err
	}
	answer, err := c.Signer.ShowAddress(ctx, w, r, branch, index)
	if err != nil {
		return "", err
	}
	main, known := w.Descriptor.IsMain()
	if c.network != nil {
		main, known = c.network.IsMain(), true
	}
	if !pays(answer, out.Script, main, known) {
		return "", lie(nil, "The device shows another address than this wallet's. Do not receive coins there.")
	}
	ours := answer
	if c.network != nil {
		ours, _ = btc.AddressOf(out.Script, *c.network)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shown = ""; ours != answer {
		c.shown = answer
	}
	return ours, nil
}

// pays reports whether an address of the right sort of network pays to a script. Test networks
// pass for each other: devices know fewer of them than there are.
func pays(address string, script []byte, main, known bool) bool {
	for _, n := range btc.Networks() {
		if known && n.IsMain() != main {
			continue
		}
		if a, err := btc.ParseAddress(address, n); err == nil && bytes.Equal(a.Script, script) {
			return true
		}
	}
	return false
}

// Sign takes nothing over but signatures that verify for the transaction as it was given.
func (c *checked) Sign(ctx context.Context, w Wallet, r Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if w.Descriptor != nil {
		if err := c.knows(ctx, w); err != nil {
			return nil, err
		}
	}
	answer, err := c.Signer.Sign(ctx, w, r, tx.Clone())
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, lie(nil, "The device gave no transaction back.")
	}
	merged, _, err := tx.Merge(answer)
	var refused *psbt.MergeError
	switch {
	case errors.As(err, &refused) && refused.Reason == psbt.ReasonCannotVerify:
		return nil, &Fault{CodeBadTransaction, err} // our own PSBT lacks what that takes
	case err != nil:
		return nil, lie(err, "The device's answer was refused: "+err.Error()+".")
	}
	return merged, nil
}

// SignMessage recovers the key from the signature and compares it with the key at the path.
func (c *checked) SignMessage(ctx context.Context, p btc.Path, text []byte) ([]byte, error) {
	key, err := c.keyAt(ctx, p)
	if err != nil {
		return nil, err
	}
	sig, err := c.Signer.SignMessage(ctx, p, text)
	if err != nil {
		return nil, err
	}
	if err := recovers(sig, text, key); err != nil {
		return nil, lie(err, "The device's signature of the message is not by the key at "+p.Full()+".")
	}
	return sig, nil
}

// keyAt is the key at a path, derived from its account's where that can be, so that devices need
// not show their person an unusual path.
func (c *checked) keyAt(ctx context.Context, p btc.Path) (btc.XKey, error) {
	at := account(p)
	key, err := c.XPub(ctx, at)
	if err != nil {
		return btc.XKey{}, err
	}
	return key.Derive(p[len(at):])
}

// recovers verifies a recoverable signature (BIP137) against a key. The header says which kind
// of address is meant, so the signature is checked for that address of the key.
func recovers(sig, text []byte, key btc.XKey) error {
	if len(sig) != 65 || sig[0] < 27 || sig[0] > 42 {
		return errs.Bad(errs.BadEncoding, "no recoverable signature of 65 bytes")
	}
	hash := btc.Hash160(key.PublicKey[:])
	script := btc.PayToPubKeyHash(hash)
	switch {
	case sig[0] >= 39:
		script = btc.WitnessScript(0, hash)
	case sig[0] >= 35:
		script = btc.PayToScriptHash(btc.Hash160(btc.WitnessScript(0, hash)))
	}
	addr, _ := btc.AddressOf(script, btc.Mainnet)
	_, err := message.Verify(addr, btc.Mainnet, string(text), base64.StdEncoding.EncodeToString(sig))
	return err
}
