package web

import (
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

type txPage struct {
	walletPage
	Tx wallet.TxDetail
}

// RawHex is the transaction in hexadecimal.
func (p txPage) RawHex() string { return hex.EncodeToString(p.Tx.Raw) }

func txID(r *http.Request) (chainhash.Hash, error) {
	id, err := chainhash.NewHashFromStr(r.PathValue("txid"))
	if err != nil || len(r.PathValue("txid")) != chainhash.MaxHashStringSize {
		return chainhash.Hash{}, errs.E(errs.NotFound, "this is no transaction id; it has 64 hexadecimal digits")
	}
	return *id, nil
}

func (s *Server) getTx(w http.ResponseWriter, r *http.Request) error {
	id, err := txID(r)
	if err != nil {
		return err
	}
	p, err := s.walletPage(r, "history", "tx")
	if err != nil {
		return err
	}
	v := txPage{walletPage: p}
	if v.Tx, err = s.c.Wallets.Transaction(r.Context(), p.Wallet.Ref(), id); err != nil {
		return err
	}
	v.Title = s.tr(r, "Transaction %s", short(id))
	return s.render(w, r, http.StatusOK, "tx", v)
}

// postRepair fetches a record again that could not be read.
func (s *Server) postRepair(w http.ResponseWriter, r *http.Request) error {
	id, err := txID(r)
	if err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if err := s.c.Wallets.Repair(r.Context(), ref, id); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The transaction was fetched again.")
	return s.redirect(w, r, "/wallets/"+url.PathEscape(ref.Alias)+"/tx/"+id.String())
}
