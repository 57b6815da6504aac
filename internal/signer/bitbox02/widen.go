package bitbox02

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// walletsFor are the wallets that a transaction spends from: the one that is named, or what the
// PSBT tells. The extended keys of single-key accounts it need not tell; the device does.
func (s *session) walletsFor(ctx context.Context, w signer.Wallet, p *psbt.Packet) ([]signer.Wallet, error) {
	if w.Descriptor != nil {
		w, _, err := s.widened(ctx, w)
		return []signer.Wallet{w}, err
	}
	spends, err := signer.WalletsFor(p, s.info.Fingerprint, s.options.Network.IsMain(), func(account btc.Path) (btc.XKey, error) {
		return s.account(ctx, account)
	})
	if err != nil {
		return nil, err
	}
	var list []signer.Wallet
	for _, spend := range spends {
		wide, _, err := s.widened(ctx, spend.Wallet)
		if err != nil {
			return nil, err
		}
		list = append(list, wide)
	}
	if len(list) == 0 {
		return nil, signer.E(signer.CodeBadTransaction, "no input of this transaction is of the connected BitBox02 (%s)", s.info.Fingerprint)
	}
	return unique(list), nil
}

// unique drops wallets that are there twice.
func unique(list []signer.Wallet) []signer.Wallet {
	seen := map[string]bool{}
	var out []signer.Wallet
	for _, w := range list {
		if text := w.Descriptor.String(); !seen[text] {
			seen[text] = true
			out = append(out, w)
		}
	}
	return out
}

// account asks for an account's key where that bothers nobody.
func (s *session) account(ctx context.Context, p btc.Path) (btc.XKey, error) {
	if !s.usualAccount(p) {
		return btc.XKey{}, signer.E(signer.CodeUnavailable, "the BitBox02 knows wallets only at their standard paths (m/84h, m/49h, m/86h or m/48h with coin %dh and an account below 100), not at %s", s.options.Network.CoinType(), p.Full())
	}
	return s.XPub(ctx, p)
}

// spot is an address within a wallet.
type spot struct{ branch, index uint32 }

// widened makes a wallet of an address whose key is given plainly with its full path, for the
// device thinks in accounts: of wpkh([fp/84h/0h/0h/0/5]02…) the account at m/84h/0h/0h, and 0/5.
// Other wallets come back as they are, without a spot.
func (s *session) widened(ctx context.Context, w signer.Wallet) (signer.Wallet, *spot, error) {
	keys := w.Descriptor.Keys()
	if len(keys) != 1 || keys[0].XKey != nil || keys[0].Origin == nil || keys[0].Origin.Fingerprint != s.info.Fingerprint {
		return w, nil, nil
	}
	p := keys[0].Origin.Path
	if len(p) != 5 || p[3] > 1 || p[4] >= btc.Hardened {
		return w, nil, signer.E(signer.CodeUnavailable, "the BitBox02 knows addresses at an account, 0 or 1 and an index, not at %s", p.Full())
	}
	k, err := s.account(ctx, p[:3])
	if err != nil {
		return w, nil, err
	}
	text, _, _ := strings.Cut(w.Descriptor.String(), "#")
	origin := btc.KeyOrigin{Fingerprint: s.info.Fingerprint, Path: p[:3]}
	d, err := descriptor.Parse(strings.Replace(text, keys[0].Text, "["+origin.String()+"]"+k.String()+"/"+usualPath, 1), descriptor.Options{})
	if err != nil {
		return w, nil, signer.E(signer.CodeBadArgument, "%w", err)
	}
	return signer.Wallet{Name: w.Name, Descriptor: d}, &spot{p[3], p[4]}, nil
}
