package app

import (
	"context"
	"os"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// TestHeadersAreFetchedOnlyWhereProofsAreWanted: no file of headers before somebody switches proofs
// on, then the whole chain, the owner's alone, and proofs of what is confirmed; after a restart
// the file is used again.
func TestHeadersAreFetchedOnlyWhereProofsAreWanted(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	file := h.folder.file("headers-regtest.dat")
	page, err := h.wallets.History(ctx, walletRef("spending"), wallet.Query{Filter: "receive"})
	if err != nil || len(page.Rows) == 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	h = h.reopen() // the first round of proofs is over or has never begun
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("headers that nobody wants: %v", err)
	}
	if _, err := h.settings.ChangeUser(ctx, string(demoOwner), func(u *setting.User) error { u.Proofs = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h = h.reopen()
		eventually(t, "the chain of headers and the proofs", func() (bool, string) {
			tip, err := h.chain.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			st := h.wallets.Headers(btc.Regtest)
			proofs, err := h.wallets.Proofs(ctx, walletRef("spending"), []chainhash.Hash{page.Rows[0].TxID})
			return err == nil && st.Height == tip.Tip.Height && st.Enough && proofs[page.Rows[0].TxID].Proved, st.Trouble
		})
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != h.wallets.Headers(btc.Regtest).Bytes {
			t.Errorf("the file: %v, %v", info, err)
		}
	}
}
