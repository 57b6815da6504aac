package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// stateFile holds what a chain in a folder keeps beside its blocks while it is closed. A
// program that was killed leaves an older one or none: the mempool is empty then, and wallets
// get longer answers, as with a node that has lost its mempool.dat.
const stateFile = "state.json"

type state struct {
	Mempool [][]byte          `json:"mempool"` // transactions in the wire format
	Watched map[string]*watch `json:"watched"`
}

func (c *Chain) saveState() error {
	if c.pool == nil {
		return nil // it was never opened
	}
	s := state{Watched: c.watched}
	for _, d := range c.pool.TxDescs() {
		var b bytes.Buffer
		if err := d.Tx.MsgTx().Serialize(&b); err != nil {
			return err
		}
		s.Mempool = append(s.Mempool, b.Bytes())
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, stateFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// loadState takes back what was kept. Transactions are validated again; a file that cannot be
// read counts as none, since nothing in it is missed.
func (c *Chain) loadState() error {
	path := filepath.Join(c.dir, stateFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var s state
	if json.Unmarshal(data, &s) != nil {
		return nil
	}
	var txs []*btcutil.Tx
	for _, raw := range s.Mempool {
		tx := new(wire.MsgTx)
		if tx.Deserialize(bytes.NewReader(raw)) == nil {
			txs = append(txs, btcutil.NewTx(tx))
		}
	}
	c.refill(txs)
	for name, w := range s.Watched {
		if w != nil {
			c.watched[name] = w
		}
	}
	return os.Remove(path) // from here on it is out of date
}

func decodeBlock(raw []byte) (*wire.MsgBlock, error) {
	block := new(wire.MsgBlock)
	return block, block.Deserialize(bytes.NewReader(raw))
}
