package wallet

import (
	"bytes"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// ReadTx reads a stored transaction and holds it against its txid.
func ReadTx(raw []byte, id chainhash.Hash) (*wire.MsgTx, error) {
	tx, err := psbt.ParseTx(raw)
	if err != nil {
		return nil, err
	}
	if tx.TxHash() != id {
		return nil, errs.E(errs.Invalid, "the stored bytes belong to another transaction")
	}
	return tx, nil
}

// WriteTx writes a transaction as it is stored: with its witness.
func WriteTx(tx *wire.MsgTx) []byte {
	var b bytes.Buffer
	b.Grow(tx.SerializeSize())
	_ = tx.Serialize(&b) // a buffer takes everything
	return b.Bytes()
}
