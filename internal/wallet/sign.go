package wallet

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// answer is what came back from a signer: a PSBT or a raw transaction.
type answer struct {
	packet *psbt.Packet
	tx     *wire.MsgTx
}

// parseAnswer reads a PSBT (binary, base64, hexadecimal, of either version) or a signed
// transaction (binary, hexadecimal).
func parseAnswer(data []byte) (answer, error) {
	if len(strings.TrimSpace(string(data))) == 0 {
		return answer{}, errs.E(errs.Invalid, "there is no PSBT; paste it or choose a file")
	}
	p, err := psbt.Decode(string(data))
	if err == nil {
		return answer{packet: p}, nil
	}
	if tx, e := psbt.ParseTx(data); e == nil {
		return answer{tx: tx}, nil
	}
	text := strings.Join(strings.Fields(string(data)), "")
	if _, e := hex.DecodeString(text); e == nil && !strings.HasPrefix(text, "70736274") {
		if tx, e := psbt.DecodeTx(text); e == nil {
			return answer{tx: tx}, nil
		}
	}
	return answer{}, err
}

// signed reports whether the answer holds any signature at all.
func (a answer) signed() bool {
	if a.tx != nil {
		return true
	}
	for i := range a.packet.Inputs {
		in := &a.packet.Inputs[i]
		if len(in.PartialSigs)+len(in.TapScriptSigs)+len(in.TapKeySig)+len(in.MuSig2PartialSigs) > 0 || in.Finalized() {
			return true
		}
	}
	return false
}

// AddSignatures takes a signer's answer into a draft. It must be of the same transaction, every
// new signature is verified, and what was changed besides is refused with a named reason (a
// *psbt.MergeError). An answer that brings what is there already is fine.
func (s *Service) AddSignatures(ctx context.Context, ref Ref, id DraftID, data []byte) (Draft, error) {
	a, err := parseAnswer(data)
	if err != nil {
		return Draft{}, err
	}
	if !a.signed() {
		return Draft{}, errs.E(errs.Invalid, "this PSBT holds no signature; sign it on the device first")
	}
	return s.take(ctx, ref, id, a)
}

// SignHot signs a draft with a software key of the user's.
func (s *Service) SignHot(ctx context.Context, ref Ref, id DraftID, deviceID int64, passphrase string) (Draft, error) {
	if s.c.SignHot == nil {
		return Draft{}, errs.E(errs.Unavailable, "this program has no software keys")
	}
	r, _, err := s.ready(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return Draft{}, err
	}
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		return Draft{}, broken(err)
	}
	signed := p.Clone()
	if err := s.c.SignHot(ctx, ref.Owner, deviceID, passphrase, signed); err != nil { // slow: not under the lock
		return Draft{}, err
	}
	return s.take(ctx, ref, id, answer{packet: signed})
}

func broken(err error) error {
	return errs.E(errs.Unavailable, "the stored draft cannot be read; delete it and make the payment again: %w", err)
}

// take merges an answer into a draft under the wallet's lock, and makes it final when it is.
func (s *Service) take(ctx context.Context, ref Ref, id DraftID, a answer) (Draft, error) {
	return s.changeDraft(ctx, ref, id, func(r Record, _ *openWallet, d *StoredDraft) error {
		p, err := psbt.Parse(d.PSBT)
		if err != nil {
			return broken(err)
		}
		merged, fresh, err := merge(p, a)
		if err != nil || len(fresh) == 0 {
			return err
		}
		if err := s.renew(ctx, r, d); err != nil { // who signs wants it sent
			return err
		}
		d.Changed = s.c.Now()
		if err := settle(d, merged); err != nil {
			return err
		}
		if err := s.c.Store.PutDraft(ctx, d); err != nil {
			return err
		}
		s.tell(r, "draft")
		return nil
	})
}

func merge(p *psbt.Packet, a answer) (*psbt.Packet, []psbt.NewSignature, error) {
	if a.tx != nil {
		return p.MergeTx(a.tx)
	}
	return p.Merge(a.packet)
}

// settle writes a packet into a draft and finds its state. A complete one is finalized and
// extracted, which runs every input through the script engine.
func settle(d *StoredDraft, p *psbt.Packet) (err error) {
	if d.PSBT, err = p.Serialize(); err != nil {
		return err
	}
	final, err := finalize(p)
	if err != nil {
		return err
	}
	switch {
	case d.State == Broadcast:
	case final != nil:
		d.State, d.Final = Complete, WriteTx(final)
	case p.Analyse().Status == psbt.StatusUnsigned:
		d.State = Unsigned
	default:
		d.State = PartlySig
	}
	return nil
}

// finalize returns the signed transaction, or nil while signatures are missing.
func finalize(p *psbt.Packet) (*wire.MsgTx, error) {
	if !p.Analyse().Complete {
		return nil, nil
	}
	c := p.Clone()
	if err := c.Finalize(); err != nil {
		return nil, err
	}
	return c.Extract()
}
