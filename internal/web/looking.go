package web

import (
	"html/template"
	"net/http"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/wallet"
)

// lookingFuncs are the words of the pages for looking at wallets.
func (s *Server) lookingFuncs(words catalogue) template.FuncMap {
	return template.FuncMap{
		"age":        func(t time.Time) string { return words.age(s.now(), t) },
		"suspect":    words.suspectWords,
		"labelwords": words.labelWords,
	}
}

// age says how long ago a time was, in the largest unit that fits.
func (c catalogue) age(now, t time.Time) string {
	if t.IsZero() || t.Unix() <= 0 {
		return ""
	}
	days := int(now.Sub(t).Hours() / 24)
	switch {
	case days < 1:
		return c.t("today")
	case days < 60:
		return c.n(days, "%d day", "%d days")
	case days < 730:
		return c.n(days/30, "%d month", "%d months")
	}
	return c.n(days/365, "%d year", "%d years")
}

// suspectWords says why a coin looks like bait.
func (c catalogue) suspectWords(why wallet.Suspect) string {
	switch why {
	case wallet.DustAttack:
		return c.t("A few sat on an address that was used before: whoever sent them wants to see with which coins you spend them. Freeze the coin and leave it.")
	case wallet.Poisoned:
		return c.t("It came with an address that looks like one you know but is another, so that you copy it by mistake. Take no address from this transaction.")
	}
	return ""
}

// labelWords names what a label stands on.
func (c catalogue) labelWords(kind wallet.LabelKind) string {
	return c.t(map[wallet.LabelKind]string{wallet.LabelTx: "Transaction", wallet.LabelAddress: "Address", wallet.LabelOutput: "Coin",
		wallet.LabelInput: "Input", wallet.LabelPubKey: "Public key", wallet.LabelXPub: "Key"}[kind])
}

// proofs tells of the rows of a page whether they are proved to be in their blocks.
type proofs map[chainhash.Hash]wallet.Proof

// proofsOf asks for the proofs of a page's rows; rows of several wallets are asked one wallet
// after another.
func (s *Server) proofsOf(r *http.Request, p page, rows []wallet.HistoryRow) (proofs, error) {
	byWallet := map[string][]chainhash.Hash{}
	for _, row := range rows {
		if row.State == wallet.Confirmed {
			byWallet[row.WalletAlias] = append(byWallet[row.WalletAlias], row.TxID)
		}
	}
	out := proofs{}
	for alias, ids := range byWallet {
		found, err := s.c.Wallets.Proofs(r.Context(), wallet.Ref{Owner: p.Owner, Network: p.Network, Alias: alias}, ids)
		if err != nil {
			return nil, err
		}
		for id, proof := range found {
			out[id] = proof
		}
	}
	return out, nil
}

// Of is the proof of a row; nil while there is none.
func (p proofs) Of(id chainhash.Hash) *wallet.Proof {
	if proof, ok := p[id]; ok {
		return &proof
	}
	return nil
}

// explorer is the block explorer that the user chose; "" none.
func (s *Server) explorer(r *http.Request, p page) string {
	if s.c.Explorer == nil {
		return ""
	}
	return s.c.Explorer(r.Context(), p.Owner, p.Network)
}

// currency is that of prices which files can tell; "" where nobody is asked.
func (s *Server) currency(r *http.Request, p page) string {
	if s.c.PastPrices == nil {
		return ""
	}
	currency, at := s.c.PastPrices(r.Context(), p.Owner)
	if at == nil {
		return ""
	}
	return currency
}
