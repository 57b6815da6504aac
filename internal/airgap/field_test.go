package airgap_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
)

func TestPastedPartsAreJoined(t *testing.T) {
	p := airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(900)}
	text := base64.StdEncoding.EncodeToString(p.Data)
	for _, f := range []airgap.Format{airgap.FormatUR, airgap.FormatURLegacy, airgap.FormatBBQr, airgap.FormatSpecter} {
		e, err := airgap.NewEncoder(p, airgap.Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for i := range e.Len() {
			lines = append(lines, e.Part(i))
		}
		whole := []byte(strings.Join(lines, "\r\n") + "\n")
		out, err := airgap.Join([][]byte{[]byte("a key"), whole, p.Data, whole})
		if err != nil || len(out) != 4 || string(out[0]) != "a key" || string(out[1]) != text || !bytes.Equal(out[2], p.Data) || string(out[3]) != text {
			t.Errorf("%s: %d pieces, %v", f, len(out), err)
		}
		var files [][]byte // a part a file, the last one missing
		for _, l := range lines[1:] {
			files = append(files, []byte(l))
		}
		if _, err := airgap.Join(files); errs.CodeOf(err) != errs.Incomplete {
			t.Errorf("%s: a missing part: %v", f, err)
		}
	}
	words, _ := mnemonic.FromEntropy(make([]byte, 16), mnemonic.English)
	digits, _ := words.SeedQR()
	for _, secret := range []string{digits, "ur:crypto-bip39/oyadlk" /* damaged: an error of its own */} {
		if out, err := airgap.Join([][]byte{[]byte(secret)}); err == nil {
			t.Errorf("%s passes as %s", secret, out)
		}
	}
	if _, err := airgap.Join([][]byte{[]byte(digits)}); !errors.Is(err, airgap.ErrSecret) {
		t.Errorf("a SeedQR: %v", err)
	}
}

func FuzzJoin(f *testing.F) {
	e, err := airgap.NewEncoder(airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(300)}, airgap.Options{Format: airgap.FormatUR})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(e.Part(0)+"\n"+e.Part(1)), []byte("x"))
	f.Add([]byte("p1of2 a"), []byte("p2of2 b"))
	f.Add([]byte("B$2U0100KNWWC3DMEBRW63TUMVXHI"), []byte(ur.NewBytes([]byte("x")).Type))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		out, err := airgap.Join([][]byte{a, b})
		if err != nil && out != nil {
			t.Error("pieces come beside an error")
		}
		if err == nil && len(out) > len(a)+len(b)+2 {
			t.Error("more pieces than there can be")
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add(payment(f, 3, 2), true, false)
	f.Add(payment(f, 1, 1), false, true)
	f.Fuzz(func(t *testing.T, raw []byte, previous, slim bool) {
		v := airgap.Variant{KeepPrevious: previous, Slim: slim}
		cut, err := airgap.Cut(raw, v, nil)
		if err != nil {
			return
		}
		again, err := airgap.Cut(cut, v, nil)
		if err != nil || !bytes.Equal(again, cut) {
			t.Errorf("cutting twice differs: %v", err)
		}
	})
}
