package wallet

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// maxLabel bounds labels, in bytes; BIP329 advises readers to take 255 characters.
const maxLabel = 1000

// SetLabel puts a label on a transaction, an address or an output; "" takes it away. Addresses
// may be others' as well: recipients have names.
func (s *Service) SetLabel(ctx context.Context, ref Ref, kind LabelKind, key string, label string) error {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	if key, err = labelKey(r.Network, kind, key); err != nil {
		return err
	}
	if label, err = cleanLabel(label); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := s.c.Store.SetLabel(ctx, r.ID, kind, key, label); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}

func cleanLabel(label string) (string, error) {
	label = strings.TrimSpace(label)
	if len(label) > maxLabel {
		return "", errs.E(errs.Invalid, "the label is too long; use at most %d characters", maxLabel)
	}
	if strings.ContainsFunc(label, unicode.IsControl) {
		return "", errs.E(errs.Invalid, "a label is one line of text")
	}
	return label, nil
}

// labelKey checks what a label stands on and gives it its one spelling.
func labelKey(n btc.Network, kind LabelKind, key string) (string, error) {
	switch kind {
	case LabelTx:
		h, err := parseTxID(key)
		return h.String(), err
	case LabelAddress:
		a, err := btc.ParseAddress(key, n)
		if err != nil {
			return "", err
		}
		if address, ok := btc.AddressOf(a.Script, n); ok {
			return address, nil
		}
		return "", errs.E(errs.Invalid, "%q is no address that can be labelled", key)
	case LabelOutput, LabelInput:
		op, err := parseOutPoint(key)
		return op.String(), err
	case LabelXPub:
		x, _, err := btc.ParseXKey(strings.TrimSpace(key))
		if err != nil {
			return "", err
		}
		return x.Public().String(), nil
	case LabelPubKey:
		return parsePubKey(key)
	}
	return "", errs.E(errs.Invalid, "%q is nothing that can be labelled", string(kind))
}

// parsePubKey checks a public key of 32, 33 or 65 bytes in hex.
func parsePubKey(s string) (string, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 && len(b) != 33 && len(b) != 65 {
		return "", errs.E(errs.Invalid, "%q is no public key; it has 66 hex digits", s)
	}
	return hex.EncodeToString(b), nil
}

func parseTxID(s string) (chainhash.Hash, error) {
	if len(s) == 2*chainhash.HashSize {
		if h, err := chainhash.NewHashFromStr(s); err == nil {
			return *h, nil
		}
	}
	return chainhash.Hash{}, errs.E(errs.Invalid, "%q is no txid; it has 64 hex digits", s)
}

func parseOutPoint(s string) (wire.OutPoint, error) {
	txid, vout, _ := strings.Cut(s, ":")
	h, err := parseTxID(txid)
	if err != nil {
		return wire.OutPoint{}, err
	}
	n, err := strconv.ParseUint(vout, 10, 32)
	if err != nil {
		return wire.OutPoint{}, errs.E(errs.Invalid, "%q is no outpoint; it is written txid:number", s)
	}
	return wire.OutPoint{Hash: h, Index: uint32(n)}, nil
}
