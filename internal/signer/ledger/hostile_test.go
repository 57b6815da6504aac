package ledger

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// A hostile device gets nothing that was not committed to, and no end of anything.
func TestHostileQuestionsAreRefused(t *testing.T) {
	w := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	tx := spend(t, coinOf{w, 0, 0, 10_000})
	secret := sha256.Sum256([]byte("something else"))
	for name, change := range map[string]func(b []byte) []byte{
		"a foreign preimage":        func([]byte) []byte { return append([]byte{askPreimage, 0}, secret[:]...) },
		"a preimage of version 1":   func(b []byte) []byte { return append([]byte{askPreimage, 1}, secret[:]...) },
		"a short preimage":          func([]byte) []byte { return []byte{askPreimage, 0, 1} },
		"a foreign tree":            func([]byte) []byte { return append(append([]byte{askProof}, secret[:]...), 1, 0) },
		"a huge place":              func(b []byte) []byte { return append(b[:34:34], 0xff, 0, 0, 0, 0, 0, 0, 0, 0x80) },
		"a place beyond the end":    func(b []byte) []byte { return append(b[:34:34], b[33]) },
		"a tree of another size":    func(b []byte) []byte { return append(b[:33:33], 0xfd, 0xff, 0xff, 0) },
		"a long form of a number":   func(b []byte) []byte { return append(b[:34:34], 0xfd, 0, 0) },
		"a place in a foreign tree": func([]byte) []byte { return slices.Concat([]byte{askIndex}, secret[:], secret[:]) },
		"more of nothing":           func([]byte) []byte { return []byte{askMore} },
		"an empty question":         func([]byte) []byte { return nil },
		"an unknown question":       func([]byte) []byte { return []byte{0x77} },
	} {
		a := newApp(t)
		a.Asks = func(b []byte) []byte {
			if b[0] == askPreimage && strings.Contains(name, "tree") || b[0] != askProof && strings.Contains(name, "place ") || b[0] != askProof && strings.Contains(name, "number") {
				return b
			}
			return change(b)
		}
		s := open(t, a, signertest.Options(t))
		if _, err := s.Sign(t.Context(), w, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeUnknown || !strings.Contains(err.Error(), "hostile") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.XPub(t.Context(), btc.Path{}); err == nil {
			t.Errorf("%s: the session goes on", name)
		}
	}
}

// The same question again and again ends too.
func TestADeviceThatAsksForeverIsStopped(t *testing.T) {
	c := newClerk()
	root := c.addList([][]byte{{1}, {2}})
	c.budget(1, 1, 1)
	ask := slices.Concat([]byte{askIndex}, root[:], root[:])
	for n := 0; ; n++ {
		if _, err := c.answer(ask); err != nil {
			break
		}
		if n > 100_000 {
			t.Fatal("it is answered without end")
		}
	}
	c.budget(1, 1, 2)
	for n := range 3 {
		if _, err := c.answer([]byte{askYield, 0}); (err != nil) != (n == 2) {
			t.Errorf("result %d where 2 may come: %v", n, err)
		}
	}
}

func TestYieldsAreReadStrictly(t *testing.T) {
	ecdsa := append([]byte{0x30}, make([]byte, 70)...)
	for name, b := range map[string][]byte{
		"empty":             {},
		"no such input":     slices.Concat([]byte{2, 33}, make([]byte, 33), ecdsa),
		"a long number":     slices.Concat([]byte{0xfd, 0, 0, 33}, make([]byte, 33), ecdsa),
		"a key cut off":     {0, 33, 1},
		"a key of 31 bytes": slices.Concat([]byte{0, 31}, make([]byte, 31), ecdsa),
		"no signature":      slices.Concat([]byte{0, 33}, make([]byte, 33)),
		"no DER":            slices.Concat([]byte{0, 33}, make([]byte, 33), make([]byte, 64)),
		"a long signature":  slices.Concat([]byte{0, 33}, make([]byte, 33), ecdsa, ecdsa),
		"Schnorr of 66":     slices.Concat([]byte{0, 32}, make([]byte, 32), make([]byte, 66)),
		"a nonce of MuSig2": slices.Concat([]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0}, make([]byte, 132)),
		"a number cut off":  {0xfd, 0},
		"a leaf cut off":    slices.Concat([]byte{0, 63}, make([]byte, 63), make([]byte, 64)),
	} {
		if r, err := parseYield(b, 2); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r, err := parseYield(slices.Concat([]byte{1, 64}, make([]byte, 64), make([]byte, 65)), 2)
	if err != nil || r.input != 1 || len(r.pubkey) != 32 || len(r.leaf) != 32 || len(r.sig) != 65 {
		t.Errorf("a leaf's signature: %+v, %v", r, err)
	}
}

func TestSignaturesByForeignKeysAreNotTaken(t *testing.T) {
	w := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	tr := walletOf(t, "", "tr(%A)", "86h/1h/0h")
	tx := spend(t, coinOf{w, 0, 0, 10_000}, coinOf{tr, 0, 0, 10_000})
	for name, r := range map[string]result{
		"another key":           {0, append([]byte{2}, make([]byte, 32)...), nil, []byte{0x30}},
		"Schnorr for segwit 0":  {0, make([]byte, 32), nil, make([]byte, 64)},
		"ECDSA for taproot":     {1, tx.Inputs[0].Derivations[0].PubKey, nil, []byte{0x30}},
		"another output key":    {1, make([]byte, 32), nil, make([]byte, 64)},
		"another key in a leaf": {1, make([]byte, 32), make([]byte, 32), make([]byte, 64)},
	} {
		if err := add(tx.Clone(), r); signer.CodeOf(err) != signer.CodeUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
}
