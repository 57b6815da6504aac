package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"specter/internal/errs"
	"specter/internal/wallet"
)

type walletSettingsPage struct {
	walletPage
	Files []string // formats of other programs
	Error string
	Name  string // as typed
	From  string // as typed
}

func (s *Server) walletSettingsPage(r *http.Request) (walletSettingsPage, error) {
	p, err := s.walletPage(r, "settings", "")
	if err != nil {
		return walletSettingsPage{}, err
	}
	v := walletSettingsPage{walletPage: p, Files: wallet.ExportFormats(), Name: p.Wallet.Name, From: "0"}
	return v, nil
}

func (s *Server) getWalletSettings(w http.ResponseWriter, r *http.Request) error {
	v, err := s.walletSettingsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_settings", v)
}

// walletChange runs one change of a wallet; a refusal is shown on the settings page.
func (s *Server) walletChange(w http.ResponseWriter, r *http.Request, do func(ref wallet.Ref) (done, next string, err error)) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	done, next, err := do(ref)
	if err == nil {
		s.say(w, r, flashOK, "%s", done)
		return s.redirect(w, r, next)
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.walletSettingsPage(r)
	if pageErr != nil {
		return err
	}
	s.note(r, err)
	v.Error = s.sentence(r, err)
	if name := r.FormValue("name"); name != "" {
		v.Name = name
	}
	if from := r.FormValue("from"); from != "" {
		v.From = from
	}
	return s.render(w, r, statusOf(err), "wallet_settings", v)
}

func settingsPath(alias string) string { return "/wallets/" + url.PathEscape(alias) + "/settings" }

func (s *Server) postRenameWallet(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, func(ref wallet.Ref) (string, string, error) {
		return s.tr(r, "The wallet has a new name."), settingsPath(ref.Alias), s.c.Wallets.Rename(r.Context(), ref, r.FormValue("name"))
	})
}

func (s *Server) postDeleteWallet(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, func(ref wallet.Ref) (string, string, error) {
		if r.FormValue("sure") != "yes" {
			return "", "", errs.E(errs.Invalid, "tick the box to say that you have what you need to bring this wallet back")
		}
		return s.tr(r, "The wallet is deleted. Its coins are where they were; import its descriptor to see them again."), "/",
			s.c.Wallets.Delete(r.Context(), ref)
	})
}

func (s *Server) postRescan(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, func(ref wallet.Ref) (string, string, error) {
		from, err := strconv.ParseInt(strings.TrimSpace(r.FormValue("from")), 10, 32)
		if err != nil || from < 0 {
			return "", "", errs.E(errs.Invalid, "%q is no block height; it is a whole number", limit(r.FormValue("from"), 40))
		}
		return s.tr(r, "The scan of old blocks has begun. You can leave this page."), settingsPath(ref.Alias) + "#rescan",
			s.c.Wallets.Rescan(r.Context(), ref, int32(from))
	})
}

func (s *Server) postAbortRescan(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, func(ref wallet.Ref) (string, string, error) {
		return s.tr(r, "The scan was stopped."), settingsPath(ref.Alias) + "#rescan", s.c.Wallets.AbortRescan(r.Context(), ref)
	})
}

// postSync asks the node for news now.
func (s *Server) postSync(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if err := s.c.Wallets.Sync(r.Context(), ref); err != nil {
		return err
	}
	return s.back(w, r, "/wallets/"+url.PathEscape(ref.Alias))
}

// getExport hands out the wallet as a file for other programs.
func (s *Server) getExport(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.Export(r.Context(), ref, r.PathValue("format"))
	if err != nil {
		return err
	}
	return download(w, f)
}
