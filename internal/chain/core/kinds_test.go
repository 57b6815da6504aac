package core_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/chain"
	"specter/internal/chain/core/coretest"
)

// xpubs makes keys with origins, as devices give them.
func xpubs(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for i := range n {
		seed := chainhash.HashB([]byte{byte(i), 'k'})
		master, err := btc.NewMaster(seed, false)
		must(t, err)
		path := btc.Path{48 | 1<<31, 1 | 1<<31, 0 | 1<<31, 2 | 1<<31}
		account, err := master.Derive(path)
		must(t, err)
		out = append(out, fmt.Sprintf("[%s/48h/1h/0h/2h]%s", master.Fingerprint(), account.Public()))
	}
	return out
}

// TestEveryWalletKind is watched by the node and told right: all kinds of wallet that the program
// makes, one with a miniscript, and descriptors of a single script.
func TestEveryWalletKind(t *testing.T) {
	w := newWorld(t, coretest.Options{})
	k := xpubs(t, 3)
	multi := fmt.Sprintf("sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*,%s/<0;1>/*)", k[0], k[1], k[2])
	one := k[0] + "/<0;1>/*"
	fixed := k[1][strings.Index(k[1], "]")+1:] + "/7"
	for name, desc := range map[string]string{
		"pkh":        "pkh(" + one + ")",
		"wpkh":       "wpkh(" + one + ")",
		"sh-wpkh":    "sh(wpkh(" + one + "))",
		"tr":         "tr(" + one + ")",
		"sh":         "sh(" + multi + ")",
		"wsh":        "wsh(" + multi + ")",
		"sh-wsh":     "sh(wsh(" + multi + "))",
		"multi":      "wsh(" + strings.Replace(multi, "sortedmulti", "multi", 1) + ")",
		"miniscript": fmt.Sprintf("wsh(or_d(pk(%s),and_v(v:pkh(%s/<0;1>/*),older(144))))", one, k[1]),
		"tapscript":  fmt.Sprintf("tr(%s,pk(%s/<0;1>/*))", one, k[1]),
		"one script": "wpkh(" + fixed + ")",
		"one pkh":    "pkh(" + fixed + ")",
	} {
		t.Run(name, func(t *testing.T) { watchKind(t, w, name, desc) })
	}
}

func watchKind(t *testing.T, w *world, name, desc string) {
	d, err := descriptor.Parse(desc, descriptor.Options{})
	must(t, err)
	r := chain.Request{Name: "specterkinds/" + btc.Slug(name), Gap: 20}
	index := uint32(3)
	for b, part := range d.Expand() {
		ranged := strings.Contains(part.String(), "*")
		if !ranged {
			index = 0
		}
		r.Keychains = append(r.Keychains, chain.Keychain{
			ID: fmt.Sprint(b), Descriptor: part.String(), Ranged: ranged, Internal: b == 1,
			Script: func(i uint32) ([]byte, error) {
				o, err := part.Derive(i)
				if err != nil {
					return nil, err
				}
				return o.Script, nil
			},
		})
	}
	var old []chainhash.Hash
	for _, k := range r.Keychains { // before the node watches the wallet
		script, err := k.Script(index)
		must(t, err)
		old = append(old, w.Pay(t, script, 500_000))
	}
	w.n.Mine(1)
	u, err := w.src.Sync(t.Context(), r)
	must(t, err)
	if len(u.Txs) != len(old) || len(u.Used) != len(r.Keychains) || u.Used["0"] != index {
		t.Fatalf("told %d transactions of %d, used %v", len(u.Txs), len(old), u.Used)
	}
	script, err := r.Keychains[0].Script(0)
	must(t, err)
	id := w.Pay(t, script, 500_000) // and while it does
	w.n.Mine(1)
	// A program that starts anew finds what it left in the node and scans nothing again.
	w.Reopen(t)
	scanned := -1
	r.From = []chain.Block{u.Tip}
	r.Progress = func(_, total int) { scanned = total }
	u, err = w.src.Sync(t.Context(), r)
	must(t, err)
	if len(u.Txs) != 1 || !has(u, id) {
		t.Errorf("told %d transactions, want the new one", len(u.Txs))
	}
	if scanned >= 0 {
		t.Errorf("%d blocks were scanned again", scanned)
	}
}
