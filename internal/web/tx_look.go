package web

import (
	"encoding/hex"
	"net/http"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// txLook is what a transaction's page shows besides the transaction itself.
type txLook struct {
	Explorer string        // of the user; "" none
	Proof    *wallet.Proof // that it is in its block; nil: not looked at yet
}

func (s *Server) txLook(r *http.Request, p page, tx wallet.TxDetail) (txLook, error) {
	v := txLook{Explorer: s.explorer(r, p)}
	if tx.State != wallet.Confirmed {
		return v, nil
	}
	ref := wallet.Ref{Owner: p.Owner, Network: p.Network, Alias: r.PathValue("alias")}
	found, err := s.c.Wallets.Proofs(r.Context(), ref, []chainhash.Hash{tx.TxID})
	if err != nil {
		return v, err
	}
	v.Proof = proofs(found).Of(tx.TxID)
	return v, nil
}

// getTxRaw hands out a transaction in hexadecimal, for other programs.
func (s *Server) getTxRaw(w http.ResponseWriter, r *http.Request) error {
	id, err := txID(r)
	if err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	tx, err := s.c.Wallets.Transaction(r.Context(), ref, id)
	if err != nil {
		return err
	}
	if len(tx.Raw) == 0 {
		return errs.E(errs.NotFound, "the bytes of this transaction are not here; its page can fetch them again")
	}
	return download(w, wallet.File{Name: id.String() + ".txn", Type: "text/plain; charset=utf-8", Data: []byte(hex.EncodeToString(tx.Raw) + "\n")})
}
