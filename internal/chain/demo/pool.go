package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// poolFile holds the mempool while a chain in a folder is closed: a count, then transactions.
const poolFile = "mempool"

// maxPoolTxs bounds what is read back.
const maxPoolTxs = 1_000_000

// savePool writes the mempool down, so that a program that starts again finds it as it was.
func (c *Chain) savePool() error {
	if c.pool == nil {
		return nil
	}
	var b bytes.Buffer
	txs := c.pool.TxDescs()
	if err := wire.WriteVarInt(&b, 0, uint64(len(txs))); err != nil {
		return err
	}
	for _, d := range txs {
		if err := d.Tx.MsgTx().Serialize(&b); err != nil {
			return err
		}
	}
	path := filepath.Join(c.dir, poolFile)
	if err := os.WriteFile(path+".new", b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// loadPool offers what was written down to the mempool, which validates all of it again.
func (c *Chain) loadPool() error {
	data, err := os.ReadFile(filepath.Join(c.dir, poolFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r := bytes.NewReader(data)
	n, err := wire.ReadVarInt(r, 0)
	if err != nil || n > maxPoolTxs {
		return fmt.Errorf("the file %s is damaged; delete it, it holds nothing but unconfirmed transactions", poolFile)
	}
	var txs []*btcutil.Tx
	for range n {
		tx := new(wire.MsgTx)
		if err := tx.Deserialize(r); err != nil {
			return fmt.Errorf("the file %s is damaged; delete it, it holds nothing but unconfirmed transactions: %w", poolFile, err)
		}
		txs = append(txs, btcutil.NewTx(tx))
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return fmt.Errorf("the file %s is longer than it says; delete it, it holds nothing but unconfirmed transactions", poolFile)
	}
	c.refill(txs)
	return nil
}
