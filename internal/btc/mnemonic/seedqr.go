package mnemonic

import (
	"fmt"
	"strings"

	"specter/internal/errs"
)

// SeedQR returns the digits of a SeedQR: four per word, the word's number in the English list
// from 0000. Other languages are refused, since the reader assumes English.
func (m Mnemonic) SeedQR() (string, error) {
	if err := m.wantEnglish(); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, n := range m.numbers {
		fmt.Fprintf(&b, "%04d", n)
	}
	return b.String(), nil
}

// CompactSeedQR returns the bytes of a CompactSeedQR: the entropy, without the checksum. It is
// defined for 12 and 24 words of the English list.
func (m Mnemonic) CompactSeedQR() ([]byte, error) {
	if err := m.wantEnglish(); err != nil {
		return nil, err
	}
	if len(m.words) != 12 && len(m.words) != 24 {
		return nil, errs.Bad(errs.Unsupported, "a CompactSeedQR holds 12 or 24 words, not %d", len(m.words))
	}
	return m.Entropy(), nil
}

func (m Mnemonic) wantEnglish() error {
	if m.Language() != English {
		return errs.Bad(errs.Unsupported, "a SeedQR numbers the words of the English list only")
	}
	return nil
}

// FromSeedQR reads the digits of a SeedQR. The checksum is verified.
func FromSeedQR(digits string) (Mnemonic, error) {
	digits = strings.TrimSpace(digits)
	if n := len(digits); n < 48 || n > 96 || n%12 != 0 {
		return Mnemonic{}, errs.Bad(errs.Malformed, "a SeedQR has 4 digits for each of 12 to 24 words; this text has %d characters", n)
	}
	numbers := make([]int, len(digits)/4)
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return Mnemonic{}, errs.Bad(errs.Malformed, "a SeedQR is made of digits only")
		}
		numbers[i/4] = numbers[i/4]*10 + int(digits[i]-'0')
	}
	for i, n := range numbers {
		if n > 2047 {
			return Mnemonic{}, errs.Bad(errs.Malformed, "word %d of the SeedQR has a number above 2047", i+1)
		}
	}
	entropy, ok := entropyOf(numbers)
	if !ok {
		return Mnemonic{}, errs.Bad(errs.BadChecksum, "the words of the SeedQR have a wrong checksum")
	}
	return FromEntropy(entropy, English)
}

// FromCompactSeedQR reads the 16 or 32 bytes of a CompactSeedQR. It has no checksum: every 16
// bytes are a mnemonic.
func FromCompactSeedQR(data []byte) (Mnemonic, error) {
	if len(data) != 16 && len(data) != 32 {
		return Mnemonic{}, errs.Bad(errs.Malformed, "a CompactSeedQR has 16 or 32 bytes, this one %d", len(data))
	}
	return FromEntropy(data, English)
}
