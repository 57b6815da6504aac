package core

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

// maxEntries bounds how many rows of a listing are taken: a wallet that large is beyond us, and
// a node that lies must not fill the memory.
const maxEntries = 5_000_000

// entry is a transaction in a listing; rows of one transaction become one entry.
type entry struct {
	id        chainhash.Hash
	block     chain.Block // Height 0: in no block
	received  int64
	conf      int32 // confirmations; below 0: a conflicting one is in a block
	abandoned bool
	foreign   bool     // the node's wallet does not have it; the mempool may
	mine      []uint32 // outputs that pay the wallet
}

// listing is what listsinceblock told, of one moment of the node's wallet.
type listing struct {
	entries []entry
	removed []entry        // of blocks that have left the chain, as they stand now
	last    chainhash.Hash // the newest block that the wallet knew then
}

// row is one row of listsinceblock.
type row struct {
	TxID      hash    `json:"txid"`
	Category  string  `json:"category"`
	Vout      *uint32 `json:"vout"`
	Conf      int32   `json:"confirmations"`
	BlockHash *hash   `json:"blockhash"`
	Height    int32   `json:"blockheight"`
	BlockTime int64   `json:"blocktime"`
	Received  int64   `json:"timereceived"`
	Abandoned bool    `json:"abandoned"`
}

// list copies out what the node's wallet knows since a block (nil: everything). When that block
// has left the chain, it begins where the chain forked. It waits until the wallet has seen the
// node's tip: the node does that by itself.
func (s *Source) list(ctx context.Context, inNode string, since *chainhash.Hash) (*listing, error) {
	params := args{"target_confirmations": 1, "include_removed": since != nil, "include_change": true}
	if since != nil {
		params["blockhash"] = since.String()
	}
	l := &listing{}
	err := s.c.stream(ctx, inNode, "listsinceblock", params, func(r io.Reader) error {
		if err := readListing(r, l); err != nil {
			return unavailable(err, "the node's list of transactions cannot be understood")
		}
		return nil
	})
	return l, err
}

// readListing decodes an answer row by row: a listing of 100,000 transactions has a hundred
// megabytes of text, of which little is kept.
func readListing(r io.Reader, l *listing) error {
	dec := json.NewDecoder(r)
	return readObject(dec, func(key string) error {
		if key != "result" {
			return skip(dec)
		}
		return readObject(dec, func(key string) error {
			switch key {
			case "transactions":
				return readRows(dec, &l.entries)
			case "removed":
				return readRows(dec, &l.removed)
			case "lastblock":
				var h hash
				err := dec.Decode(&h)
				l.last = h.Hash
				return err
			}
			return skip(dec)
		})
	})
}

// readObject walks an object's keys; value must consume each value.
func readObject(dec *json.Decoder, value func(key string) error) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("an object was expected, not %v", t)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := value(key); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func skip(dec *json.Decoder) error {
	var raw json.RawMessage
	return dec.Decode(&raw)
}

func readRows(dec *json.Decoder, list *[]entry) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("a list was expected, not %v", t)
	}
	at := map[chainhash.Hash]int{}
	for n := 0; dec.More(); n++ {
		if n >= maxEntries {
			return errs.E(errs.Unavailable, "the node lists more than %d transactions", maxEntries)
		}
		var x row
		if err := dec.Decode(&x); err != nil {
			return err
		}
		i, seen := at[x.TxID.Hash]
		if !seen {
			i = len(*list)
			at[x.TxID.Hash] = i
			*list = append(*list, x.entry())
		}
		if x.Category != "send" && x.Vout != nil {
			(*list)[i].mine = append((*list)[i].mine, *x.Vout)
		}
	}
	_, err = dec.Token()
	return err
}

func (x row) entry() entry {
	e := entry{id: x.TxID.Hash, received: x.Received, conf: x.Conf, abandoned: x.Abandoned}
	if x.Conf > 0 && x.BlockHash != nil {
		e.block = chain.Block{Height: x.Height, Hash: x.BlockHash.Hash, Time: unix(x.BlockTime)}
	}
	return e
}

// inMempool tells which of some transactions are in the node's mempool.
func (s *Source) inMempool(ctx context.Context, ids []chainhash.Hash) (map[chainhash.Hash]bool, error) {
	calls := make([]*call, len(ids))
	for i, id := range ids {
		calls[i] = &call{method: "getmempoolentry", params: []any{id.String()}}
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return nil, err
	}
	there := map[chainhash.Hash]bool{}
	for i, q := range calls {
		switch {
		case q.err == nil:
			there[ids[i]] = true
		case !isCode(q.err, codeInvalidAddress): // anything but "not in mempool"
			return nil, q.err
		}
	}
	return there, nil
}

// pending lists the entries that are in no block and not given up: candidates of the mempool.
func (l *listing) pending() []chainhash.Hash {
	var ids []chainhash.Hash
	for _, e := range l.entries {
		if e.conf == 0 && !e.abandoned {
			ids = append(ids, e.id)
		}
	}
	return ids
}
