//go:build emulator

package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/ledger/ledgertest"
)

// hwi runs the program HWI on the software device at its emulator's address.
func hwi(t *testing.T, program string, args ...string) map[string]any {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:9999") // where HWI looks for Speculos
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := onTestnet(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = a.Serve(t.Context(), socket{c})
			c.Close()
		}
	}()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--chain", "test", "--emulators", "-t", "ledger", "-d", "tcp:127.0.0.1:9999"}, args...)...)
	cmd.Stderr = &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("hwi %v: %v %s", args, err, cmd.Stderr)
	}
	var v map[string]any
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("hwi %v: %s", args, out)
	}
	return v
}

func onTestnet(t *testing.T) *ledgertest.App {
	a := newApp(t)
	a.Device.Network = btc.Testnet3
	return a
}

// TestAsHWI compares our driver's answers with HWI's (SPECTER_HWI names the program), both asked
// of the software device.
func TestAsHWI(t *testing.T) {
	program := os.Getenv("SPECTER_HWI")
	if program == "" {
		t.Skip("SKIPPED: SPECTER_HWI does not name the program hwi; nothing was compared")
	}
	s := testnet(t)
	for _, path := range []string{"44h/1h/0h", "84h/1h/7h", "48h/1h/0h/2h", "46h/1h/333h", "86h/1h/0h/1/9"} {
		p, _ := btc.ParsePath(path)
		ours, err := s.XPub(t.Context(), p)
		if theirs := hwi(t, program, "getxpub", "m/"+path)["xpub"]; err != nil || theirs != ours.String() {
			t.Errorf("xpub at %s: %v, HWI %v, %v", path, ours, theirs, err)
		}
	}
	for _, k := range kinds {
		if strings.Contains(k.text, "sortedmulti(") || !k.registers {
			t.Run(k.name, func(t *testing.T) { compareKind(t, s, program, k.text, k.path) })
		}
	}
	p, _ := btc.ParsePath("44h/1h/0h/0/3")
	long := strings.Repeat("a message of several chunks; ", 9)
	sig, err := s.SignMessage(t.Context(), p, []byte(long))
	if err != nil {
		t.Fatal(err)
	}
	if theirs := hwi(t, program, "signmessage", long, "m/44h/1h/0h/0/3")["signature"]; theirs != base64Of(sig) {
		t.Errorf("message: %s, HWI %v", base64Of(sig), theirs)
	}
}

// compareKind compares an address and the signatures of a transaction.
func compareKind(t *testing.T, s *session, program, text, path string) {
	w := walletOf(t, "", text, path)
	r := register(t, s, w)
	ours, err := s.ShowAddress(t.Context(), w, r, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	branch, err := w.Descriptor.Branch(1)
	if err != nil {
		t.Fatal(err)
	}
	at, err := branch.At(5)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"displayaddress", "--desc", at.String()}
	if theirs := hwi(t, program, args...)["address"]; theirs != ours {
		t.Errorf("address: %s, HWI %v", ours, theirs)
	}
	tx := spend(t, coinOf{w, 0, 3, 50_000}, coinOf{w, 1, 4, 70_000})
	if r.Name != "" {
		for _, k := range w.Descriptor.Keys() {
			if err := tx.AddXPub(*k.XKey, *k.Origin); err != nil {
				t.Fatal(err)
			}
		}
	}
	b64, err := tx.Base64()
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := hwi(t, program, "signtx", b64)["psbt"].(string)
	theirs, err := psbt.Decode(answer)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, tx)
	if err != nil {
		t.Fatal(err)
	}
	_, a := merged(t, tx, mine)
	both, b := merged(t, tx, theirs)
	if a != 2 || b != 2 {
		t.Errorf("%d signatures, HWI %d", a, b)
	}
	for i := range tx.Inputs {
		if x, y := mine.Inputs[i].PartialSigs, both.Inputs[i].PartialSigs; len(x) != len(y) || len(x) > 0 && !bytes.Equal(x[0].Signature, y[0].Signature) {
			t.Errorf("input %d: other signatures than HWI's", i)
		}
	}
}

// TestDumpForOtherClients writes what our driver asks and gets, for a client of another make to
// ask the same (SPECTER_LEDGER_DUMP names the file).
func TestDumpForOtherClients(t *testing.T) {
	file := os.Getenv("SPECTER_LEDGER_DUMP")
	if file == "" {
		t.Skip("SKIPPED: SPECTER_LEDGER_DUMP names no file")
	}
	s := testnet(t)
	var list []map[string]any
	for _, k := range kinds {
		w := walletOf(t, "Cold storage", k.text, k.path)
		r := register(t, s, w)
		address, err := s.ShowAddress(t.Context(), w, r, 1, 5)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := spend(t, coinOf{w, 0, 3, 50_000}, coinOf{w, 1, 4, 70_000}).Convert(2)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(t.Context(), w, r, tx)
		if err != nil {
			t.Fatal(err)
		}
		template, keys, _ := w.Descriptor.Policy()
		m, err := read(tx)
		if err != nil {
			t.Fatal(err)
		}
		sigs := map[string]string{}
		for i, in := range signed.Inputs {
			for _, p := range in.PartialSigs {
				sigs[hex.EncodeToString(append([]byte{byte(i)}, p.PubKey...))] = hex.EncodeToString(p.Signature)
			}
			for _, p := range in.TapScriptSigs {
				sigs[hex.EncodeToString(append(append([]byte{byte(i)}, p.XOnly[:]...), p.LeafHash[:]...))] = hex.EncodeToString(p.Signature)
			}
			if in.TapKeySig != nil {
				coin, _ := tx.PrevOut(i)
				sigs[hex.EncodeToString(append([]byte{byte(i)}, coin.PkScript[2:]...))] = hex.EncodeToString(in.TapKeySig)
			}
		}
		b64, _ := tx.Base64()
		list = append(list, map[string]any{"kind": k.name, "name": r.Name, "template": template, "keys": keys, "id": hex.EncodeToString(r.ID),
			"proof": hex.EncodeToString(r.Proof), "address": address, "psbt": b64, "global": len(m.global), "sigs": sigs})
	}
	out, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

func base64Of(b []byte) string {
	out, _ := json.Marshal(b)
	return strings.Trim(string(out), `"`)
}
