package wallet

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// openWallet is what the service holds of a wallet in memory: its parsed descriptor, the lock
// over its rows, and how its sync goes.
type openWallet struct {
	desc     *descriptor.Descriptor
	branches []*descriptor.Descriptor
	broken   error // the stored descriptor cannot be read

	mu   sync.Mutex    // over reading rows, deciding and writing them; never over the network
	turn chan struct{} // holds a token while somebody syncs

	scanFails int // tries in a row of a scan that failed, in the wallet's one job

	live sync.Mutex          // over the fields below
	keys map[string]btc.XKey // the cosigners' by their text: to read one costs as much as to show a row
	scan *Scan               // a scan that goes on now
	told time.Time           // when the last "scan" event was sent
	at   time.Time           // when the last sync ended well
}

// openOf returns the memory of a wallet, making it where it is missing.
func (s *Service) openOf(r Record) *openWallet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.open[r.ID]; w != nil {
		return w
	}
	w := &openWallet{turn: make(chan struct{}, 1)}
	w.desc, w.broken = descriptor.Parse(r.Descriptor, descriptor.Options{Network: &r.Network})
	if w.broken == nil {
		w.branches, w.broken = branchesOf(w.desc)
	}
	if w.broken != nil {
		w.broken = errs.E(errs.Unavailable, "the stored descriptor of this wallet cannot be read: %w", w.broken)
	}
	s.open[r.ID] = w
	return w
}

// branchesOf lists the single-path descriptors: receive, and change where there is one.
func branchesOf(d *descriptor.Descriptor) ([]*descriptor.Descriptor, error) {
	out := make([]*descriptor.Descriptor, d.Branches())
	for i := range out {
		b, err := d.Branch(i)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// change is the branch that change goes to: the second, or the only one.
func (w *openWallet) change() uint32 { return uint32(len(w.branches) - 1) }

// derive computes an address.
func (w *openWallet) derive(n btc.Network, branch, index uint32) (AddressRow, error) {
	out, err := w.branches[branch].Derive(index)
	if err != nil {
		return AddressRow{}, err
	}
	address, _ := out.Address(n)
	return AddressRow{Branch: branch, Index: index, Address: address, Script: out.Script}, nil
}

// deriveRange computes the addresses from an index up to but not including another.
func (w *openWallet) deriveRange(n btc.Network, branch, from, to uint32) ([]AddressRow, error) {
	var rows []AddressRow
	for i := from; i < to; i++ {
		r, err := w.derive(n, branch, i)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// find loads a wallet by its name for calls, with its memory.
func (s *Service) find(ctx context.Context, ref Ref) (Record, *openWallet, error) {
	r, err := s.c.Store.Wallet(ctx, ref)
	if err != nil {
		return Record{}, nil, err
	}
	return r, s.openOf(r), nil
}

// ready is find for calls that need the descriptor.
func (s *Service) ready(ctx context.Context, ref Ref) (Record, *openWallet, error) {
	r, w, err := s.find(ctx, ref)
	if err == nil {
		err = w.broken
	}
	return r, w, err
}

// List returns the owner's wallets of a network by name. One that cannot be read in full is
// listed with the trouble in SyncError.
func (s *Service) List(ctx context.Context, o Owner, n btc.Network) ([]Record, error) {
	list, err := s.c.Store.Wallets(ctx, o, n)
	if err != nil {
		return nil, err
	}
	keys := s.knownKeys(ctx, o, n)
	for i := range list {
		s.decorate(&list[i], keys)
	}
	return list, nil
}

// Get returns one wallet.
func (s *Service) Get(ctx context.Context, ref Ref) (Record, error) {
	r, err := s.c.Store.Wallet(ctx, ref)
	if err != nil {
		return Record{}, err
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	return r, nil
}

// knownKeys lists the keys of the owner's devices. Cosigners without a name are better than no
// wallet, so trouble here is logged alone.
func (s *Service) knownKeys(ctx context.Context, o Owner, n btc.Network) []KnownKey {
	if s.c.Devices == nil {
		return nil
	}
	keys, err := s.c.Devices(ctx, o, n)
	if err != nil {
		s.c.Log.Warn("list the devices' keys", "error", err)
	}
	return keys
}

// decorate adds what is not stored: the devices of the cosigners and how a scan goes.
func (s *Service) decorate(r *Record, keys []KnownKey) {
	w := s.openOf(*r)
	for i := range r.Cosigners {
		w.nameCosigner(&r.Cosigners[i], keys)
	}
	if w.broken != nil {
		r.SyncError = w.broken.Error()
	}
	w.live.Lock()
	defer w.live.Unlock()
	if w.scan != nil {
		scan := *w.scan
		r.Scan = &scan
	}
	if w.at.After(r.SyncedAt) {
		r.SyncedAt = w.at
	}
}

// pointH is BIP341's point H, whose private key nobody knows: taproot wallets that have no key
// path name it.
const pointH = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// nameCosigner finds the device that holds a cosigner's key: of several, the one that is called as
// the wallet's maker called it, else the first.
func (w *openWallet) nameCosigner(c *Cosigner, keys []KnownKey) {
	c.DeviceName = c.Called
	c.Nobody = c.XPub == "" && strings.HasSuffix(c.Expression, pointH)
	x, ok := w.key(c.XPub)
	if !ok {
		return
	}
	c.Nobody = hex.EncodeToString(x.PublicKey[1:]) == pointH
	found := false
	for _, k := range keys {
		if !k.XKey.Identical(x) || found && k.DeviceName != c.Called {
			continue
		}
		c.DeviceID, c.DeviceName, c.DeviceAlias, c.DeviceType, c.Hot = k.DeviceID, k.DeviceName, k.DeviceAlias, k.DeviceType, k.Hot
		if k.DeviceName == c.Called {
			return
		}
		found = true
	}
}

// key reads a cosigner's key; false where it cannot be read.
func (w *openWallet) key(text string) (btc.XKey, bool) {
	w.live.Lock()
	defer w.live.Unlock()
	if x, known := w.keys[text]; known {
		return x, true
	}
	x, _, err := btc.ParseXKey(text)
	if err != nil {
		return x, false
	}
	if w.keys == nil {
		w.keys = map[string]btc.XKey{}
	}
	w.keys[text] = x
	return x, true
}

// Uses lists the names of the owner's wallets, of any network, that have a key.
func (s *Service) Uses(ctx context.Context, owner string, xpub string) ([]string, error) {
	key, _, err := btc.ParseXKey(xpub)
	if err != nil {
		return nil, err
	}
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range all {
		if r.Owner != Owner(owner) {
			continue
		}
		for _, c := range r.Cosigners {
			if x, _, err := btc.ParseXKey(c.XPub); err == nil && x.Identical(key) {
				names = append(names, r.Name)
				break
			}
		}
	}
	return names, nil
}

// Rename changes the display name; alias and node wallet keep theirs.
func (s *Service) Rename(ctx context.Context, ref Ref, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.c.Store.RenameWallet(ctx, r.ID, name); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}

// Delete forgets a wallet with its labels and drafts. What the node keeps for it is dropped
// where the node is there; coins stay where they are, the descriptor brings them back.
func (s *Service) Delete(ctx context.Context, ref Ref) error {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	s.jobs.stop(r.ID)
	if err := s.c.Store.DeleteWallet(ctx, r.ID); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.open, r.ID)
	s.mu.Unlock()
	s.bus.send(Event{Owner: r.Owner, Network: r.Network, Kind: "wallet"})
	s.forget(ctx, r)
	return nil
}

// forgetFor is how long a page waits for the node to drop a wallet that is deleted here already.
const forgetFor = 5 * time.Second

func (s *Service) forget(ctx context.Context, r Record) {
	ctx, cancel := context.WithTimeout(ctx, forgetFor)
	defer cancel()
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return // the node keeps a watch-only wallet that nobody asks about
	}
	if f, ok := src.(interface {
		Forget(ctx context.Context, name string) error
	}); ok {
		if err := f.Forget(ctx, r.NodeName); err != nil {
			s.c.Log.Info("the node keeps a deleted wallet loaded", "error", err)
		}
	}
}

// maxName bounds names, in bytes.
const maxName = 100

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case len(name) > maxName:
		return "", errs.E(errs.Invalid, "the name is too long; use at most %d characters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) || btc.Slug(name) == "":
		return "", errs.E(errs.Invalid, "give the wallet a name with at least one letter or digit")
	}
	return name, nil
}
