package mnemonic

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"slices"
	"strings"

	"specter/internal/errs"
)

// maxInput bounds a typed mnemonic in bytes: 24 words of the longest list take some 600.
const maxInput = 4096

// Mnemonic is a valid mnemonic: 12, 15, 18, 21 or 24 words of one list with a good checksum.
// It is a secret: printing it in any way prints "mnemonic (hidden)".
type Mnemonic struct {
	words     []string // NFKD
	numbers   []int    // places in the list of languages[0]
	languages []Language
}

// WordError says that a word is in no list, or not in the list of the others. It names the
// position, never the word.
type WordError struct {
	Position int      // from 1
	Language Language // the list that most of the words are from; empty when none is
}

// Error returns the sentence for the person.
func (e *WordError) Error() string {
	if e.Language == "" {
		return fmt.Sprintf("word %d is in no word list that BIP39 knows", e.Position)
	}
	return fmt.Sprintf("word %d is not in the %s word list; look for a typing mistake", e.Position, e.Language)
}

// Parse reads the words of a mnemonic in any known language, in any Unicode form and case, with
// any white space between them. Errors: malformed for a wrong number of words or (wrapping
// *WordError) an unknown word, bad-checksum where every word is known but they do not fit.
func Parse(words string) (Mnemonic, error) {
	fields, err := split(words)
	if err != nil {
		return Mnemonic{}, err
	}
	candidates, err := candidatesFor(fields)
	if err != nil {
		return Mnemonic{}, err
	}
	m := Mnemonic{words: fields}
	for _, list := range candidates {
		numbers, _, _ := list.numbers(fields)
		if _, ok := entropyOf(numbers); !ok {
			continue
		}
		if m.languages == nil {
			m.numbers = numbers
		}
		m.languages = append(m.languages, list.language)
	}
	if m.languages == nil {
		return Mnemonic{}, errs.Bad(errs.BadChecksum, "every word is in the %s list, but the checksum is wrong: a word is mistaken or two are swapped", candidates[0].language)
	}
	return m, nil
}

// ParseIn reads a mnemonic as Parse does, but of one language only.
func ParseIn(words string, l Language) (Mnemonic, error) {
	list, err := listOf(l)
	if err != nil {
		return Mnemonic{}, err
	}
	fields, err := split(words)
	if err != nil {
		return Mnemonic{}, err
	}
	numbers, unknown, _ := list.numbers(fields)
	if unknown >= 0 {
		return Mnemonic{}, errs.Bad(errs.Malformed, "%w", &WordError{Position: unknown + 1, Language: l})
	}
	if _, ok := entropyOf(numbers); !ok {
		return Mnemonic{}, errs.Bad(errs.BadChecksum, "every word is in the %s list, but the checksum is wrong: a word is mistaken or two are swapped", l)
	}
	return Mnemonic{words: fields, numbers: numbers, languages: []Language{l}}, nil
}

func split(words string) ([]string, error) {
	if len(words) > maxInput {
		return nil, errs.Bad(errs.TooLarge, "this is too long for a mnemonic")
	}
	fields := strings.Fields(normalize(strings.ToLower(words)))
	if n := len(fields); n < 12 || n > 24 || n%3 != 0 {
		return nil, errs.Bad(errs.Malformed, "a mnemonic has 12, 15, 18, 21 or 24 words, this one has %d", n)
	}
	return fields, nil
}

// candidatesFor returns the lists that hold every word. Where there is none, the list that holds
// most of the words is named in the error.
func candidatesFor(words []string) ([]*wordList, error) {
	var out []*wordList
	best := &WordError{Position: 1}
	most := 0
	for _, get := range lists {
		list := get()
		_, unknown, found := list.numbers(words)
		switch {
		case unknown < 0:
			out = append(out, list)
		case found > most:
			most, best = found, &WordError{Position: unknown + 1, Language: list.language}
		}
	}
	if out == nil {
		return nil, errs.Bad(errs.Malformed, "%w", best)
	}
	return out, nil
}

// New makes an English mnemonic of 128, 160, 192, 224 or 256 bits read from rand, which must be
// fit for keys (crypto/rand).
func New(entropyBits int, rand io.Reader) (Mnemonic, error) {
	return NewIn(entropyBits, English, rand)
}

// NewIn makes a mnemonic as New does, in a language.
func NewIn(entropyBits int, l Language, rand io.Reader) (Mnemonic, error) {
	if err := checkBits(entropyBits); err != nil {
		return Mnemonic{}, err
	}
	entropy := make([]byte, entropyBits/8)
	defer clear(entropy)
	if _, err := io.ReadFull(rand, entropy); err != nil {
		return Mnemonic{}, errs.E(errs.Internal, "no random bytes could be read: %w", err)
	}
	return FromEntropy(entropy, l)
}

// FromEntropy makes the mnemonic of 16, 20, 24, 28 or 32 bytes.
func FromEntropy(entropy []byte, l Language) (Mnemonic, error) {
	if err := checkBits(len(entropy) * 8); err != nil {
		return Mnemonic{}, err
	}
	list, err := listOf(l)
	if err != nil {
		return Mnemonic{}, err
	}
	m := Mnemonic{numbers: numbersOf(entropy), languages: []Language{l}}
	for _, n := range m.numbers {
		m.words = append(m.words, list.words[n])
	}
	return m, nil
}

func checkBits(bits int) error {
	if bits < 128 || bits > 256 || bits%32 != 0 {
		return errs.Bad(errs.Malformed, "a mnemonic is made of 128, 160, 192, 224 or 256 bits, not of %d", bits)
	}
	return nil
}

// Words returns the words in NFKD.
func (m Mnemonic) Words() []string { return slices.Clone(m.words) }

// Phrase returns the words in one line, with the ideographic space between Japanese ones. It is
// the secret in the clear: for the screen of its owner, never for a log.
func (m Mnemonic) Phrase() string {
	if m.Language() == Japanese {
		return strings.Join(m.words, "\u3000")
	}
	return strings.Join(m.words, " ")
}

// Language returns the language of the mnemonic; of several that fit, the first of Languages.
func (m Mnemonic) Language() Language {
	if len(m.languages) == 0 {
		return ""
	}
	return m.languages[0]
}

// Candidates lists every language in which the mnemonic is valid; it is nearly always one. The
// seed is the same in all of them, the entropy and the SeedQR are not.
func (m Mnemonic) Candidates() []Language { return slices.Clone(m.languages) }

// Entropy returns the bytes that the mnemonic was made of: 16 to 32.
func (m Mnemonic) Entropy() []byte {
	entropy, _ := entropyOf(m.numbers)
	return entropy
}

// Seed returns the 64-byte BIP32 seed. Every passphrase is right: another one is another wallet.
func (m Mnemonic) Seed(passphrase string) []byte {
	password := strings.Join(m.words, " ")
	seed, err := pbkdf2.Key(sha512.New, password, []byte("mnemonic"+normalize(passphrase)), 2048, 64)
	if err != nil {
		panic("mnemonic: PBKDF2 refused constant parameters: " + err.Error()) // cannot happen: 64 bytes, 2048 rounds
	}
	return seed
}

// IsZero reports whether m is the zero Mnemonic, which holds no words.
func (m Mnemonic) IsZero() bool { return len(m.words) == 0 }

const hidden = "mnemonic (hidden)"

// String says nothing about the secret.
func (m Mnemonic) String() string { return hidden }

// Format says nothing about the secret under any verb.
func (m Mnemonic) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText says nothing about the secret.
func (m Mnemonic) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// numbersOf cuts entropy and its checksum (the first len/32 bits of its SHA-256) into 11 bits each.
func numbersOf(entropy []byte) []int {
	sum := sha256.Sum256(entropy)
	data := append(slices.Clone(entropy), sum[0])
	out := make([]int, len(entropy)*8*33/32/11)
	for i := range out {
		for bit := i * 11; bit < i*11+11; bit++ {
			out[i] = out[i]<<1 | int(data[bit/8]>>(7-bit%8)&1)
		}
	}
	return out
}

// entropyOf joins the 11-bit numbers of 12 to 24 words; ok is false when the checksum is wrong.
func entropyOf(numbers []int) (entropy []byte, ok bool) {
	entropy = make([]byte, len(numbers)*11*32/33/8)
	for i := range len(entropy) * 8 {
		entropy[i/8] |= byte(numbers[i/11]>>(10-i%11)&1) << (7 - i%8)
	}
	return entropy, slices.Equal(numbersOf(entropy), numbers)
}

// FixChecksum returns the mnemonic whose last word carries the right checksum for the words
// before it and for the entropy bits that the last word holds itself. It is for making up test
// mnemonics; a person's own backup with a wrong checksum has some other mistake.
func FixChecksum(words string, l Language) (Mnemonic, error) {
	list, err := listOf(l)
	if err != nil {
		return Mnemonic{}, err
	}
	fields, err := split(words)
	if err != nil {
		return Mnemonic{}, err
	}
	numbers, unknown, _ := list.numbers(fields)
	if unknown >= 0 {
		return Mnemonic{}, errs.Bad(errs.Malformed, "%w", &WordError{Position: unknown + 1, Language: l})
	}
	entropy, _ := entropyOf(numbers)
	return FromEntropy(entropy, l)
}
