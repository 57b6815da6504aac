package alpha

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/wallet"
)

func TestRecordsOfEveryKind(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	a, b, c := chainhash.HashH([]byte("a")), chainhash.HashH([]byte("b")), chainhash.HashH([]byte("c"))
	fee := btcutil.Amount(141)
	lost := wallet.WalkTx{HistoryRow: wallet.HistoryRow{TxID: a, Category: wallet.Send, State: wallet.Conflicted, Amount: -1_000_141, Fee: &fee, VSize: 141, Time: at, ReplacedBy: &b,
		Label: "tab\t\"quote\" \\ <b>\u2028é", Address: "x", WalletAlias: "w"}}
	won := wallet.WalkTx{HistoryRow: wallet.HistoryRow{TxID: b, Category: wallet.Mixed, Height: 7, BlockHash: c, Confirmations: 3, Time: at, Replaceable: true}, Replaces: []chainhash.Hash{a, c}, Paid: 5}
	must(t, same("lost", decodeText([]byte(`{"txid": "`+a.String()+`", "fee": 0.00000141, "blockhash": null, "blockheight": null, "blocktime": null, "time": 1700000000,
		"bip125-replaceable": "no", "conflicts": ["`+b.String()+`"], "vsize": 141, "address": "x", "category": "send", "flow_amount": -0.01000141, "utxo_amount": 0, "ismine": true,
		"confirmations": 0, "label": "tab\t\"quote\" \\ <b>\u2028é", "validated_blockhash": "", "wallet_alias": "w", "_current_blockheight": 9}`)), decode(t, append(appendRecord(nil, &lost, 9), '}'))))
	must(t, same("won", decodeText([]byte(`{"txid": "`+b.String()+`", "fee": null, "blockhash": "`+c.String()+`", "blockheight": 7, "blocktime": 1700000000, "time": 1700000000,
		"bip125-replaceable": "yes", "conflicts": ["`+a.String()+`", "`+c.String()+`"], "vsize": null, "address": "", "category": "mixed", "flow_amount": 0, "utxo_amount": 0.00000005, "ismine": true,
		"confirmations": 3, "label": "", "validated_blockhash": "", "wallet_alias": "", "_current_blockheight": 9}`)), decode(t, append(appendRecord(nil, &won, 9), '}'))))
}

// FuzzText holds the writer of texts against the library's.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f", "\xff\xfe", "a\"b\\c", "</script>", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, want string
		if err := json.Unmarshal(appendText(nil, text), &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		plain, _ := json.Marshal(text)
		if err := json.Unmarshal(plain, &want); err != nil || got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	})
}
