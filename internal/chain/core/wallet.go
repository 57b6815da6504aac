package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"specter/internal/chain"
	"specter/internal/errs"
)

// wallet is what we remember of one watch-only wallet inside the node. The node itself is asked
// each time; this only saves questions.
type wallet struct {
	name   string        // as the request names it
	busy   chan struct{} // holds one token: who has it may import and scan
	loads  chan struct{} // holds one token: who has it may load or make the wallet inside the node
	inNode string        // its name inside the node; "" until it is settled
	canon  map[string]string

	listAll bool                    // the next Sync lists everything: a scan found old blocks
	scanned bool                    // a scan by this program ended well
	resume  resume                  // of a scan that was interrupted
	stop    context.CancelCauseFunc // of the running scan; nil: none runs
	seen    *snapshot               // what the last Sync told; nil: the watch need not look
}

// wallet returns what we remember of a request's wallet.
func (s *Source) wallet(name string) *wallet {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wallets[name]
	if w == nil {
		w = &wallet{name: name, busy: make(chan struct{}, 1), loads: make(chan struct{}, 1), canon: map[string]string{}}
		s.wallets[name] = w
	}
	return w
}

// listed is a descriptor inside the node's wallet (listdescriptors).
type listed struct {
	Desc     string  `json:"desc"`
	Active   bool    `json:"active"`
	Internal bool    `json:"internal"`
	Range    []int64 `json:"range"` // first and last index; empty: not ranged
	Next     int64   `json:"next"`  // above every used index
}

// descKey is a descriptor in a form in which ours and the node's compare: without checksum,
// hardened steps with h.
func descKey(desc string) string {
	body, _, _ := strings.Cut(desc, "#")
	return strings.ReplaceAll(body, "'", "h")
}

// held is one keychain of the request with what the node holds of it.
type held struct {
	chain.Keychain
	listed *listed // nil: missing
}

// maxNames bounds how many wallets of one name are looked at.
const maxNames = 20

// settle finds the request's wallet inside the node, loading or making it where needed, and
// returns what it holds. A wallet of that name that watches something else (an earlier wallet
// of the same alias, a hot or an old-style wallet) is left alone: the next name is taken.
func (s *Source) settle(ctx context.Context, w *wallet, r chain.Request) ([]held, error) {
	s.mu.Lock()
	known := w.inNode
	s.mu.Unlock()
	for i := range maxNames {
		name := r.Name
		if i > 0 {
			name = fmt.Sprintf("%s-%d", r.Name, i+1) // an alias has no hyphen: nobody else's name
		}
		if known != "" && name != known {
			continue
		}
		list, err := s.open(ctx, w, name, known == "")
		if errors.Is(err, errForeign) {
			if known != "" { // changed under our feet: look again from the first name
				s.forget(w)
				return s.settle(ctx, w, r)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		holds, ours, err := s.match(ctx, w, r, list)
		if err != nil {
			return nil, err
		}
		if !ours {
			if known != "" {
				s.forget(w)
				return s.settle(ctx, w, r)
			}
			continue
		}
		s.mu.Lock()
		w.inNode = name
		s.mu.Unlock()
		return holds, nil
	}
	return nil, errs.E(errs.Conflict, "the node has %d other wallets named like %q; remove those that are not needed from the node", maxNames, r.Name)
}

// forget makes the next settle look at every name again.
func (s *Source) forget(w *wallet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.inNode, w.scanned, w.resume, w.seen = "", false, resume{}, nil
}

var errForeign = errors.New("another wallet of this name")

// open returns the descriptors of a wallet inside the node; it loads the wallet, or makes it
// where the node has none. errForeign where the wallet is of a sort that we do not use.
func (s *Source) open(ctx context.Context, w *wallet, name string, inspect bool) ([]listed, error) {
	var out struct {
		Descriptors []listed `json:"descriptors"`
	}
	err := s.c.walletCall(ctx, name, "listdescriptors", nil, &out)
	if isCode(err, codeWalletNotFound) {
		if err := s.load(ctx, w, name); err != nil {
			return nil, err
		}
		err = s.c.walletCall(ctx, name, "listdescriptors", nil, &out)
		inspect = true
	}
	if isCode(err, codeWallet) && says(err, "descriptor") {
		return nil, errForeign // an old-style wallet
	}
	if err != nil {
		return nil, noWallets(err)
	}
	if !inspect {
		return out.Descriptors, nil
	}
	var info struct {
		Private     bool  `json:"private_keys_enabled"`
		Descriptors *bool `json:"descriptors"` // a later node may leave it out: there are no others any more
	}
	if err := s.c.walletCall(ctx, name, "getwalletinfo", nil, &info); err != nil {
		return nil, noWallets(err)
	}
	if info.Private || info.Descriptors != nil && !*info.Descriptors {
		return nil, errForeign
	}
	return out.Descriptors, nil
}

// noWallets puts the error of a node without wallets into words.
func noWallets(err error) error {
	if isCode(err, codeNoMethod) {
		return unavailable(err, "the node runs without wallets; remove disablewallet=1 from its bitcoin.conf and restart it")
	}
	return err
}

// load loads a wallet, or makes an empty watch-only descriptor wallet where there is none. The
// node's list of wallets to load at its start is left as it is.
func (s *Source) load(ctx context.Context, w *wallet, name string) error {
	select {
	case w.loads <- struct{}{}:
		defer func() { <-w.loads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for range 60 {
		// Loading can take long: the wallet catches up with the blocks since it was unloaded.
		err := s.c.longCall(ctx, "", "loadwallet", []any{name}, nil)
		switch {
		case err == nil, isCode(err, codeWalletLoaded), says(err, "already loaded"):
			return nil
		case isCode(err, codeWalletNotFound):
			err = s.c.longCall(ctx, "", "createwallet",
				args{"wallet_name": name, "disable_private_keys": true, "blank": true, "descriptors": true}, nil)
			if err == nil {
				s.log.Info("made a watch-only wallet inside the node")
				return nil
			}
			if !isCode(err, codeWalletExists) && !says(err, "already exists") {
				return noWallets(err)
			}
		case says(err, "already being loaded"), says(err, "already loading"), says(err, "exclusive lock"):
		case says(err, "beyond pruned data"):
			return unavailable(err, "the node has thrown away blocks that this wallet has not seen yet; "+
				"remove the wallet %q from the node, or use a node with all blocks", name)
		default:
			return noWallets(err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return errs.E(errs.Unavailable, "the node does not finish loading the wallet")
}

// match pairs the request's keychains with the wallet's descriptors. ours is false when the
// wallet watches anything else: its transactions would be told as this wallet's.
func (s *Source) match(ctx context.Context, w *wallet, r chain.Request, list []listed) (holds []held, ours bool, err error) {
	byKey := map[string]*listed{}
	for i := range list {
		byKey[descKey(list[i].Desc)] = &list[i]
	}
	for _, k := range r.Keychains {
		h := held{Keychain: k, listed: byKey[descKey(k.Descriptor)]}
		if h.listed == nil && len(byKey) > 0 { // perhaps the node writes it otherwise
			key, err := s.canonical(ctx, w, k.Descriptor)
			if err != nil {
				return nil, false, err
			}
			h.listed = byKey[key]
		}
		if h.listed != nil {
			delete(byKey, descKey(h.listed.Desc))
		}
		holds = append(holds, h)
	}
	return holds, len(byKey) == 0, nil
}

// canonical asks once how the node writes a descriptor.
func (s *Source) canonical(ctx context.Context, w *wallet, desc string) (string, error) {
	s.mu.Lock()
	key, known := w.canon[desc]
	s.mu.Unlock()
	if known {
		return key, nil
	}
	var out struct {
		Descriptor string `json:"descriptor"`
	}
	if err := s.c.call(ctx, "getdescriptorinfo", []any{desc}, &out); err != nil {
		return "", badDescriptor(err)
	}
	key = descKey(out.Descriptor)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.canon[desc] = key
	return key, nil
}

// badDescriptor tells that the node cannot watch what the wallet asks for.
func badDescriptor(err error) error {
	if e, ok := asRPC(err); ok && isCode(err, codeInvalidAddress, codeInvalidParam, codeWallet) {
		return &errs.Error{Kind: errs.Unavailable, Message: "the node cannot watch this wallet: " + e.Message, Cause: err}
	}
	return err
}

func asRPC(err error) (*RPCError, bool) {
	var e *RPCError
	ok := errors.As(err, &e)
	return e, ok
}

// Forget unloads what the node keeps for a wallet. Its file stays inside the node's data folder,
// where only the node's owner can remove it.
func (s *Source) Forget(ctx context.Context, name string) error {
	b, end := s.bound(ctx)
	defer end()
	if err := s.AbortRescan(ctx, name); err != nil && !isCode(err, codeWalletNotFound) {
		return err
	}
	s.mu.Lock()
	inNode := name
	if w := s.wallets[name]; w != nil && w.inNode != "" {
		inNode = w.inNode
	}
	delete(s.wallets, name)
	s.mu.Unlock()
	err := s.c.walletCall(b, "", "unloadwallet", []any{inNode}, nil)
	if isCode(err, codeWalletNotFound) {
		err = nil
	}
	return s.door(ctx, err)
}
