package bitbox02

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// XPub derives an extended key. At paths that are none of the usual accounts the device warns
// its person first.
func (s *session) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	if err := s.begin(ctx); err != nil {
		return btc.XKey{}, err
	}
	if !s.usualAccount(p) {
		if err := s.need(sinceAnyXPub, "a key at "+p.Full()); err != nil {
			return btc.XKey{}, err
		}
		s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	}
	letters := uint64(hww.TPub)
	if s.options.Network.IsMain() {
		letters = hww.XPub
	}
	r, err := s.call(ctx, protolite.Builder{}.Message(hww.ReqPub, protolite.Builder{}.
		Uint(hww.PubCoin, uint64(s.coinFor(0))).Uint32s(hww.PubPath, p).Uint(hww.PubXPub, letters).Bool(hww.PubDisplay, false)), hww.RspPub)
	if err != nil {
		return btc.XKey{}, err
	}
	k, _, err := btc.ParseXKey(r.Text(1))
	if err != nil || k.IsPrivate() {
		return btc.XKey{}, garbled(errs.E(errs.Invalid, "an extended key: %w", err))
	}
	k.Main = s.options.Network.IsMain()
	return k, nil
}

// usualAccount knows the paths whose keys the device gives out without asking.
func (s *session) usualAccount(p btc.Path) bool {
	for _, simple := range []hww.Simple{hww.WrappedWPKH, hww.WPKH, hww.TR} {
		if s.isSimplePath(simple, p) {
			return simple != hww.TR || s.version.atLeast(sinceTaproot)
		}
	}
	return s.isMultisigPath(p, "wsh") || s.isMultisigPath(p, "sh-wsh")
}

// NeedsRegistration tells that multisig wallets and policies are kept on the device by name.
func (s *session) NeedsRegistration(w signer.Wallet) bool {
	c, err := s.configOf(w)
	return err == nil && c.kind != hww.ConfigSimple
}

// Register shows a multisig wallet or a policy to the person once, with every key. A wallet that
// the device knows already is not shown again.
func (s *session) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	if err := s.begin(ctx); err != nil {
		return signer.Registration{}, err
	}
	c, err := s.configOf(w)
	if err != nil || c.kind == hww.ConfigSimple {
		return signer.Registration{}, err
	}
	for c.at = range c.ours {
		c.path = c.keys[c.ours[c.at]].Origin.Path
		if err := s.register(ctx, c); err != nil {
			return signer.Registration{}, err
		}
		if c.kind == hww.ConfigPolicy {
			break // a policy is kept without the device's own key
		}
	}
	return signer.Registration{Name: nameFor(w.Name)}, nil
}

// register makes sure that the device knows a wallet.
func (s *session) register(ctx context.Context, c *config) error {
	if c.kind == hww.ConfigSimple {
		return nil
	}
	known, err := s.isRegistered(ctx, c)
	if err != nil || known {
		return err
	}
	what, err := s.registration(c)
	if err != nil {
		return err
	}
	name := nameFor(c.wallet.Name)
	if c.at > 0 { // the same wallet for another key of this device: names differ
		name = nameFor(name[:min(len(name), hww.MaxName-4)] + " (" + string(rune('1'+c.at)) + ")")
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeRegister})
	_, err = s.callBTC(ctx, hww.BTCRegister, protolite.Builder{}.Message(hww.RegisterWhat, what).
		Text(hww.RegisterName, name).Uint(hww.RegisterXPubs, hww.PlainXPubs), hww.BTCSuccess)
	if numberOf(err) == hww.ErrUserAbort {
		return signer.Declined("registering the wallet")
	}
	return err
}

func (s *session) isRegistered(ctx context.Context, c *config) (bool, error) {
	what, err := s.registration(c)
	if err != nil {
		return false, err
	}
	r, err := s.callBTC(ctx, hww.BTCIsRegistered, protolite.Builder{}.Message(1, what), hww.BTCIsRegisteredRsp)
	return r.Bool(1), err
}

// nameFor makes a wallet's name one that the device takes: up to 30 printable ASCII letters, no
// space at either end. Of a name that has none of them the device asks its person.
func nameFor(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r > '~':
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	return strings.TrimSpace(name[:min(len(name), hww.MaxName)])
}

// ShowAddress shows an address of the wallet. A wallet that the device does not know is
// registered first.
func (s *session) ShowAddress(ctx context.Context, w signer.Wallet, _ signer.Registration, branch, index uint32) (string, error) {
	if err := s.begin(ctx); err != nil {
		return "", err
	}
	if w.Descriptor != nil {
		wide, at, err := s.widened(ctx, w)
		if err != nil {
			return "", err
		}
		if w = wide; at != nil {
			branch, index = at.branch, at.index
		}
	}
	c, err := s.configOf(w)
	if err != nil {
		return "", err
	}
	if index > maxIndex {
		return "", signer.E(signer.CodeUnavailable, "the BitBox02 shows addresses up to number %d", maxIndex)
	}
	path, _, err := c.pathOf(c.ours[c.at], branch, index)
	if err != nil {
		return "", err
	}
	if err := s.register(ctx, c); err != nil {
		return "", err
	}
	script, err := c.script()
	if err != nil {
		return "", err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	coin := s.coinFor(c.kind)
	r, err := s.call(ctx, protolite.Builder{}.Message(hww.ReqPub, protolite.Builder{}.
		Uint(hww.PubCoin, uint64(coin)).Uint32s(hww.PubPath, path).Message(hww.PubConfig, script).Bool(hww.PubDisplay, true)), hww.RspPub)
	if numberOf(err) == hww.ErrUserAbort {
		return "", signer.Declined("the address")
	}
	if err != nil {
		return "", err
	}
	return s.addressHere(r.Text(1), coin)
}

// addressHere writes an address that the device wrote for its test network with the letters of
// the network that is meant: on signet and testnet4 they are the same, on regtest not.
func (s *session) addressHere(text string, coin hww.Coin) (string, error) {
	if coin != hww.Testnet || s.options.Network != btc.Regtest {
		return text, nil
	}
	a, err := btc.ParseAddress(text, btc.Testnet3)
	if err != nil {
		return "", garbled(err)
	}
	here, ok := btc.AddressOf(a.Script, btc.Regtest)
	if !ok {
		return "", garbled(errs.E(errs.Invalid, "an address without a script"))
	}
	return here, nil
}
