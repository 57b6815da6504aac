package mnemonic_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
)

const about = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestEveryWordListHolds2048DifferentWordsInNFKD(t *testing.T) {
	for _, l := range mnemonic.Languages() {
		words, err := mnemonic.Words(l)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, w := range words {
			if seen[w] || !norm.NFKD.IsNormalString(w) || strings.ToLower(w) != w {
				t.Errorf("%s: %q is doubled, not NFKD or not lower case", l, w)
			}
			seen[w] = true
		}
		if len(words) != 2048 {
			t.Errorf("%s has %d words", l, len(words))
		}
	}
	if _, err := mnemonic.Words("klingon"); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("an unknown language: %v", err)
	}
}

func TestParseRefusesWithTheReason(t *testing.T) {
	for _, c := range []struct {
		name, words string
		code        errs.Code
		says        string
	}{
		{"no words", "", errs.Malformed, "has 0"},
		{"eleven words", strings.Join(strings.Fields(about)[:11], " "), errs.Malformed, "has 11"},
		{"27 words", strings.Repeat("abandon ", 27), errs.Malformed, "has 27"},
		{"unknown word", strings.Replace(about, "about", "aboot", 1), errs.Malformed, "word 12 is not in the english"},
		{"no language", strings.Repeat("qqq ", 12), errs.Malformed, "word 1 is in no word list"},
		{"checksum", strings.Repeat("abandon ", 12), errs.BadChecksum, "checksum is wrong"},
		{"too long", strings.Repeat("a", 5000), errs.TooLarge, "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mnemonic.Parse(c.words)
			if errs.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v (%s), want %s: …%s…", err, errs.CodeOf(err), c.code, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "aboot") {
				t.Error("the error repeats a word of the secret")
			}
		})
	}
	_, err := mnemonic.Parse(strings.Replace(about, "about", "aboot", 1))
	var we *mnemonic.WordError
	if !errors.As(err, &we) || we.Position != 12 || we.Language != mnemonic.English {
		t.Errorf("the unknown word is not told: %v", err)
	}
}

func TestParseForgivesCaseAndSpace(t *testing.T) {
	m, err := mnemonic.Parse("\n ABANDON\tabandon  Abandon abandon abandon abandon abandon abandon abandon abandon abandon about\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if m.Phrase() != about || !bytes.Equal(m.Entropy(), make([]byte, 16)) {
		t.Errorf("got %q", m.Phrase())
	}
}

func TestMnemonicPrintsNothing(t *testing.T) {
	m, err := mnemonic.Parse(about)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if out := fmt.Sprintf(verb, m) + fmt.Sprintf(verb, &m) + fmt.Sprintf(verb, []mnemonic.Mnemonic{m}); strings.Contains(out, "aband") || strings.Contains(out, "6162616e") {
			t.Errorf("%s prints %s", verb, out)
		}
	}
	if out, _ := json.Marshal(m); bytes.Contains(out, []byte("aband")) {
		t.Errorf("JSON prints %s", out)
	}
}

func TestNewMakesWhatParseReads(t *testing.T) {
	for bits := 128; bits <= 256; bits += 32 {
		for _, l := range mnemonic.Languages() {
			rand := bytes.NewReader([]byte("0123456789abcdefghijklmnopqrstuv"))
			m, err := mnemonic.NewIn(bits, l, rand)
			if err != nil {
				t.Fatal(err)
			}
			back, err := mnemonic.ParseIn(m.Phrase(), l)
			if err != nil || !bytes.Equal(back.Entropy(), []byte("0123456789abcdefghijklmnopqrstuv")[:bits/8]) {
				t.Errorf("%s %d bits: %v", l, bits, err)
			}
			if len(m.Words()) != bits*33/32/11 {
				t.Errorf("%s %d bits: %d words", l, bits, len(m.Words()))
			}
		}
	}
	for _, bits := range []int{0, 96, 127, 129, 288, -128} {
		if _, err := mnemonic.New(bits, bytes.NewReader(make([]byte, 99))); err == nil {
			t.Errorf("%d bits pass", bits)
		}
	}
	if _, err := mnemonic.New(128, bytes.NewReader(make([]byte, 15))); err == nil {
		t.Error("a short random source passes")
	}
}

// Chinese lists share many words at the same or other places.
func TestAmbiguousMnemonicNamesItsLanguages(t *testing.T) {
	m, err := mnemonic.Parse("的 的 的 的 的 的 的 的 的 的 的 在")
	if err != nil {
		t.Fatal(err)
	}
	if want := []mnemonic.Language{mnemonic.ChineseSimplified, mnemonic.ChineseTraditional}; !slices.Equal(m.Candidates(), want) {
		t.Errorf("got %v", m.Candidates())
	}
	if _, err := mnemonic.ParseIn(m.Phrase(), mnemonic.English); err == nil {
		t.Error("English takes Chinese words")
	}
}

// 40 combining marks: the library's own NFKD would put a joiner in between. The expected seed is
// of Python's unicodedata and hashlib.
func TestPassphraseWithManyMarksIsOrderedButNotBroken(t *testing.T) {
	m, err := mnemonic.Parse(about)
	if err != nil {
		t.Fatal(err)
	}
	pass := "a" + strings.Repeat("\u0301", 20) + strings.Repeat("\u0323", 20) + "각"
	got := hex.EncodeToString(m.Seed(pass))
	const want = "90fd7c7e898bdd0b0467518f282ba50036a6f72fe9e231a7e0e58428afbd02c605beeba6f13b447434518c5a122139a66afd16794c9707bab5507f6a8421f6cd"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(about)
	f.Add("的 的 的 的 的 的 的 的 的 的 的 在")
	f.Add(strings.Repeat("ABACATE ", 24))
	f.Fuzz(func(t *testing.T, s string) {
		m, err := mnemonic.Parse(s)
		if err != nil {
			return
		}
		again, err := mnemonic.Parse(m.Phrase())
		if err != nil || again.Phrase() != m.Phrase() {
			t.Errorf("parse, print, parse is not stable: %v", err)
		}
	})
}

func FuzzSeedQR(f *testing.F) {
	f.Add("011513251154012711900771041507421289190620080870026613431420201617920614089619290300152408010643")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := mnemonic.FromSeedQR(s)
		if err != nil {
			return
		}
		if out, err := m.SeedQR(); err != nil || out != strings.TrimSpace(s) {
			t.Errorf("printed %v", err)
		}
	})
}
