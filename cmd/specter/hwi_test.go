//go:build !offline

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	hw "specter/internal/signer"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/jade"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// jadeDesk is a desk with a software Jade on it, held by a person.
type jadeDesk struct {
	board *jadetest.Board
	hub   *hw.Hub
}

func newJadeDesk(t *testing.T) *jadeDesk {
	t.Helper()
	d := &jadeDesk{board: &jadetest.Board{Device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}}}
	port := hw.Port{Path: "tcp:127.0.0.1:30121", Way: hw.TCP, Kind: "jade", Open: func(context.Context) (hw.Conn, error) {
		c := signertest.NewCable(0)
		go func() { _ = d.board.Serve(t.Context(), c.Device()) }()
		return c.Host(), nil
	}}
	d.hub = hw.NewHub(hw.HubConfig{
		Drivers: []hw.Driver{jade.Driver{}}, Options: func() hw.Options { return signertest.Options(t) },
		Ports: func(context.Context) ([]hw.Port, error) { return []hw.Port{port}, nil },
	})
	return d
}

// run is one run of the command: what it printed, and its exit code.
func (d *jadeDesk) run(t *testing.T, stdin string, args ...string) (string, int) {
	t.Helper()
	var out, errs strings.Builder
	h := host{ctx: t.Context(), env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	err := runHWI(h, args, func(hwiCall) (devices, error) { return d.hub, nil })
	return strings.TrimSuffix(out.String(), "\n"), h.report(err)
}

// The answers are those of HWI 3.2.0 for the same device and the same arguments, byte for byte,
// but for getdescriptors: HWI knows no taproot on a Jade.
func TestHWIAnswersAsHWI(t *testing.T) {
	d := newJadeDesk(t)
	const at = "--chain regtest -t jade -d tcp:127.0.0.1:30121 "
	for args, want := range map[string]string{
		"--chain regtest --emulators enumerate":      `[{"type": "jade", "model": "jade_simulator", "path": "tcp:127.0.0.1:30121", "needs_pin_sent": false, "needs_passphrase_sent": false, "fingerprint": "95d8f670"}]`,
		at + "getxpub m/84h/1h/0h":                   `{"xpub": "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"}`,
		at + "getmasterxpub":                         `{"xpub": "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"}`,
		at + "--expert getxpub m/84h/1h/0h":          `{"xpub": "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno", "testnet": true, "private": false, "depth": 3, "parent_fingerprint": "b9088a9d", "child_num": 2147483648, "chaincode": "8ee6d2834228e4b46e24e559aeff6d183decb0ee7e90b5f354a385991fbdf482", "pubkey": "02de28edebff82d03117be2de26bd9b7be6dd80779b6b1e0fcb54dcb67d940fd65"}`,
		at + "displayaddress --path m/84h/1h/0h/0/0": `{"address": "bcrt1qnspxpr2xj9s2jt6qlhuvdnxw6q55jvyg6q7g5r"}`,
	} {
		got, code := d.run(t, "", strings.Fields(args)...)
		if got != want || code != 0 {
			t.Errorf("%s\n gives %s (%d)\n  want %s", args, got, code, want)
		}
	}
}

func TestHWIMistakesHaveHWIsCodes(t *testing.T) {
	d := newJadeDesk(t)
	for args, want := range map[string]struct{ code, exit int }{
		"":                                       {-2, 2},
		"dance":                                  {-2, 2},
		"--chain moon enumerate":                 {-2, 2},
		"--stdinpas":                             {-2, 2},
		"--nonsense enumerate":                   {-2, 2},
		"-t":                                     {-2, 2},
		"-t jade getxpub":                        {-2, 2},
		"-t jade getxpub m/0 m/1":                {-2, 2},
		"--std enumerate":                        {-2, 2},
		"--help":                                 {-17, 0},
		"getxpub --help":                         {-17, 0},
		"getxpub m/0":                            {-1, 0},
		"-t trezor getxpub m/0":                  {-3, 0},
		"-f 00000000 getxpub m/0":                {-3, 0},
		"-f zz getxpub m/0":                      {-7, 0},
		"-t jade setup":                          {-9, 0},
		"-t jade wipe":                           {-9, 0},
		"-i -t jade restore -w 12":               {-9, 0},
		"-t jade backup --label x":               {-9, 0},
		"-t jade promptpin":                      {-9, 0},
		"-t jade sendpin 123":                    {-9, 0},
		"-t jade togglepassphrase":               {-9, 0},
		"--chain regtest -t jade getxpub m/x":    {-7, 0},
		"--chain regtest -t jade signtx AAAA":    {-5, 0},
		"--chain regtest -t jade displayaddress": {-2, 2},
		"--chain regtest -t jade displayaddress --path m/0 --desc x":        {-2, 2},
		"--chain regtest -t jade displayaddress --addr-type odd --path m/0": {-2, 2},
		"-t jade getkeypool x 3":                       {-2, 2},
		"-t jade getkeypool --all --addr-type wit 0 3": {-2, 2},
		"-t jade getdescriptors --account x":           {-2, 2},
		"-t jade getdescriptors --account -1":          {-7, 0},
		"--chain regtest -t jade displayaddress --desc wpkh(02de28edebff82d03117be2de26bd9b7be6dd80779b6b1e0fcb54dcb67d940fd65)":                     {-7, 0},
		"--chain regtest -t jade displayaddress --desc wpkh([00000000/84h/1h/0h]02de28edebff82d03117be2de26bd9b7be6dd80779b6b1e0fcb54dcb67d940fd65)": {-7, 0},
		"--chain regtest -t jade displayaddress --desc wpkh([95d8f670/84h/1h/1h]02de28edebff82d03117be2de26bd9b7be6dd80779b6b1e0fcb54dcb67d940fd65)": {-7, 0},
		"-t jade getxpub m/84h/0h/0h": {-3, 0}, // set up for test networks
	} {
		out, exit := d.run(t, "", strings.Fields(args)...)
		var got failure
		if err := json.Unmarshal([]byte(out), &got); err != nil || int(got.Code) != want.code || got.Error == "" || exit != want.exit {
			t.Errorf("%s: %s (exit %d), want code %d, exit %d", args, out, exit, want.code, want.exit)
		}
	}
}

func TestHWIFindsTheDeviceByFingerprintAndType(t *testing.T) {
	d := newJadeDesk(t)
	const want = `{"xpub": "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"}`
	for _, args := range []string{
		"-f 95d8f670 --chain regtest getxpub m/84'/1'/0'", "-f95d8f670 --chain=regtest getxpub 84h/1h/0h", "--finger 95D8F670 --chain regtest getxpub -- m/84h/1h/0h",
		"-t jade --chain regtest getxpub m/84h/1h/0h", "-t jade_simulator --chain regtest getxpub m/84h/1h/0h", "--debug -i -t JADE -f 95d8f670 --chain regtest getxpub m/84h/1h/0h",
	} {
		if got, _ := d.run(t, "", strings.Fields(args)...); got != want {
			t.Errorf("%s: %s", args, got)
		}
	}
}

func TestHWIReadsArgumentsAndPassphraseFromStandardInput(t *testing.T) {
	d := newJadeDesk(t)
	got, _ := d.run(t, "--chain regtest\n-t jade\nsignmessage \"it's \\\"so\\\"\" 'm/84h/1h/0h/0/0'\n\nignored", "--stdin")
	if !strings.HasPrefix(got, `{"signature": "`) || !d.board.Person.Saw(signertest.ShowMessage, `it's "so"`) {
		t.Errorf("%s, %v", got, d.board.Person.Seen())
	}
	h := host{stdin: strings.NewReader("enumerate\n\nhunter2\n"), stderr: io.Discard}
	c, err := parseHWI(h, []string{"--stdin", "--stdinpass"})
	if err != nil || c.password != "hunter2" || c.command != "enumerate" {
		t.Errorf("%+v, %v", c, err)
	}
	if out, exit := d.run(t, "enumerate 'x\n", "--stdin"); !strings.Contains(out, `"code": -7`) || exit != 0 {
		t.Errorf("a quote that does not end: %s", out)
	}
	if out, _ := d.run(t, "", "--stdinpass", "enumerate"); !strings.Contains(out, `"code": -6`) {
		t.Errorf("no passphrase: %s", out)
	}
}

func TestHWISigns(t *testing.T) {
	d := newJadeDesk(t)
	others := []btc.XKey{signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, "")}
	for _, kind := range []string{"pkh", "sh-wpkh", "wpkh", "tr", "wsh", "sh-wsh", "sh"} {
		w := signertest.Wallet(t, kind, append([]btc.XKey{d.board.Master}, others...)...)
		tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 1, Sat: 50_000}}, Pay: 30_000, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 2, Sat: 19_000}}.Packet(t, btc.Regtest)
		text, err := tx.Base64()
		if err != nil {
			t.Fatal(err)
		}
		out, _ := d.run(t, fmt.Sprintf("signtx %q\n", text), "--stdin", "--fingerprint", "95d8f670", "--chain", "regtest")
		var got struct {
			PSBT   string
			Signed bool
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || !got.Signed {
			t.Fatalf("%s: %.300s", kind, out)
		}
		signed, err := psbt.Decode(got.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		if len(signed.Inputs[0].PartialSigs) != 1 && signed.Inputs[0].TapKeySig == nil {
			t.Errorf("%s: no signature", kind)
		}
		if err := signed.VerifySignatures(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestHWIShowsWalletsOfSeveralKeys(t *testing.T) {
	d := newJadeDesk(t)
	w := signertest.Wallet(t, "wsh", d.board.Master, signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, ""))
	one, err := w.Descriptor.Branch(0)
	if err == nil {
		one, err = one.At(5)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := signertest.Coin{Wallet: w, Index: 5}.Address(t, btc.Regtest)
	for range 2 {
		if got, _ := d.run(t, "", "--chain", "regtest", "-t", "jade", "displayaddress", "--desc", one.String()); got != `{"address": "`+want+`"}` {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestHWIDescriptorsAreForBitcoinCore(t *testing.T) {
	d := newJadeDesk(t)
	var got struct{ Receive, Internal []string }
	out, _ := d.run(t, "", "--chain", "regtest", "-t", "jade", "getdescriptors", "--account", "3")
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Receive) != 4 || len(got.Internal) != 4 {
		t.Fatalf("%s, %v", out, err)
	}
	if !strings.HasPrefix(got.Internal[3], "tr([95d8f670/86h/1h/3h]tpub") || !strings.Contains(got.Internal[3], "/1/*)#") {
		t.Errorf("%s", got.Internal[3])
	}
	d.board.Version = "1.0.33"
	if out, _ = d.run(t, "", "--chain", "regtest", "-t", "jade", "getdescriptors"); strings.Contains(out, "tr(") {
		t.Errorf("taproot of a firmware that has none: %s", out)
	}
	var pool []hwiImport
	for args, want := range map[string]int{"0 10": 2, "--all 0 10": 6, "--internal 0 10": 1, "--nokeypool --path m/84h/1h/0h/1/* 0 10": 1} {
		out, _ := d.run(t, "", append(strings.Fields("--chain regtest -t jade getkeypool"), strings.Fields(args)...)...)
		if err := json.Unmarshal([]byte(out), &pool); err != nil || len(pool) != want || pool[0].Range != [2]uint32{0, 10} {
			t.Errorf("%s: %s", args, out)
		}
	}
}

func TestHWIAsksALockedJadeForItsPIN(t *testing.T) {
	d := newJadeDesk(t)
	oracle, err := jadetest.NewOracle("123456")
	if err != nil {
		t.Fatal(err)
	}
	d.board.PIN, d.board.Oracle = "123456", oracle
	d.hub = hw.NewHub(hw.HubConfig{
		Drivers: []hw.Driver{jade.Driver{}},
		Options: func() hw.Options { o := signertest.Options(t); o.Relay = oracle.Relay; return o },
		Ports: func(context.Context) ([]hw.Port, error) {
			return []hw.Port{{Path: "p", Way: hw.TCP, Kind: "jade", Open: func(context.Context) (hw.Conn, error) {
				c := signertest.NewCable(0)
				go func() { _ = d.board.Serve(t.Context(), c.Device()) }()
				return c.Host(), nil
			}}}, nil
		},
	})
	if out, _ := d.run(t, "", "--chain", "regtest", "enumerate"); !strings.Contains(out, `"fingerprint": "95d8f670"`) {
		t.Error(out)
	}
}

// A Trezor One that is locked is unlocked by two calls, or by one that asks for the places.
func TestHWISendsThePINOfATrezor(t *testing.T) {
	for _, interactive := range []bool{false, true} {
		d := &jadeDesk{}
		who := signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}, PIN: "1379"}
		port := hw.Port{Path: "webusb:001:4", Way: hw.WebUSB, Vendor: 0x534c, Product: 1, Kind: "trezor", Open: func(context.Context) (hw.Conn, error) {
			c := signertest.NewCable(64)
			go func() { _ = trezortest.ServeAs(trezortest.One())(t.Context(), c.Device(), who) }()
			return c.Host(), nil
		}}
		d.hub = hw.NewHub(hw.HubConfig{Drivers: []hw.Driver{trezor.Driver{}}, Options: func() hw.Options { return signertest.Options(t) },
			Ports: func(context.Context) ([]hw.Port, error) { return []hw.Port{port}, nil }})
		if out, _ := d.run(t, "", "enumerate"); !strings.Contains(out, `"needs_pin_sent": true`) || !strings.Contains(out, `"code": -12`) {
			t.Errorf("locked: %s", out)
		}
		places := codec1test.Places("1379")
		const done = `{"success": true}`
		if interactive {
			if out, _ := d.run(t, places+"\n", "-i", "-t", "trezor", "promptpin"); out != done {
				t.Errorf("in one run: %s", out)
			}
			continue
		}
		if out, _ := d.run(t, "", "-t", "trezor", "promptpin"); out != done {
			t.Errorf("promptpin: %s", out)
		}
		if out, code := d.run(t, "", "-t", "trezor", "sendpin", "1"); out != `{"success": false}` || code != 0 {
			t.Errorf("sendpin with a wrong PIN: %s (exit code %d)", out, code)
		}
		if out, _ := d.run(t, "", "-t", "trezor", "promptpin"); out != done {
			t.Errorf("promptpin: %s", out)
		}
		if out, _ := d.run(t, "", "-t", "trezor", "sendpin", places); out != done {
			t.Errorf("sendpin: %s", out)
		}
	}
}
