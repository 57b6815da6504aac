package web

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

type txPage struct {
	walletPage
	txLook
	Tx      wallet.TxDetail
	Choices *wallet.Choices // what can be done; nil: nothing is to be done, or Why
	Why     string          // why that is not known
	Senders []wallet.Sender // who can send it again besides the node
	Error   string
}

// RawHex is the transaction in hexadecimal.
func (p txPage) RawHex() string { return hex.EncodeToString(p.Tx.Raw) }

// Any tells that something can be done.
func (p txPage) Any() bool {
	c := p.Choices
	return c != nil && (c.SpeedUp || c.Cancel || c.Edit || c.Child || c.Rebroadcast || c.Abandon)
}

// Rivals lists other transactions that spend the same coins, without the one that took its place.
func (p txPage) Rivals() []chainhash.Hash {
	var out []chainhash.Hash
	for _, id := range p.Tx.Conflicts {
		if p.Tx.ReplacedBy == nil || id != *p.Tx.ReplacedBy {
			out = append(out, id)
		}
	}
	return out
}

func txID(r *http.Request) (chainhash.Hash, error) {
	id, err := chainhash.NewHashFromStr(r.PathValue("txid"))
	if err != nil || len(r.PathValue("txid")) != chainhash.MaxHashStringSize {
		return chainhash.Hash{}, errs.E(errs.NotFound, "this is no transaction id; it has 64 hexadecimal digits")
	}
	return *id, nil
}

// choicesWait is how long the page waits for a node that is asked about a waiting transaction.
const choicesWait = 4 * time.Second

func (s *Server) txPage(r *http.Request) (txPage, error) {
	id, err := txID(r)
	if err != nil {
		return txPage{}, err
	}
	p, err := s.walletPage(r, "history", "tx")
	if err != nil {
		return txPage{}, err
	}
	v := txPage{walletPage: p}
	if v.Tx, err = s.c.Wallets.Transaction(r.Context(), p.Wallet.Ref(), id); err != nil {
		return v, err
	}
	v.Title = s.tr(r, "Transaction %s", short(id))
	if v.txLook, err = s.txLook(r, p.page, v.Tx); err != nil {
		return v, err
	}
	if v.Tx.State != wallet.Pending && v.Tx.State != wallet.Dropped {
		return v, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), choicesWait)
	defer cancel()
	c, err := s.c.Wallets.Choices(ctx, p.Wallet.Ref(), id)
	if err != nil {
		s.note(r, err)
		v.Why = s.sentence(r, err)
		return v, nil
	}
	v.Choices = &c
	if c.Rebroadcast {
		v.Senders = s.senders(r, p.page)
	}
	return v, nil
}

func (s *Server) getTx(w http.ResponseWriter, r *http.Request) error {
	v, err := s.txPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "tx", v)
}

// changeTx does something to a transaction and shows its page again, with the refusal if there
// was one.
func (s *Server) changeTx(w http.ResponseWriter, r *http.Request, do func(ref wallet.Ref, id chainhash.Hash) (done string, err error)) error {
	if err := parseForm(r); err != nil {
		return err
	}
	id, err := txID(r)
	if err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	done, err := do(ref, id)
	if err == nil {
		s.say(w, r, flashOK, "%s", done)
		return s.redirect(w, r, txPath(ref.Alias, id))
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.txPage(r)
	if pageErr != nil {
		return err
	}
	s.note(r, err)
	v.Error = s.sentence(r, err)
	return s.render(w, r, statusOf(err), "tx", v)
}

func txPath(alias string, id chainhash.Hash) string {
	return "/wallets/" + url.PathEscape(alias) + "/tx/" + id.String()
}

// postRepair fetches a record again that could not be read.
func (s *Server) postRepair(w http.ResponseWriter, r *http.Request) error {
	return s.changeTx(w, r, func(ref wallet.Ref, id chainhash.Hash) (string, error) {
		return s.tr(r, "The transaction was fetched again."), s.c.Wallets.Repair(r.Context(), ref, id)
	})
}

// postAbandon gives up a transaction that left the mempool.
func (s *Server) postAbandon(w http.ResponseWriter, r *http.Request) error {
	return s.changeTx(w, r, func(ref wallet.Ref, id chainhash.Hash) (string, error) {
		return s.tr(r, "Given up: its coins are free, and there is no alarm about it any more."), s.c.Wallets.Abandon(r.Context(), ref, id)
	})
}

// postRebroadcast hands a transaction to the network again.
func (s *Server) postRebroadcast(w http.ResponseWriter, r *http.Request) error {
	return s.changeTx(w, r, func(ref wallet.Ref, id chainhash.Hash) (string, error) {
		return s.tr(r, "Sent again."), s.c.Wallets.RebroadcastVia(r.Context(), ref, id, limit(r.FormValue("via"), 100))
	})
}
