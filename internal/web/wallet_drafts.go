package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/wallet"
)

type draftsPage struct {
	walletPage
	Rows []wallet.Draft
}

// getDrafts lists the drafts: the old Specter's "Saved".
func (s *Server) getDrafts(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "send", "drafts")
	if err != nil {
		return err
	}
	v := draftsPage{walletPage: p}
	if v.Rows, err = s.c.Wallets.Drafts(r.Context(), p.Wallet.Ref()); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_drafts", v)
}

// Holding is what all drafts together keep from being spent.
func (p draftsPage) Holding() btcutil.Amount {
	var sum btcutil.Amount
	for _, d := range p.Rows {
		if holds(d) {
			sum += held(d)
		}
	}
	return sum
}

// Comparable reports whether there are two drafts that can be read.
func (p draftsPage) Comparable() bool {
	n := 0
	for _, d := range p.Rows {
		if d.State != wallet.DraftBroken {
			n++
		}
	}
	return n > 1
}

type comparePage struct {
	walletPage
	wallet.Comparison
}

// getCompare puts the two ticked drafts side by side.
func (s *Server) getCompare(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "send", "drafts")
	if err != nil {
		return err
	}
	var ids []wallet.DraftID
	for _, text := range r.URL.Query()["draft"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, wallet.DraftID(id))
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		s.say(w, r, flashWarn, "Tick exactly two drafts to compare.")
		return s.redirect(w, r, "/wallets/"+url.PathEscape(p.Wallet.Alias)+"/drafts")
	}
	v := comparePage{walletPage: p}
	if v.Comparison, err = s.c.Wallets.Compare(r.Context(), p.Wallet.Ref(), ids[0], ids[1]); err != nil {
		return err
	}
	v.Title = s.tr(r, "Drafts %d and %d", ids[0], ids[1])
	return s.render(w, r, http.StatusOK, "draft_compare", v)
}

type importPage struct {
	walletPage
	Text  string
	Error string
}

func (s *Server) getImport(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "send", "import")
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "psbt_import", importPage{walletPage: p})
}

// postImport makes a draft of a PSBT from elsewhere.
func (s *Server) postImport(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	p, err := s.walletPage(r, "send", "import")
	if err != nil {
		return err
	}
	v := importPage{walletPage: p, Text: r.FormValue("psbt")}
	pieces, err := foreign(r, "psbt", "file")
	if err != nil {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "psbt_import", v)
	}
	if len(pieces) != 1 {
		v.Error = s.tr(r, "Paste one PSBT or choose one file.")
		return s.render(w, r, http.StatusUnprocessableEntity, "psbt_import", v)
	}
	d, err := s.c.Wallets.ImportPSBT(r.Context(), p.Wallet.Ref(), pieces[0])
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "psbt_import", v)
	}
	return s.redirect(w, r, draftPath(p.Wallet.Alias, d.ID))
}
