package bitbox02test

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

func (s *signing) schnorr(hashes *txscript.TxSigHashes, i int, sc scripts, key *btcec.PrivateKey) ([]byte, error) {
	var digest []byte
	var err error
	if sc.leaf == nil {
		digest, err = txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashDefault, s.tx, i, s.coins)
	} else {
		for _, leaf := range sc.tree.Leaves {
			if leaf.Hash == *sc.leaf {
				digest, err = txscript.CalcTapscriptSignaturehash(hashes, txscript.SigHashDefault, s.tx, i, s.coins, txscript.NewBaseTapLeaf(leaf.Script))
			}
		}
	}
	if err != nil || digest == nil {
		return nil, fault(hww.ErrGeneric)
	}
	return signSchnorr(key, digest, sc.tweak, sc.leaf == nil)
}

// ecdsa signs a segwit v0 input, together with the host where it wants that.
func (s *signing) ecdsa(hashes *txscript.TxSigHashes, i int, m protolite.Message, sc scripts, key *btcec.PrivateKey) ([]byte, error) {
	digest, err := txscript.CalcWitnessSigHash(sc.code, hashes, txscript.SigHashAll, s.tx, i, s.values[i])
	if err != nil {
		return nil, fault(hww.ErrGeneric)
	}
	promised, with, err := m.Message(hww.InCommitment)
	switch {
	case err != nil:
		return nil, invalid
	case !with:
		commitment := hww.HostCommitment([32]byte{})
		k, point := ownNonce(key, digest, commitment[:])
		return s.b.signECDSA(key, digest, k, point, [32]byte{}), nil
	case len(promised.Bytes(1)) != 32:
		return nil, invalid
	}
	k, point := ownNonce(key, digest, promised.Bytes(1))
	s.more = protolite.Builder{}.Message(hww.NextCommitment, protolite.Builder{}.Bytes(1, point))
	r, err := s.ask(hww.WantHostNonce, i, 0, hww.BTCHostNonce, true)
	if err != nil {
		return nil, err
	}
	if len(r.Bytes(1)) != 32 {
		return nil, invalid
	}
	return s.b.signECDSA(key, digest, k, point, [32]byte(r.Bytes(1))), nil
}

// signMessage shows a message and signs it.
func (b *Box) signMessage(t *task, m protolite.Message) (protolite.Builder, error) {
	c, err := coinIn(m, hww.MsgCoin)
	if err != nil {
		return nil, err
	}
	with, ok, err := m.Message(hww.MsgConfig)
	if err != nil || !ok {
		return nil, invalid
	}
	config, _, err := with.Message(hww.WithPathConfig)
	if err != nil || !config.Has(hww.ConfigSimple) || config.Uint(hww.ConfigSimple) == uint64(hww.TR) {
		return nil, invalid
	}
	path, err := pathIn(with, hww.WithPathPath)
	text := m.Bytes(hww.MsgText)
	if err != nil || len(path) < 3 || len(text) == 0 || len(text) > hww.MaxText {
		return nil, invalid
	}
	if _, err := b.address(t, c, config, path, false); err != nil {
		return nil, err
	}
	if !b.ask(t, signertest.ShowMessage, string(text)) {
		return nil, aborted
	}
	key, err := b.signingKey(path)
	if err != nil {
		return nil, err
	}
	sig, err := b.messageSignature(t, m, key, messageDigest(text))
	return protolite.Builder{}.Message(hww.BTCSignMessageRsp, protolite.Builder{}.Bytes(1, sig)), err
}

func (b *Box) messageSignature(t *task, m protolite.Message, key *btcec.PrivateKey, digest []byte) ([]byte, error) {
	promised, with, err := m.Message(hww.MsgCommitment)
	switch {
	case err != nil:
		return nil, invalid
	case !with:
		commitment := hww.HostCommitment([32]byte{})
		k, point := ownNonce(key, digest, commitment[:])
		return b.signECDSA(key, digest, k, point, [32]byte{}), nil
	case len(promised.Bytes(1)) != 32:
		return nil, invalid
	}
	k, point := ownNonce(key, digest, promised.Bytes(1))
	r, err := b.next(t, protolite.Builder{}.Message(hww.RspBTC, protolite.Builder{}.
		Message(hww.BTCSignerCommitment, protolite.Builder{}.Bytes(1, point))))
	if err != nil {
		return nil, err
	}
	if r, _, err = r.Message(hww.ReqBTC); err == nil {
		r, _, err = r.Message(hww.BTCHostNonce)
	}
	if err != nil || len(r.Bytes(1)) != 32 {
		return nil, invalid
	}
	return b.signECDSA(key, digest, k, point, [32]byte(r.Bytes(1))), nil
}
