package legacytest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
)

const tpub = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"

// Large writes a data folder with so many wallets, each with so many cached transactions of
// 100,000 sat.
func Large(dir string, wallets, txs int) error {
	base := filepath.Join(dir, "wallets", "regtest")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auth": "none", "uid": "9f3c01d2a4b5e678"}`), 0o600); err != nil {
		return err
	}
	for w := range wallets {
		if err := largeWallet(base, w, txs); err != nil {
			return err
		}
	}
	return nil
}

func largeWallet(base string, w, txs int) error {
	alias := fmt.Sprintf("wallet_%02d", w)
	receive := fmt.Sprintf("wpkh([73c5da0a/84h/1h/0h]%s/%d/0/*)", tpub, w)
	scripts := Scripts(receive)
	if err := os.MkdirAll(filepath.Join(base, alias+"_txs_raw"), 0o700); err != nil {
		return err
	}
	var csv strings.Builder
	csv.WriteString("txid,fee,blockhash,blockheight,time,blocktime,bip125-replaceable,conflicts,vsize,address,category,flow_amount,utxo_amount,ismine\r\n")
	for i := range txs {
		id, raw := Payment(scripts[i%len(scripts)], w, i)
		if err := os.WriteFile(filepath.Join(base, alias+"_txs_raw", id+".bin"), raw, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&csv, "%s,,%064x,%d,%d,%d,no,[],,,receive,0.001,,True\r\n", id, i+1, i+1, 1700000000+600*i, 1700000000+600*i)
	}
	if err := os.WriteFile(filepath.Join(base, alias+"_txs.csv"), []byte(csv.String()), 0o600); err != nil {
		return err
	}
	text := fmt.Sprintf(`{"name": "Wallet %s", "address_type": "bech32", "keys": [], "devices": [], "address_index": 19, "recv_descriptor": %q, "change_descriptor": %q}`,
		alias, receive, strings.ReplaceAll(receive, "/0/*", "/1/*"))
	return os.WriteFile(filepath.Join(base, alias+".json"), []byte(text), 0o600)
}

// Scripts are the first 20 output scripts of a descriptor on regtest. It panics on text that is
// none: descriptors of tests are their own.
func Scripts(text string) (out [][]byte) {
	n := btc.Regtest
	d, err := descriptor.Parse(text, descriptor.Options{Network: &n})
	if err != nil {
		panic(err)
	}
	for i := range uint32(20) {
		o, err := d.Derive(i)
		if err != nil {
			panic(err)
		}
		out = append(out, o.Script)
	}
	return out
}

// Payment is a transaction that pays 100,000 sat to a script; w and i make it one of its own.
func Payment(script []byte, w, i int) (id string, raw []byte) {
	tx := wire.NewMsgTx(2)
	from := chainhash.HashH(fmt.Appendf(nil, "%d %d", w, i))
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&from, 0), nil, nil))
	tx.AddTxOut(wire.NewTxOut(100_000, script))
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		panic(err) // a buffer takes everything
	}
	return tx.TxHash().String(), b.Bytes()
}
