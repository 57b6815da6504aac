package app

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

// mostAsked is how many outputs a question names; the device shows all of them.
const mostAsked = 10

// questionOf words what an agent's person is asked before a call; false where nothing is signed.
func questionOf(method string, params map[string]json.RawMessage) (question string, signs bool) {
	text := func(name string) (v string) {
		_ = json.Unmarshal(params[name], &v) // anything else is no text, and the bridge refuses it
		return v
	}
	switch method {
	case "sign_message":
		message := strings.ToValidUTF8(text("message"), "?")
		return fmt.Sprintf("Sign the message %.200q with the key at %.60q?", message, text("derivation_path")), true
	case "sign_tx":
		network, err := btc.ParseNetwork(text("chain"))
		if err != nil {
			network = btc.Mainnet
		}
		tx, err := psbt.Decode(text("psbt"))
		if err != nil {
			return "Sign a transaction that cannot be read? The device will refuse it.", true
		}
		return "Sign a transaction that pays " + payments(tx, network) + "?", true
	}
	return "", false
}

// payments lists what a transaction pays, change included: only the device knows what is change.
func payments(tx *psbt.Packet, network btc.Network) string {
	var list []string
	for i, o := range tx.Outputs {
		if i == mostAsked {
			list = append(list, fmt.Sprintf("%d more outputs", len(tx.Outputs)-i))
			break
		}
		where, ok := btc.AddressOf(o.Script, network)
		if !ok {
			where = fmt.Sprintf("a script (%x)", o.Script[:min(len(o.Script), 20)])
		}
		list = append(list, btc.FormatBTC(btcutil.Amount(o.Amount))+" BTC to "+where)
	}
	if fee, err := tx.Fee(); err == nil {
		list = append(list, btc.FormatBTC(fee)+" BTC as fee")
	}
	return strings.Join(list, ", ")
}
