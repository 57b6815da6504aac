package signertest

import (
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// PathOf reads a derivation path.
func PathOf(t testing.TB, text string) btc.Path {
	t.Helper()
	p, err := btc.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Must returns a func that passes a value on and fails the test for an error beside it.
func Must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// WantCode fails the test where an error does not carry HWI's code.
func WantCode(t testing.TB, err error, code signer.Code) {
	t.Helper()
	if err == nil || signer.CodeOf(err) != code {
		t.Fatalf("code %d is wanted, there is %d: %v", code, signer.CodeOf(err), err)
	}
}

// SpendOf spends some coins of a wallet, 100,000 sat each, with change.
func SpendOf(t testing.TB, w signer.Wallet, coins int) *psbt.Packet {
	t.Helper()
	p := Payment{Pay: 70_000, Change: &Coin{Wallet: w, Branch: 1, Index: 3, Sat: int64(coins)*100_000 - 71_000}}
	for i := range coins {
		p.Coins = append(p.Coins, Coin{Wallet: w, Branch: i % 2, Index: uint32(i), Sat: 100_000})
	}
	return p.Packet(t, btc.Regtest)
}

// CountSignatures is how many signatures a packet has; all of them must verify.
func CountSignatures(t testing.TB, p *psbt.Packet) int {
	t.Helper()
	list, err := p.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.VerifySignatures(); err != nil {
		t.Fatal(err)
	}
	return len(list)
}
