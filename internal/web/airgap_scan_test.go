package web_test

import (
	"bytes"
	"compress/flate"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/btc/mnemonic"
	"specter/internal/device"
	"specter/internal/vectors"
)

// scanned is what the scanner's requests are answered.
type scanned struct {
	Session, Map, Progress, Text, Problem string
	Known, Total                          int
	Done, Failed                          bool
}

func (c *client) scan(session, question string, parts ...string) scanned {
	c.t.Helper()
	a := c.post("/airgap/scan", url.Values{"session": {session}, "for": {question}, "part": parts}).want(200)
	var s scanned
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		c.t.Fatalf("%v: %s", err, a.body)
	}
	return s
}

// somePSBT is bytes that begin like a PSBT.
func somePSBT(n int) airgap.Payload {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	data := []byte("psbt\xff")
	for len(data) < n {
		data = append(data, byte(r.Uint32()))
	}
	return airgap.Payload{Kind: airgap.KindPSBT, Data: data}
}

func partsOf(t *testing.T, p airgap.Payload, f airgap.Format) []string {
	t.Helper()
	e, err := airgap.NewEncoder(p, airgap.Options{Format: f, Density: airgap.Sparse})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range e.Len() {
		out = append(out, e.Part(i))
	}
	return out
}

func TestScannedCodesAreJoinedInAnyOrder(t *testing.T) {
	c := open(t, newHouse(""))
	for _, f := range []airgap.Format{airgap.FormatSpecter, airgap.FormatUR, airgap.FormatURLegacy, airgap.FormatBBQr, airgap.FormatBase43} {
		p := somePSBT(900)
		parts := partsOf(t, p, f)
		other := partsOf(t, somePSBT(950), f)
		session := ""
		for n, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(parts)) {
			a := c.scan(session, "psbt", parts[i], parts[i])
			if session = a.Session; session == "" || a.Problem != "" {
				t.Fatalf("%s: %+v", f, a)
			}
			if last := n == len(parts)-1; a.Done != last || !last && (a.Known != n+1 || a.Total != len(parts) || strings.Count(a.Map, "1") != a.Known || a.Progress == "") {
				t.Fatalf("%s: after %d of %d: %+v", f, n+1, len(parts), a)
			}
			if a.Done && a.Text != base64.StdEncoding.EncodeToString(p.Data) {
				t.Errorf("%s: %.40s came out", f, a.Text)
			}
			if !a.Done { // a code of another message, a damaged one and one of another form disturb nothing
				if a := c.scan(session, "psbt", other[i%len(other)], parts[i][:len(parts[i])-3]+"???", "hello"); a.Problem == "" || a.Failed || a.Known != n+1 {
					t.Fatalf("%s: mixed codes: %+v", f, a)
				}
			}
		}
	}
}

func TestAScanThatIsNotWantedSaysWhatItHolds(t *testing.T) {
	c := open(t, newHouse(""))
	words, _ := mnemonic.FromEntropy(make([]byte, 16), mnemonic.English)
	digits, _ := words.SeedQR()
	for _, s := range []struct{ question, code, says string }{
		{"psbt", "[73c5da0a/84h/1h/0h]" + testXPub, "This code holds text; a PSBT or a signed transaction is wanted"},
		{"keys", base64.StdEncoding.EncodeToString(somePSBT(90).Data), "a PSBT; public keys is wanted"},
		{"keys", digits, "secret"}, {"psbt", digits, "secret"}, {"wallet", digits, "secret"}, {"", digits, "secret"},
		{"keys", "ur:crypto-seed/oyadgdaawzwplrbdhdpabgrnvokorolnrtemksayyadmut", "secret"},
		{"psbt", "ur:crypto-request/oeadtpdagdaobncpftlnylfgfgmuztihbawfsgrtflaotaadwkoyadtaaohdhdcxvsdkfgkepezepefrrffmbnnbmdvahnptrdtpbtuyimmemweootjshsmhlunyeslnameyhsdi", "crypto-request"},
	} {
		a := c.scan("", s.question, s.code)
		if !a.Failed || a.Done || a.Text != "" || !strings.Contains(a.Problem, s.says) {
			t.Errorf("%s for %s: %+v", s.code[:20], s.question, a)
		}
		if strings.Contains(a.Problem, digits) {
			t.Errorf("the secret is repeated: %s", a.Problem)
		}
	}
}

func TestHostileCodesEndInASentence(t *testing.T) {
	c := open(t, newHouse(""))
	deep := "ur:crypto-account/" + ur.EncodeBytewords(bytes.Repeat([]byte{0x81}, 4000), ur.Minimal) // arrays in each other
	for _, code := range []string{
		"p1of0 x", "p0of0 x", "p9of2 x", "p1of1000000 x", "p4294967295of4294967295 x", "ur:bytes/1-1000000/aaaa", "ur:crypto-psbt/0-0/aeae", "ur:/", "UR:", "ur:bytes/1of0/x/y",
		deep, "B$ZP0000AA", "B$9P0100AA", "B$ZP01", strings.Repeat("A", 100_000) + "?", "\x00\x01", "p1of2", "ur:bytes/5of3/" + strings.Repeat("q", 58) + "/x",
	} {
		a := c.scan("", "psbt", code)
		if a.Done || a.Problem == "" {
			t.Errorf("%.40q: %+v", code, a)
		}
	}
	// 64 MB that deflate to a few codes
	if a := c.scan("", "keys", bomb(t)...); a.Done || !strings.Contains(a.Problem, "longer than") {
		t.Errorf("the bomb: %+v", a)
	}
	// more codes than a message can have end the scan
	big := strings.Repeat("x", 60_000)
	var a scanned
	for i := 1; i < 400 && !a.Failed; i++ {
		a = c.scan(a.Session, "psbt", "p"+itoa(i)+"of8000 "+big)
	}
	if !a.Failed || !strings.Contains(a.Problem, "characters") && !strings.Contains(a.Problem, "more than") {
		t.Errorf("24 MB of chunks: %+v", a)
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = "x"
	}
	c.post("/airgap/scan", url.Values{"part": many}).want(422)
}

// bomb is a BBQr whose few codes inflate to 64 MB.
func bomb(t *testing.T) []string {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	body := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(packed.Bytes())
	count := (len(body) + 3999) / 4000
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var parts []string
	for i := range count {
		parts = append(parts, fmt.Sprintf("B$ZU%c%c%c%c", digits[count/36], digits[count%36], digits[i/36], digits[i%36])+body[i*4000:min((i+1)*4000, len(body))])
	}
	return parts
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestPastedCodesAreJoinedWithoutScript(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	key := "[73c5da0a/48h/1h/0h/2h]" + testXPub
	parts := partsOf(t, airgap.Payload{Kind: airgap.KindText, Data: []byte(key + "\n" + key)}, airgap.FormatUR)
	c.post("/new-device/jade", url.Values{"name": {"J"}, "keys": {strings.Join(parts, "\n")}, "action": {"look"}}).want(200).says("parsed", "73c5da0a")
	c.post("/new-device/jade", url.Values{"name": {"J"}, "keys": {strings.Join(parts[1:], "\n")}, "action": {"look"}}).want(422).says("error", "parts of the code are here")
	chunks := partsOf(t, somePSBT(700), airgap.FormatSpecter)
	files := map[string]string{}
	for i, p := range chunks {
		files[itoa(i)+".txt"] = p
	}
	c.upload("/wallets/family_vault/drafts/7/signatures", "file", files).says("error", "PSBT")
}

// The exports of real devices and wallets, as codes, give keys and wallets that are understood.
func TestExportsOfOthersAreUnderstoodFromCodes(t *testing.T) {
	c := open(t, newHouse(""))
	keys, wallets := 0, 0
	vectors.Each(t, "ur/wallet_samples.json", nil, func(v vectors.Case) error {
		var sample struct {
			Parts    []string
			Type     string
			Complete bool
		}
		v.Decode(&sample)
		if !sample.Complete || sample.Type == "crypto-psbt" {
			return nil
		}
		question := "keys"
		if sample.Type == "crypto-output" {
			question = "wallet"
		}
		var a scanned
		for len(sample.Parts) > 0 && !a.Done {
			n := min(len(sample.Parts), 100)
			a = c.scan(a.Session, question, sample.Parts[:n]...)
			sample.Parts = sample.Parts[n:]
		}
		if !a.Done {
			return fmt.Errorf("%s: %+v", sample.Type, a)
		}
		switch sample.Type {
		case "crypto-account", "crypto-hdkey":
			p, err := device.New(device.Config{}).ParseKeys([]byte(a.Text))
			if err != nil || len(p.Keys) == 0 || len(p.Problems) > 0 {
				return fmt.Errorf("%s gives %q: %v %v", sample.Type, a.Text, p.Problems, err)
			}
			keys++
		case "crypto-output":
			if !strings.Contains(a.Text, "(") {
				return fmt.Errorf("%s gives %q", sample.Type, a.Text)
			}
			wallets++
		}
		return nil
	})
	if keys < 2 || wallets < 1 {
		t.Errorf("%d key exports and %d wallets were found among the samples", keys, wallets)
	}
}
