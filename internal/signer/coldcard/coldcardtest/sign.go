package coldcardtest

import (
	"bytes"
	"context"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer/signertest"
)

// signTransaction asks whether to sign the uploaded transaction.
func (p *port) signTransaction(args []byte) error {
	if err := p.uploaded(args, 1); err != nil {
		return err
	}
	if p.busyWith("stxn") {
		return errBusy
	}
	file := bytes.Clone(p.upload)
	p.result = nil
	return p.ask("stxn", true, func(ctx context.Context) []byte {
		signed, answer := p.considered(ctx, file)
		if answer != nil {
			return answer
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.result = signed
		return finished(signed)
	})
}

// considered checks a transaction, shows it and signs it, or answers why not.
func (p *port) considered(ctx context.Context, file []byte) (signed, answer []byte) {
	tx, err := psbt.Parse(file)
	if err != nil || tx.Version == 2 && p.old(5, 2) {
		return nil, []byte("err_PSBT parse failed")
	}
	if err := p.acceptable(tx); err != nil {
		return nil, append([]byte("err_"), err.Error()...)
	}
	device := p.Device.Device
	device.Master, device.Network = p.master(), p.network()
	if !device.AskSpend(ctx, tx, p.known()) {
		return nil, refusal
	}
	out, err := device.SignSpend(tx, p.keysFor(tx))
	if err != nil {
		return nil, append([]byte("err_"), err.Error()...)
	}
	raw, err := out.Serialize()
	if err != nil {
		return nil, append([]byte("err_"), err.Error()...)
	}
	return raw, nil
}

func (p *port) known() []*descriptor.Descriptor {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*descriptor.Descriptor, len(p.wallets))
	for i, w := range p.wallets {
		out[i] = w.desc
	}
	return out
}

// acceptable refuses what the firmware would: keys of nobody here, Taproot below Edge, scripts of
// wallets that were not enrolled.
func (p *port) acceptable(tx *psbt.Packet) error {
	fp, mine := p.master().Fingerprint(), false
	enrolled := signertest.Owners(tx, p.known())
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		prev, err := tx.PrevOut(i)
		if err != nil {
			return said("Missing own UTXO(s)")
		}
		here := false
		for _, k := range in.Derivations {
			here = here || k.Origin.Fingerprint == fp
		}
		for _, k := range in.TapDerivations {
			if k.Origin.Fingerprint == fp && !p.edge() {
				return said("Install EDGE firmware to spend taproot.")
			}
			here = here || k.Origin.Fingerprint == fp
		}
		mine = mine || here
		several := len(in.Derivations) > 1 || len(in.WitnessScript) > 0 || len(in.TapLeaves) > 0
		if here && several && !enrolled(prev.PkScript) {
			return said("Unknown multisig wallet")
		}
	}
	if !mine {
		return said("None of the keys involved in this transaction belong to this Coldcard")
	}
	return nil
}

// keysFor are the keys that sign. Below Edge there is one of an input at a time.
func (p *port) keysFor(tx *psbt.Packet) psbt.KeySource {
	all := psbt.ExtendedKey(p.master(), btc.KeyOrigin{})
	if p.edge() {
		return all
	}
	chosen := map[string]bool{}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		for _, k := range in.Derivations {
			signed := false
			for _, s := range in.PartialSigs {
				signed = signed || bytes.Equal(s.PubKey, k.PubKey)
			}
			if !signed && k.Origin.Fingerprint == p.master().Fingerprint() {
				chosen[string(k.PubKey)] = true
				break
			}
		}
	}
	return some{all, chosen}
}

type some struct {
	psbt.KeySource
	chosen map[string]bool
}

func (s some) PrivateKey(pub []byte, origin *btc.KeyOrigin) (*btcec.PrivateKey, bool) {
	if !s.chosen[string(pub)] {
		return nil, false
	}
	return s.KeySource.PrivateKey(pub, origin)
}
