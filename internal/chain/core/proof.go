package core

import (
	"bytes"
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

var _ chain.Prover = (*Source)(nil)

// maxProof bounds a proof in bytes: a header, some 14 hashes and a few flags in hex.
const maxProof = 4000

// Proof asks for gettxoutproof and the headers above. Nothing of it is believed before
// chain.Proof.Check.
func (s *Source) Proof(ctx context.Context, txid chainhash.Hash, b chain.Block) (chain.Proof, error) {
	c, end := s.bound(ctx)
	defer end()
	p, err := s.proof(c, txid, b)
	return p, s.door(ctx, err)
}

func (s *Source) proof(ctx context.Context, txid chainhash.Hash, b chain.Block) (chain.Proof, error) {
	var raw string
	err := s.c.call(ctx, "gettxoutproof", []any{[]string{txid.String()}, b.Hash.String()}, &raw)
	if isCode(err, codeInvalidAddress) { // -5: block or transaction not found
		return chain.Proof{}, errs.E(errs.NotFound, "the node has no transaction %s in the block %s", txid, b.Hash)
	}
	if err != nil {
		return chain.Proof{}, err
	}
	data, err := hex.DecodeString(raw)
	if err != nil || len(data) > maxProof {
		return chain.Proof{}, errs.E(errs.Unavailable, "the node's proof cannot be read")
	}
	m := new(wire.MsgMerkleBlock)
	r := bytes.NewReader(data)
	if err := m.BtcDecode(r, wire.BIP0037Version, wire.BaseEncoding); err != nil || r.Len() > 0 {
		return chain.Proof{}, errs.E(errs.Unavailable, "the node's proof cannot be read")
	}
	return chain.Proof{Merkle: m}, nil
}
