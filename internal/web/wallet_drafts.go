package web

import (
	"net/http"

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
