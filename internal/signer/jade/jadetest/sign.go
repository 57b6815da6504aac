package jadetest

import (
	"bytes"
	"context"
	"encoding/base64"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

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
	k, err := l.b.key(p.Path)
	if err != nil {
		return nil, err
	}
	key, _ := k.PrivateKey()
	if l.b.Lie.Signature {
		key, _ = btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	}
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
	if _, err := tx.Fee(); err != nil {
		return nil, refuse(badParameters, "Input utxo missing")
	}
	asking, end := l.asking(ctx)
	defer end()
	shown := l.b.Device
	shown.Network = n
	if !shown.AskSpend(asking, tx, l.b.known()) {
		return nil, refuse(userCancelled, "User declined to sign psbt")
	}
	signed, err := l.b.SignSpend(tx, psbt.ExtendedKey(l.b.Master, btc.KeyOrigin{}))
	if err != nil {
		return nil, refuse(internalError, "Failed to generate signature: "+err.Error())
	}
	out, err := signed.Serialize()
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
