package alpha

import (
	"encoding/json"
	"strconv"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/wallet"
)

// appendRecord writes a transaction in the old Specter's shape, as an object without its
// closing brace: lists of coins add to it. tip is the newest block that the wallet knows.
func appendRecord(b []byte, t *wallet.WalkTx, tip int32) []byte {
	b = append(b, `{"txid":"`...)
	b = appendHash(b, &t.TxID)
	b = append(b, `","fee":`...)
	if t.Fee == nil {
		b = append(b, "null"...)
	} else {
		b = appendCoins(b, *t.Fee)
	}
	time := t.Time.Unix()
	if t.Height > 0 {
		b = append(b, `,"blockhash":"`...)
		b = appendHash(b, &t.BlockHash)
		b = append(b, `","blockheight":`...)
		b = strconv.AppendInt(b, int64(t.Height), 10)
		b = append(b, `,"blocktime":`...)
		b = strconv.AppendInt(b, time, 10)
	} else {
		b = append(b, `,"blockhash":null,"blockheight":null,"blocktime":null`...)
	}
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, max(time, 0), 10)
	b = append(b, `,"bip125-replaceable":"`...)
	if t.Replaceable {
		b = append(b, `yes"`...)
	} else {
		b = append(b, `no"`...)
	}
	b = appendConflicts(b, t)
	b = append(b, `,"vsize":`...)
	if t.VSize > 0 {
		b = strconv.AppendInt(b, int64(t.VSize), 10)
	} else {
		b = append(b, "null"...)
	}
	return appendRest(b, t, tip)
}

func appendRest(b []byte, t *wallet.WalkTx, tip int32) []byte {
	b = appendText(append(b, `,"address":`...), t.Address)
	b = appendText(append(b, `,"category":`...), string(t.Category))
	b = appendCoins(append(b, `,"flow_amount":`...), t.Amount)
	b = appendCoins(append(b, `,"utxo_amount":`...), t.Paid)
	b = append(b, `,"ismine":true,"confirmations":`...)
	b = strconv.AppendInt(b, int64(t.Confirmations), 10)
	b = appendText(append(b, `,"label":`...), t.Label)
	b = appendText(append(b, `,"validated_blockhash":"","wallet_alias":`...), t.WalletAlias)
	b = append(b, `,"_current_blockheight":`...)
	return strconv.AppendInt(b, int64(tip), 10)
}

// appendConflicts lists what spends the same coins: who pushed it out, and whom it pushed out.
func appendConflicts(b []byte, t *wallet.WalkTx) []byte {
	b = append(b, `,"conflicts":[`...)
	n := 0
	add := func(h *chainhash.Hash) {
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(appendHash(append(b, '"'), h), '"')
	}
	if t.ReplacedBy != nil {
		add(t.ReplacedBy)
	}
	for i := range t.Replaces {
		add(&t.Replaces[i])
	}
	return append(b, ']')
}

// appendHash writes a hash as people read it, last byte first.
func appendHash(b []byte, h *chainhash.Hash) []byte {
	const digits = "0123456789abcdef"
	for i := len(h) - 1; i >= 0; i-- {
		b = append(b, digits[h[i]>>4], digits[h[i]&15])
	}
	return b
}

// appendText writes a JSON text.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil { // a text can always be written
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
