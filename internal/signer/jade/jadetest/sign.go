package jadetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer/jade"
	"specter/internal/signer/signertest"
)

func (l *link) signMessage(ctx context.Context, m call) (any, error) {
	var p struct {
		Message    string   `cbor:"message"`
		Path       []uint32 `cbor:"path"`
		Commitment []byte   `cbor:"ae_host_commitment"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	switch {
	case p.Message == "":
		return nil, refuse(badParameters, "Failed to extract message from parameters")
	case len(p.Path) == 0:
		return nil, refuse(badParameters, "Failed to extract valid path from parameters")
	case p.Commitment != nil && len(p.Commitment) != 32:
		return nil, refuse(badParameters, "Failed to extract valid host commitment from parameters")
	}
	if err := l.approve(ctx, signertest.ShowMessage, p.Message, "User declined to sign message"); err != nil {
		return nil, err
	}
	master := l.b.Master
	if l.b.Lie.Signature {
		master = l.b.liar()
	}
	k, err := master.Derive(p.Path)
	if err != nil {
		return nil, err
	}
	key, _ := k.PrivateKey()
	hash := message.Hash(p.Message)
	if p.Commitment == nil {
		return base64.StdEncoding.EncodeToString(ecdsa.SignCompact(key, hash, true)), nil
	}
	return l.antiExfil(ctx, m, key, hash, p.Commitment)
}

// antiExfil shows the host the opening, waits for its entropy and signs with it.
func (l *link) antiExfil(ctx context.Context, m call, key *btcec.PrivateKey, hash, commitment []byte) (any, error) {
	nonce := btcec.NonceRFC6979(key.Serialize(), hash, commitment, nil, 0)
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(nonce, &point)
	point.ToAffine()
	opening := btcec.NewPublicKey(&point.X, &point.Y).SerializeCompressed()
	if err := l.write(ctx, map[string]any{"id": m.ID, "result": opening}); err != nil {
		return nil, err
	}
	next, ok := l.receive(ctx)
	if !ok {
		return nil, context.Canceled
	}
	var p struct {
		Entropy []byte `cbor:"ae_host_entropy"`
	}
	refuseNext := func(code int, text string) (any, error) {
		return nil, l.write(ctx, map[string]any{"id": next.ID, "error": map[string]any{"code": code, "message": text, "data": nil}})
	}
	if next.Method != "get_signature" {
		return refuseNext(protocolError, "Unexpected message, expecting 'get_signature'")
	}
	if err := next.into(&p); err != nil || len(p.Entropy) != 32 {
		return refuseNext(badParameters, "Failed to extract host entropy from parameters")
	}
	if !l.b.Exfil {
		tweak := jade.Tweak(opening, [32]byte(p.Entropy))
		nonce.Add(&tweak)
	}
	sig := signWith(key, hash, nonce)
	return nil, l.write(ctx, map[string]any{"id": next.ID, "result": base64.StdEncoding.EncodeToString(sig)})
}

// signWith is ECDSA with a given nonce: r and s, with s low.
func signWith(key *btcec.PrivateKey, hash []byte, nonce *btcec.ModNScalar) []byte {
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(nonce, &point)
	point.ToAffine()
	var r, e, s btcec.ModNScalar
	r.SetBytes(point.X.Bytes())
	e.SetByteSlice(hash)
	s.Mul2(&key.Key, &r).Add(&e).Mul(new(btcec.ModNScalar).InverseValNonConst(nonce))
	if s.IsOverHalfOrder() {
		s.Negate()
	}
	rb, sb := r.Bytes(), s.Bytes()
	return append(rb[:], sb[:]...)
}

// chunk is what one message of a long reply holds.
const chunk = 3*1024 - 64

func (l *link) signPSBT(ctx context.Context, m call) (any, error) {
	var p struct {
		Network string `cbor:"network"`
		PSBT    []byte `cbor:"psbt"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	n, err := l.b.networkOf(p.Network)
	if err != nil {
		return nil, err
	}
	tx, err := psbt.Parse(p.PSBT)
	if err != nil || tx.Version != 0 {
		return nil, refuse(badParameters, "Failed to extract psbt from passed bytes")
	}
	if err := l.review(ctx, tx, n); err != nil {
		return nil, err
	}
	if err := l.b.sign(tx); err != nil {
		return nil, refuse(internalError, "Failed to generate signature: "+err.Error())
	}
	out, err := tx.Serialize()
	if err != nil {
		return nil, refuse(internalError, "Failed to serialise sign psbt")
	}
	return nil, l.writeLong(ctx, m, out)
}

// writeLong sends a reply in pieces, each asked for by the host.
func (l *link) writeLong(ctx context.Context, m call, out []byte) error {
	total := len(out)/chunk + 1
	for at, id := 1, m.ID; ; at++ {
		piece := out[(at-1)*chunk : min(at*chunk, len(out))]
		if err := l.write(ctx, map[string]any{"id": id, "seqnum": at, "seqlen": total, "result": piece}); err != nil || at == total {
			return err
		}
		next, ok := l.receive(ctx)
		if !ok {
			return context.Canceled
		}
		var p struct {
			OrigID string `cbor:"origid"`
			Orig   string `cbor:"orig"`
			SeqNum int    `cbor:"seqnum"`
			SeqLen int    `cbor:"seqlen"`
		}
		if next.into(&p) != nil || next.Method != "get_extended_data" || p.OrigID != m.ID || p.Orig != m.Method || p.SeqNum != at+1 || p.SeqLen != total {
			return l.write(ctx, map[string]any{"id": next.ID, "error": map[string]any{"code": protocolError, "message": "Unexpected message, expecting 'get_extended_data'", "data": nil}})
		}
		id = next.ID
	}
}

// review shows the person every output that is not proven to be change, and the fee.
func (l *link) review(ctx context.Context, tx *psbt.Packet, n btc.Network) error {
	const no = "User declined to sign psbt"
	fee, err := tx.Fee()
	if err != nil {
		return refuse(badParameters, "Input utxo missing")
	}
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		if l.b.change(o) {
			continue
		}
		addr, _ := btc.AddressOf(o.Script, n)
		if err := l.approve(ctx, signertest.ShowOutput, fmt.Sprintf("%s %d", addr, o.Amount), no); err != nil {
			return err
		}
	}
	return l.approve(ctx, signertest.ShowFee, fmt.Sprint(int64(fee)), no)
}

// change reports whether an output is the wallet's own: the one key's, or of a registered wallet
// on its change branch.
func (b *Board) change(o *psbt.Output) bool {
	fp := b.Master.Fingerprint()
	var path btc.Path
	for _, d := range o.Derivations {
		if d.Origin.Fingerprint == fp {
			path = d.Origin.Path
		}
	}
	for _, d := range o.TapDerivations {
		if d.Origin.Fingerprint == fp {
			path = d.Origin.Path
		}
	}
	if len(path) < 2 || path[len(path)-2] != 1 {
		return false
	}
	pays := func(script []byte) bool { return bytes.Equal(script, o.Script) }
	for _, variant := range []string{"pkh(k)", "wpkh(k)", "sh(wpkh(k))", "tr(k)"} {
		if d, err := b.single(variant, path); err == nil {
			if out, err := d.Derive(0); err == nil && pays(out.Script) {
				return true
			}
		}
	}
	tail := path[len(path)-2:]
	for _, w := range b.multisigs {
		paths := make([][]uint32, len(w.Signers))
		for i := range paths {
			paths[i] = tail
		}
		if d, err := w.descriptorAt(paths); err == nil {
			if out, err := d.Derive(0); err == nil && pays(out.Script) {
				return true
			}
		}
	}
	for _, w := range b.descriptors {
		if d, err := w.parse(); err == nil {
			if d, err = d.Branch(1); err == nil {
				if out, err := d.Derive(tail[1]); err == nil && pays(out.Script) {
					return true
				}
			}
		}
	}
	return false
}

// sign adds the signatures of the wallet's keys, or what a liar makes of them.
func (b *Board) sign(tx *psbt.Packet) error {
	keys := psbt.ExtendedKey(b.Master, btc.KeyOrigin{})
	if !b.Lie.Amount && !b.Lie.Signature {
		_, err := tx.Sign(keys)
		return err
	}
	signed := tx.Clone()
	if b.Lie.Amount {
		signed.Outputs[0].Amount--
	}
	made, err := signed.Sign(keys)
	if err != nil {
		return err
	}
	k, _ := b.liar().PrivateKey()
	for _, s := range made {
		sig, in := s.Signature, &tx.Inputs[s.Input]
		hash := bytes.Repeat([]byte{1}, 32)
		if len(s.PubKey) == 32 {
			if b.Lie.Signature {
				other, err := schnorr.Sign(k, hash)
				if err != nil {
					return err
				}
				sig = other.Serialize()
			}
			in.TapKeySig = sig
			continue
		}
		if b.Lie.Signature {
			sig = append(ecdsa.Sign(k, hash).Serialize(), byte(txscript.SigHashAll))
		}
		in.PartialSigs = append(in.PartialSigs, psbt.PartialSig{PubKey: s.PubKey, Signature: sig})
	}
	return nil
}
