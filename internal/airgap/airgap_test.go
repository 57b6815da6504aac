package airgap_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func TestVectorsBase43(t *testing.T) {
	vectors.Each(t, "base43/vectors.json", nil, func(c vectors.Case) error {
		var v struct{ Hex, Base43 string }
		c.Decode(&v)
		data, err := hex.DecodeString(v.Hex)
		if err != nil {
			return err
		}
		if got := airgap.EncodeBase43(data); got != v.Base43 {
			return fmt.Errorf("wrote %s", got)
		}
		if got, err := airgap.DecodeBase43(v.Base43); err != nil || !bytes.Equal(got, data) {
			return fmt.Errorf("read %x, %v", got, err)
		}
		return nil
	})
}

// The examples of the old Specter's contract, chapter 6.
func TestBase43AsSpecterWritesIt(t *testing.T) {
	for text, want := range map[string]string{"70736274ff": "1XHEJWR.", "70736274ff0001": "1J:1N3R:.BW", "000001": "001"} {
		data, _ := hex.DecodeString(text)
		if got := airgap.EncodeBase43(data); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, bad := range []string{"a", "A B", "%", "é", strings.Repeat("A", 300_000)} {
		if _, err := airgap.DecodeBase43(bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%.5q: %v", bad, err)
		}
	}
}

func psbt(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	out := []byte("psbt\xff")
	for len(out) < n {
		out = append(out, byte(r.Uint32()))
	}
	return out
}

// tx is a transaction of one input and one output.
var tx, _ = hex.DecodeString("02000000" + "01" + strings.Repeat("ab", 32) + "00000000" + "00" + "fdffffff" +
	"01" + "e803000000000000" + "160014aecd1edc3eff65aa209d0215e73d70905dc1686c" + "00000000")

func TestEveryFormatIsReadBack(t *testing.T) {
	text := []byte("wpkh([73c5da0a/84h/0h/0h]xpub…)# with ünicode")
	for _, c := range []struct {
		p       airgap.Payload
		formats []airgap.Format
	}{
		{airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(2000)}, []airgap.Format{"text", "hex", "base64", "base43", "specter", "ur", "ur-new", "ur1", "bbqr"}},
		{airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(40)}, []airgap.Format{"text", "hex", "base64", "base43", "specter", "ur", "ur-new", "ur1", "bbqr"}},
		{airgap.Payload{Kind: airgap.KindTransaction, Data: tx}, []airgap.Format{"text", "hex", "base43", "specter", "ur", "ur1", "bbqr"}},
		{airgap.Payload{Kind: airgap.KindText, Data: bytes.Repeat(text, 20)}, []airgap.Format{"text", "specter", "ur", "ur-new", "ur1", "bbqr"}},
		{airgap.Payload{Kind: airgap.KindBytes, Data: []byte{0xff, 0xfe, 0}}, []airgap.Format{"ur", "ur1", "bbqr"}},
	} {
		for _, f := range c.formats {
			for _, d := range []airgap.Density{airgap.Sparse, airgap.Normal, airgap.Dense, airgap.Full} {
				a, err := airgap.NewEncoder(c.p, airgap.Options{Format: f, Density: d})
				if err != nil {
					t.Errorf("%s as %s: %v", c.p.Kind, f, err)
					continue
				}
				var s airgap.Scanner
				longest := 0
				for i := range a.Len() {
					part := a.Part(a.Len() - 1 - i)
					longest = max(longest, len(part))
					if err := s.Add(part); err != nil {
						t.Fatalf("%s as %s: %v", c.p.Kind, f, err)
					}
					if err := s.Add(a.Part(a.Len() - 1 - i)); err != nil {
						t.Fatalf("%s as %s, a second time: %v", c.p.Kind, f, err)
					}
				}
				got, ok := s.Payload()
				if !ok || got.Kind != c.p.Kind || !bytes.Equal(got.Data, c.p.Data) || s.Progress() != 1 {
					t.Errorf("%s as %s: got %v %s %x", c.p.Kind, f, ok, got.Kind, got.Data)
				}
				if whole := a.Len() == 1; !whole && longest > int(d)+90 {
					t.Errorf("%s as %s: a code of %d characters at density %d", c.p.Kind, f, longest, d)
				}
				if a.Interval != 300*time.Millisecond || a.Part(a.Len()) == "" {
					t.Errorf("%s as %s: rate %v", c.p.Kind, f, a.Interval)
				}
			}
		}
	}
}

func TestFormatsRefuseWhatTheyCannotCarry(t *testing.T) {
	words, _ := mnemonic.FromEntropy(make([]byte, 16), mnemonic.English)
	for _, c := range []struct {
		p airgap.Payload
		o airgap.Options
	}{
		{airgap.Payload{Kind: airgap.KindText, Data: []byte("x")}, airgap.Options{Format: airgap.FormatHex}},
		{airgap.Payload{Kind: airgap.KindText}, airgap.Options{Format: airgap.FormatText}},
		{airgap.Payload{Kind: airgap.KindMnemonic, Mnemonic: words}, airgap.Options{Format: airgap.FormatText}},
		{airgap.Payload{Kind: airgap.KindMnemonic, Mnemonic: words}, airgap.Options{Format: airgap.FormatUR}},
		{airgap.Payload{Kind: airgap.KindMnemonic, Mnemonic: words}, airgap.Options{Format: airgap.FormatBBQr}},
		{airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(100)}, airgap.Options{Format: "smoke"}},
		{airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(100)}, airgap.Options{Format: airgap.FormatUR, Density: 5}},
		{airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(100)}, airgap.Options{Format: airgap.FormatUR, Interval: time.Hour}},
	} {
		if _, err := airgap.NewEncoder(c.p, c.o); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s as %s: %v", c.p.Kind, c.o.Format, err)
		}
	}
}

func TestScannerTellsFormatsApart(t *testing.T) {
	words, _ := mnemonic.Parse("attack pizza motion avocado network gather crop fresh patrol unusual wild holiday candy pony ranch winter theme error hybrid van cereal salon goddess expire")
	digits, _ := words.SeedQR()
	for _, c := range []struct {
		text   string
		kind   airgap.Kind
		format airgap.Format
	}{
		{" " + base64.StdEncoding.EncodeToString(psbt(100)) + "\n", airgap.KindPSBT, airgap.FormatBase64},
		{base64.RawURLEncoding.EncodeToString(psbt(101)), airgap.KindPSBT, airgap.FormatBase64},
		{hex.EncodeToString(psbt(100)), airgap.KindPSBT, airgap.FormatHex},
		{strings.ToUpper(hex.EncodeToString(psbt(100))), airgap.KindPSBT, airgap.FormatHex},
		{airgap.EncodeBase43(psbt(100)), airgap.KindPSBT, airgap.FormatBase43},
		{string(psbt(100)), airgap.KindPSBT, airgap.FormatBinary},
		{hex.EncodeToString(tx), airgap.KindTransaction, airgap.FormatHex},
		{airgap.EncodeBase43(tx), airgap.KindTransaction, airgap.FormatBase43},
		{digits, airgap.KindMnemonic, airgap.FormatSeedQR},
		{strings.Repeat("0", 48), airgap.KindText, airgap.FormatText}, // digits without the checksum
		{"[73c5da0a/84h/0h/0h]zpub6rFR7…", airgap.KindText, airgap.FormatText},
		{"BITCOIN:BC1QCR8TE4KR609GCAWUTMRZA0J4XV80JY8Z306FYU", airgap.KindText, airgap.FormatText},
		{"p1of2", airgap.KindText, airgap.FormatText},
		{"pay of friday", airgap.KindText, airgap.FormatText},
		{"p1of1 hello", airgap.KindText, airgap.FormatSpecter},
		{"UR:BYTES/8UM9X24ZUTKVE965W7SZ28CNXU8JA97LANUWQJW4FH4Z6PW9XHJSARX6TC/F45X2MRVDUS8XUR9VD6X2US7AN66Y", airgap.KindText, airgap.FormatURLegacy},
		{"UR:BYTES/F45X2MRVDUS8XUR9VD6X2US7AN66Y", airgap.KindText, airgap.FormatURLegacy},
		{"ur:crypto-request/oeadtpdagdaobncpftlnylfgfgmuztihbawfsgrtflaotaadwkoyadtaaohdhdcxvsdkfgkepezepefrrffmbnnbmdvahnptrdtpbtuyimmemweootjshsmhlunyeslnameyhsdi", airgap.KindUnknown, airgap.FormatUR},
		{"B$2U0100KNWWC3DMEBRW63TUMVXHI", airgap.KindText, airgap.FormatBBQr},
	} {
		p, err := airgap.Decode(c.text)
		if err != nil || p.Kind != c.kind || p.Format != c.format {
			t.Errorf("%.40q: %s as %s, %v; want %s as %s", c.text, p.Kind, p.Format, err, c.kind, c.format)
		}
		if p.Kind == airgap.KindMnemonic && p.Mnemonic.Phrase() != words.Phrase() {
			t.Errorf("another mnemonic came out")
		}
		if p.Kind == airgap.KindText && p.Format == airgap.FormatText && p.Text() != c.text {
			t.Errorf("the text was changed to %q", p.Text())
		}
	}
}

// Every resource of other wallets must go through the scanner as well.
func TestScannerReadsTheWalletSamples(t *testing.T) {
	kinds := map[string]airgap.Kind{"crypto-psbt": airgap.KindPSBT, "crypto-account": airgap.KindDescriptors, "crypto-output": airgap.KindDescriptors,
		"bytes": airgap.KindText, "crypto-hdkey": airgap.KindKey}
	vectors.Each(t, "ur/wallet_samples.json", nil, func(c vectors.Case) error {
		var v struct {
			Parts    []string
			Type     string
			Complete bool
		}
		c.Decode(&v)
		p, err := airgap.Decode(v.Parts...)
		if !v.Complete {
			if errs.CodeOf(err) != errs.Incomplete {
				return fmt.Errorf("got %v", err)
			}
			return nil
		}
		if err == nil && p.Kind != kinds[v.Type] {
			return fmt.Errorf("kind %s", p.Kind)
		}
		return err
	})
}

func TestAddBytes(t *testing.T) {
	entropy := bytes.Repeat([]byte{0xfe, 1}, 16)
	var s airgap.Scanner
	if err := s.AddBytes(entropy); err != nil {
		t.Fatal(err)
	}
	if p, ok := s.Payload(); !ok || p.Kind != airgap.KindMnemonic || !bytes.Equal(p.Mnemonic.Entropy(), entropy) {
		t.Errorf("got %v %s", ok, p.Kind)
	}
	if err := s.AddBytes(entropy); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("a second code: %v", err)
	}
	s = airgap.Scanner{}
	if err := s.AddBytes([]byte{0xff, 0xff, 1}); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("got %v", err)
	}
	if err := s.AddBytes(psbt(500)); err != nil {
		t.Error(err)
	}
	if p, ok := s.Payload(); !ok || p.Kind != airgap.KindPSBT {
		t.Errorf("got %v %s", ok, p.Kind)
	}
}

// chains are the first codes of messages in each format.
func chains(t *testing.T) map[airgap.Format]airgap.Animation {
	out := map[airgap.Format]airgap.Animation{}
	for _, f := range []airgap.Format{"specter", "ur", "ur1", "bbqr", "base64"} {
		a, err := airgap.NewEncoder(airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(1500)}, airgap.Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		out[f] = a
	}
	return out
}

func TestMixedCodesAreRefusedAndForgotten(t *testing.T) {
	all := chains(t)
	for f, a := range all {
		var s airgap.Scanner
		for i := range a.Len() {
			if err := s.Add(a.Part(i)); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			for g, foreign := range all {
				if g == f {
					continue
				}
				if err := s.Add(foreign.Part(0)); errs.CodeOf(err) != errs.Mismatch {
					t.Errorf("%s into %s: %v", g, f, err)
				}
			}
			other, _ := airgap.NewEncoder(airgap.Payload{Kind: airgap.KindPSBT, Data: psbt(1600)}, airgap.Options{Format: f})
			if err := s.Add(other.Part(i)); errs.CodeOf(err) != errs.Mismatch {
				t.Errorf("another message into %s: %v", f, err)
			}
			if err := s.Add("  "); err == nil {
				t.Error("an empty code passes")
			}
		}
		if p, ok := s.Payload(); !ok || p.Kind != airgap.KindPSBT || !bytes.Equal(p.Data, psbt(1500)) {
			t.Errorf("%s: nothing came out", f)
		}
		if known, total := s.Parts(); known != total || total != a.Len() {
			t.Errorf("%s: %d of %d", f, known, total)
		}
	}
}

func TestHostileChunks(t *testing.T) {
	for text, code := range map[string]errs.Code{
		"p1of0 x": errs.Malformed, "p0of0 x": errs.Malformed, "p0of2 x": errs.Malformed, "p3of2 x": errs.Malformed,
		"p1of1000000 x": errs.TooLarge, "p2147483647of2147483647 x": errs.TooLarge,
	} {
		var s airgap.Scanner
		if err := s.Add(text); errs.CodeOf(err) != code {
			t.Errorf("%s: %v", text, err)
		}
	}
	var s airgap.Scanner
	if err := errors.Join(s.Add("p1of3 aa"), s.Add("P3OF3 cc")); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"p1of3 bb", "p2of4 bb"} {
		if err := s.Add(bad); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := s.Add("p2of3 bb"); err != nil || s.Progress() != 1 {
		t.Errorf("%v at %v", err, s.Progress())
	}
	big := strings.Repeat("x", 1<<20)
	s = airgap.Scanner{}
	var err error
	for i := 1; i <= 20 && err == nil; i++ {
		err = s.Add(fmt.Sprintf("p%dof100 %s", i, big))
	}
	if errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("20 MB of chunks: %v", err)
	}
}

// What claims to be a PSBT must begin like one.
func TestFalsePSBTsAreRefused(t *testing.T) {
	for _, u := range []ur.UR{ur.NewPSBT([]byte("not a psbt"), ur.Old), {Type: "crypto-psbt", CBOR: []byte{1}}, {Type: "crypto-bip39", CBOR: []byte{0xa1, 1, 0x81, 0x61, 'a'}}} {
		e, err := ur.NewEncoder(u, 100)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := airgap.Decode(e.Part(0)); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", u.Type, err)
		}
	}
	for _, part := range []string{"B$HP0100AABB", "B$HT0100AABB"} {
		if _, err := airgap.Decode(part); errs.CodeOf(err) != errs.Malformed {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add("p1of2 aGVsbG8=\np2of2 x")
	f.Add("UR:BYTES/8UM9X24ZUTKVE965W7SZ28CNXU8JA97LANUWQJW4FH4Z6PW9XHJSARX6TC/F45X2MRVDUS8XUR9VD6X2US7AN66Y")
	f.Add("B$2U0100KNWWC3DMEBRW63TUMVXHI")
	f.Add(hex.EncodeToString(tx))
	f.Add(airgap.EncodeBase43(tx))
	f.Fuzz(func(t *testing.T, text string) {
		var s airgap.Scanner
		for _, part := range strings.Split(text, "\n") {
			_ = s.Add(part)
			if p := s.Progress(); p < 0 || p > 1 {
				t.Fatalf("progress %v", p)
			}
		}
		p, ok := s.Payload()
		if ok != (s.Progress() == 1) {
			t.Fatalf("progress %v, payload %v", s.Progress(), ok)
		}
		if !ok || len(p.Data) == 0 || p.Kind == airgap.KindUnknown {
			return
		}
		a, err := airgap.NewEncoder(airgap.Payload{Kind: p.Kind, Data: p.Data}, airgap.Options{Format: airgap.FormatUR})
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for i := range a.Len() {
			parts = append(parts, a.Part(i))
		}
		back, err := airgap.Decode(parts...)
		if err != nil || !bytes.Equal(back.Data, p.Data) {
			t.Fatalf("not read again: %v", err)
		}
	})
}

func FuzzBase43(f *testing.F) {
	f.Add("001")
	f.Fuzz(func(t *testing.T, text string) {
		data, err := airgap.DecodeBase43(text)
		if err != nil {
			return
		}
		again, err := airgap.DecodeBase43(airgap.EncodeBase43(data))
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x became %x, %v", data, again, err)
		}
	})
}
