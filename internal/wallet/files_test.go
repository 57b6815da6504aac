package wallet_test

import (
	"context"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// What is written for other programs and devices gives the same wallet when it comes back.
func TestFilesOfOthersGiveTheSameWallet(t *testing.T) {
	h := newHouse(t)
	vault := h.create("Vault", "wsh", 2, "alice", "bob", "carol")
	h.create("Savings", "wpkh", 0, "alice")
	read := 0
	for _, alias := range []string{"vault", "savings"} {
		ref := wallet.Ref{Owner: admin, Network: btc.Regtest, Alias: alias}
		rec, err := h.s.Get(context.Background(), ref)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range wallet.ExportFormats() {
			f, err := h.s.ExportFile(context.Background(), ref, format)
			if errs.CodeOf(err) == errs.Unsupported && alias == "savings" {
				continue
			}
			if err != nil || len(f.Data) == 0 || !strings.HasPrefix(f.Name, alias) {
				t.Errorf("%s as %s: %q %v", alias, format, f.Name, err)
				continue
			}
			back, err := h.s.ReadFile(f.Data, btc.Regtest)
			if err != nil {
				t.Errorf("%s as %s does not come back: %v\n%s", alias, format, err, f.Data)
				continue
			}
			if back.Descriptor != rec.Descriptor {
				t.Errorf("%s as %s comes back as %s", alias, format, back.Descriptor)
			}
			read++
		}
	}
	if read < 15 {
		t.Errorf("only %d files were read back", read)
	}
	if _, err := h.s.ReadFile([]byte(vault.Descriptor), btc.Mainnet); errs.KindOf(err) != errs.Invalid {
		t.Errorf("keys of a test network on mainnet: %v", err)
	}
	_, err := h.s.ExportFile(context.Background(), vault.Ref(), "abacus")
	wantKind(t, err, errs.Invalid, "unknown format")
}
