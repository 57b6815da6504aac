package message

import (
	"encoding/json"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/vectors"
)

func TestVectorsBIP322Transactions(t *testing.T) {
	var doc struct {
		Hashes []struct {
			Message, Address string
			Hash             string `json:"message_hash"`
			ToSpend          string `json:"to_spend_tx_hash"`
			ToSign           string `json:"to_sign_tx_hash"`
		} `json:"tx_hashes"`
	}
	if err := json.Unmarshal(vectors.Read(t, "message/bip322/basic-test-vectors.json"), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Hashes) < 3 {
		t.Fatalf("%d cases", len(doc.Hashes))
	}
	for _, v := range doc.Hashes {
		a, err := btc.ParseAddress(v.Address, btc.Mainnet)
		if err != nil {
			t.Fatal(err)
		}
		hash := chainhash.TaggedHash(tag322, []byte(v.Message))
		if got := toSpend(a.Script, v.Message).TxHash().String(); got != v.ToSpend {
			t.Errorf("%q: to_spend %s, want %s (message hash %x, want %s)", v.Message, got, v.ToSpend, hash[:], v.Hash)
		}
		if got := toSign(a.Script, v.Message).TxHash().String(); got != v.ToSign {
			t.Errorf("%q: to_sign %s, want %s", v.Message, got, v.ToSign)
		}
	}
}
