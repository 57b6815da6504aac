package signertest

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/signer"
)

// Chance is a source of bytes that are the same in every run: SHA-256 in counter mode over a
// seed. For tests and recordings alone.
func Chance(seed string) io.Reader { return &chance{seed: sha256.Sum256([]byte(seed))} }

type chance struct {
	seed [32]byte
	n    uint64
	rest []byte
}

func (c *chance) Read(p []byte) (int, error) {
	for i := range p {
		if len(c.rest) == 0 {
			block := sha256.Sum256(binary.BigEndian.AppendUint64(c.seed[:], c.n))
			c.n++
			c.rest = block[:]
		}
		p[i], c.rest = c.rest[0], c.rest[1:]
	}
	return len(p), nil
}

// The public test phrases of the references; never fund them.
const (
	Alcohol = "alcohol woman abuse must during monitor noble actual mixed trade anger aisle"                  // fingerprint 95d8f670
	Abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about" // 73c5da0a
	Zoo     = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"                                             // 3f635a63
	Legal   = "legal winner thank year wave sausage worth useful legal winner thank yellow"                   // b8688df1
)

// Master is the master key of a phrase, with the test networks' version bytes.
func Master(t testing.TB, words, passphrase string) btc.XKey {
	t.Helper()
	if key, made := masters.Load([2]string{words, passphrase}); made {
		return key.(btc.XKey)
	}
	m, err := mnemonic.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	key, err := btc.NewMaster(m.Seed(passphrase), false)
	if err != nil {
		t.Fatal(err)
	}
	masters.Store([2]string{words, passphrase}, key)
	return key
}

// masters are the keys made so far: stretching a phrase is slow on purpose.
var masters sync.Map

// Options are a driver's options for a test on regtest, with chance that is always the same.
func Options(t testing.TB) signer.Options {
	return signer.Options{Network: btc.Regtest, Rand: Chance(t.Name()), Now: time.Now, Memory: &Drawer{}}
}
