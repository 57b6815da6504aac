package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/chain/core/coretest"
	"specter/internal/interop"
)

// The commands on the backup sheet bring a wallet back on a real node: the same addresses, and
// the money that was paid before.
func TestSheetsCommandsRestoreTheWalletInBitcoinCore(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	key := func(seed byte, path string) string {
		p, err := btc.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := btc.NewMaster(bytes.Repeat([]byte{seed}, 32), false)
		if err != nil {
			t.Fatal(err)
		}
		k, err := m.Derive(p)
		if err != nil {
			t.Fatal(err)
		}
		return "[" + btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: p}.String() + "]" + k.Public().String()
	}
	for i, form := range []string{
		"wsh(sortedmulti(2," + key(1, "48h/1h/0h/2h") + "/<0;1>/*," + key(2, "48h/1h/0h/2h") + "/<0;1>/*))",
		"sh(wpkh(" + key(3, "49h/1h/0h") + "/<0;1>/*))", "tr(" + key(4, "86h/1h/0h") + "/<0;1>/*)",
		"wsh(and_v(v:pk(" + key(5, "48h/1h/0h/2h") + "/<0;1>/*),older(144)))", "wpkh(" + key(6, "84h/1h/0h") + "/0/7)",
	} {
		d, err := descriptor.Parse(form, descriptor.Options{})
		if err != nil {
			t.Fatal(err)
		}
		receive, err := d.Branch(0)
		if err != nil {
			t.Fatal(err)
		}
		out, err := receive.Derive(0)
		if err != nil {
			t.Fatal(err)
		}
		address, _ := out.Address(btc.Regtest)
		n.Send(address, "0.5")
		n.Mine(1)
		lines, err := interop.CoreCommands(d, fmt.Sprintf("My wallet %d", i), btc.Regtest, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		run(t, n, d, lines, address)
	}
}

// run does what a person would type.
func run(t *testing.T, n *coretest.Node, d *descriptor.Descriptor, lines []string, address string) {
	t.Helper()
	named := map[string]string{}
	for _, word := range strings.Fields(lines[0]) {
		if name, value, is := strings.Cut(word, "="); is {
			named[name] = value
		}
	}
	name := named["wallet_name"]
	if err := n.RPC("", "createwallet", nil, name, named["disable_private_keys"] == "true", named["blank"] == "true"); err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	head, quoted, _ := strings.Cut(lines[1], " importdescriptors '")
	if !strings.HasSuffix(head, "-rpcwallet="+name) {
		t.Errorf("the second line is for another wallet: %s", head)
	}
	var done []struct {
		Success bool
		Error   any
	}
	if err := n.RPC(name, "importdescriptors", &done, json.RawMessage(strings.TrimSuffix(quoted, "'"))); err != nil {
		t.Fatalf("%s: %v", d.ScriptType(), err)
	}
	for _, r := range done {
		if !r.Success {
			t.Errorf("%s is not imported: %v", d.ScriptType(), r.Error)
		}
	}
	var balances struct{ Mine struct{ Trusted json.Number } }
	if err := n.RPC(name, "getbalances", &balances); err != nil || balances.Mine.Trusted.String() != "0.50000000" {
		t.Errorf("%s: the restored wallet has %v, %v", d.ScriptType(), balances, err)
	}
	if !d.IsRanged() {
		return
	}
	kind := map[string]string{"wsh": "bech32", "sh-wpkh": "p2sh-segwit", "tr": "bech32m"}[d.ScriptType()]
	var next string
	if err := n.RPC(name, "getnewaddress", &next, "", kind); err != nil || next == address {
		t.Errorf("%s: the next address is %q, %v", d.ScriptType(), next, err)
	}
	out, err := mustBranch(t, d).Derive(1)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := out.Address(btc.Regtest); next != want {
		t.Errorf("%s: the next address is %s, want %s", d.ScriptType(), next, want)
	}
}

func mustBranch(t *testing.T, d *descriptor.Descriptor) *descriptor.Descriptor {
	t.Helper()
	b, err := d.Branch(0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
