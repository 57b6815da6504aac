package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
	"specter/internal/vectors"
)

// The keys are those of public test mnemonics (abandon…about, zoo…wrong, legal…yellow).
const (
	keyA = "[73c5da0a/48h/1h/0h/2h]tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"
	keyB = "[3f635a63/48h/1h/0h/2h]tpubDFPtPArj4GzBEFHohegg1Xatrc1Fi9oSox5LzuSRX91miwQxuUrEpBxpvDRsmZYJKYFhgdK3UStsjC8JKXfUbMinjFqiEM4uNwzVaCaHpys"
	keyC = "[b8688df1/48h/1h/0h/2h]tpubDEfobrrtptRTbKf4gysDhoabneABDTAcdj3Vbn4XwPsLE2pmqpizSPRG6zHsbAMuiSgWmWPsYCLHTKTPpyrGJ5rAoTpKoQNZcxodiPf2tSJ"
	keyS = "[73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
)

func TestEveryFormatReadsBackAsTheSameWallet(t *testing.T) {
	const step = "/<0;1>/*"
	wallets := map[string]string{
		"multisig": "wsh(sortedmulti(2," + keyA + step + "," + keyB + step + "," + keyC + step + "))",
		"nested":   "sh(wsh(sortedmulti(2," + keyA + step + "," + keyB + step + ")))",
		"single":   "wpkh(" + keyS + step + ")",
	}
	unsupported := map[string]bool{"single/coldcard": true, "single/keystone": true, "single/passport": true, "single/jade": true, "single/caravan": true}
	for name, desc := range wallets {
		for _, format := range interop.WalletFormats() {
			data, err := interop.WriteWallet(interop.Wallet{Name: "Vault", Descriptor: desc, Labels: map[string]string{"a": "b"}}, format, btc.Regtest)
			if unsupported[name+"/"+format] {
				if errs.CodeOf(err) != errs.Unsupported {
					t.Errorf("%s as %s: got %v, want unsupported", name, format, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s as %s: %v", name, format, err)
				continue
			}
			network := btc.Regtest
			back, err := interop.ReadWallet(data, &network)
			if err != nil {
				t.Errorf("%s as %s does not read back: %v\n%s", name, format, err, data)
				continue
			}
			if body, _, _ := strings.Cut(back.Descriptor, "#"); body != desc {
				t.Errorf("%s as %s came back as %s", name, format, back.Descriptor)
			}
		}
	}
}

func TestKnownFilesForTheTestWallet(t *testing.T) {
	const step = "/<0;1>/*"
	w := interop.Wallet{Name: "Vault", Descriptor: "wsh(sortedmulti(2," + keyA + step + "," + keyB + step + "," + keyC + step + "))"}
	data, err := interop.WriteWallet(w, "bsms", btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("bcrt1qmv9kucx4tjtyfwddc3698p2flxqvts89n8kllr0hvdv7qs4z476snke6uw")) {
		t.Errorf("the first address is not the known one:\n%s", data)
	}
	data, err = interop.WriteWallet(w, "account-map", btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("#yehr8e32")) {
		t.Errorf("the receive descriptor has not the known checksum:\n%s", data)
	}
	data, err = interop.WriteWallet(w, "specter-diy", btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	want := "addwallet Vault&wsh(sortedmulti(2," + keyA + "," + keyB + "," + keyC + "))"
	if string(data) != want {
		t.Errorf("got %s", data)
	}
}

func TestBIP329LinesKeepTheirFields(t *testing.T) {
	vectors.Each(t, "bip329/vectors.json", nil, func(c vectors.Case) error {
		var v struct {
			Line   string
			Record map[string]any
		}
		c.Decode(&v)
		f, err := interop.ReadLabels([]byte(v.Line), "bip329")
		if err != nil || len(f.Labels) != 1 || len(f.Problems) != 0 {
			return fmt.Errorf("got %+v, %v", f, err)
		}
		out, err := interop.WriteLabels(f.Labels, "bip329")
		if err != nil {
			return err
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			return err
		}
		if !reflect.DeepEqual(got, v.Record) {
			return fmt.Errorf("got %v, want %v", got, v.Record)
		}
		return nil
	})
}

func TestLabelFilesKeepTheGoodLines(t *testing.T) {
	txid := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		in           string
		format       string
		labels, bad  int
		first, ftype string
	}{
		"bip329 with bad lines": {"{\"type\":\"tx\",\"ref\":\"" + txid + "\",\"label\":\"rent\"}\nnonsense\n{\"type\":\"tx\"}\n", "bip329", 1, 2, "rent", "tx"},
		"electrum":              {`{"` + txid + `":"from Bob","x":5}`, "electrum", 1, 1, "from Bob", "tx"},
		"specter json":          {`{"alias":"a","labels":{"salary":["bcrt1q","bcrt1p"]}}`, "specter-json", 2, 0, "salary", "addr"},
		"csv, semicolons":       {"Label;Index;address\nrent;0;bc1qa\nAddress #1;1;bc1qb\n;2;bc1qc\nshort\n", "specter-csv", 1, 1, "rent", "addr"},
	} {
		f, err := interop.ReadLabels([]byte(c.in), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Format != c.format || len(f.Labels) != c.labels || len(f.Problems) != c.bad || f.Labels[0].Label != c.first || f.Labels[0].Type != c.ftype {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}

func TestLabelsThatLookLikeFormulasAreDefused(t *testing.T) {
	out, err := interop.WriteLabels([]interop.Label{{Type: "addr", Ref: "bc1q", Label: "=cmd()"}}, "specter-csv")
	if err != nil || !strings.Contains(string(out), "'=cmd()") {
		t.Fatalf("got %s, %v", out, err)
	}
}

func TestLabelsOfNothingAreToldNotKept(t *testing.T) {
	for name, data := range map[string]string{
		"electrum":     `{"":"0","bc1q":"kept"}`,
		"specter-json": `{"labels":{"0":[""],"kept":["bc1q"]}}`,
		"specter-csv":  "Address,Label\n,0\nbc1q,kept",
		"bip329":       `{"type":"addr","ref":"","label":"0"}` + "\n" + `{"type":"addr","ref":"bc1q","label":"kept"}`,
	} {
		f, err := interop.ReadLabels([]byte(data), name)
		if err != nil || len(f.Problems) != 1 || len(f.Labels) != 1 || f.Labels[0].Ref != "bc1q" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

func FuzzReadLabels(f *testing.F) {
	f.Add([]byte(`{"type":"tx","ref":"a","label":"b"}`))
	f.Add([]byte("Address,Label\na,b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := interop.ReadLabels(data, "")
		if err != nil {
			return
		}
		out, err := interop.WriteLabels(file.Labels, "bip329")
		if err != nil {
			t.Fatal(err)
		}
		again, err := interop.ReadLabels(out, "bip329")
		if err != nil || len(again.Problems) != 0 {
			t.Fatalf("what was written does not read back: %v %v", err, again.Problems)
		}
	})
}
