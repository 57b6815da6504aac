package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// walletFile is a file that the wallet can be written as.
type walletFile struct {
	Format, Words, Path string
}

type walletSettingsPage struct {
	walletPage
	Files   []walletFile // that can tell this wallet
	Error   string
	Name    string // as typed
	Scan    scanForm
	Gap     string // as typed
	Pool    [2]uint32
	Pruned  int32 // lowest block that the node has; 0: it has all
	Losses  wallet.Losses
	Typed   string // the name, typed to delete the wallet
	Compare []comparer
}

// Ranged tells whether the wallet has more than one address.
func (v walletSettingsPage) Ranged() bool { return strings.Contains(v.Wallet.Descriptor, "*") }

// scanForm is how older coins are looked for, as typed.
type scanForm struct{ Way, From, Date string }

// The ways to look for older coins.
const (
	wayHeight = "height"
	wayDate   = "date"
	wayAll    = "all"
	wayCoins  = "coins"
)

func (s *Server) walletSettingsPage(r *http.Request, sub string) (walletSettingsPage, error) {
	p, err := s.walletPage(r, "settings", sub)
	if err != nil {
		return walletSettingsPage{}, err
	}
	ctx, ref := r.Context(), p.Wallet.Ref()
	v := walletSettingsPage{walletPage: p, Name: p.Wallet.Name, Gap: strconv.Itoa(int(p.Wallet.Gap)), Compare: s.comparers(r, p.Wallet.Cosigners)}
	v.Scan = scanForm{Way: wayHeight, From: "0"}
	if v.Pruned = s.c.Nodes.Status(ctx).Status.PrunedTo; v.Pruned > 0 {
		v.Scan = scanForm{Way: wayCoins, From: strconv.Itoa(int(v.Pruned))}
	}
	switch sub {
	case "export":
		v.Files = s.walletFiles(r, ref)
	case "advanced":
		if v.Pool, err = s.c.Wallets.KeyPool(ctx, ref); err != nil {
			return v, err
		}
		v.Losses, err = s.c.Wallets.Losses(ctx, ref)
	}
	return v, err
}

// walletFiles lists the files that can tell the wallet: a file of a single key's wallet has no
// room for several, and the other way round.
func (s *Server) walletFiles(r *http.Request, ref wallet.Ref) []walletFile {
	var out []walletFile
	for _, format := range wallet.ExportFormats() {
		if format == "descriptor" || format == "specter" {
			continue // those have their place above
		}
		if _, err := s.c.Wallets.ExportFile(r.Context(), ref, format); err == nil {
			out = append(out, walletFile{format, s.fileWords(r, format), "/wallets/" + url.PathEscape(ref.Alias) + "/files/" + format})
		}
	}
	return out
}

// settingsTab answers with one tab of a wallet's settings.
func (s *Server) settingsTab(w http.ResponseWriter, r *http.Request, sub, name string) error {
	v, err := s.walletSettingsPage(r, sub)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, name, v)
}

func (s *Server) getWalletSettings(w http.ResponseWriter, r *http.Request) error {
	return s.settingsTab(w, r, "info", "wallet_settings")
}

func (s *Server) getWalletExport(w http.ResponseWriter, r *http.Request) error {
	return s.settingsTab(w, r, "export", "wallet_export")
}

func (s *Server) getWalletAdvanced(w http.ResponseWriter, r *http.Request) error {
	return s.settingsTab(w, r, "advanced", "wallet_advanced")
}

// getNextSteps is what a person does with a wallet that was just made.
func (s *Server) getNextSteps(w http.ResponseWriter, r *http.Request) error {
	v, err := s.walletSettingsPage(r, "info")
	if err != nil {
		return err
	}
	first, err := s.c.Wallets.Addresses(r.Context(), v.Wallet.Ref(), wallet.Query{Filter: "receive", Sort: "index", Size: 1})
	if err != nil {
		return err
	}
	n := nextStepsPage{walletSettingsPage: v}
	if len(first.Rows) > 0 {
		n.First = first.Rows[0]
	}
	return s.render(w, r, http.StatusOK, "wallet_next", n)
}

type nextStepsPage struct {
	walletSettingsPage
	First wallet.AddressRow
}

// walletChange runs one change of a wallet; a refusal is shown on the tab that it came from.
func (s *Server) walletChange(w http.ResponseWriter, r *http.Request, tab string, do func(ref wallet.Ref) (done, next string, err error)) error {
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
	v, pageErr := s.walletSettingsPage(r, tab)
	if pageErr != nil {
		return err
	}
	s.note(r, err)
	v.Error, v.Typed = s.sentence(r, err), r.FormValue("typed")
	for name, into := range map[string]*string{"name": &v.Name, "from": &v.Scan.From, "date": &v.Scan.Date, "way": &v.Scan.Way, "gap": &v.Gap} {
		if typed := r.FormValue(name); typed != "" {
			*into = typed
		}
	}
	page := map[string]string{"info": "wallet_settings", "advanced": "wallet_advanced"}[tab]
	return s.render(w, r, statusOf(err), page, v)
}

func settingsPath(alias string) string { return "/wallets/" + url.PathEscape(alias) + "/settings" }

func advancedPath(alias string) string { return "/wallets/" + url.PathEscape(alias) + "/advanced" }

func (s *Server) postRenameWallet(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "info", func(ref wallet.Ref) (string, string, error) {
		return s.tr(r, "The wallet has a new name."), settingsPath(ref.Alias), s.c.Wallets.Rename(r.Context(), ref, r.FormValue("name"))
	})
}

// postDeleteWallet deletes a wallet whose name was typed.
func (s *Server) postDeleteWallet(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "advanced", func(ref wallet.Ref) (string, string, error) {
		rec, err := s.c.Wallets.Get(r.Context(), ref)
		if err != nil {
			return "", "", err
		}
		if strings.TrimSpace(r.FormValue("typed")) != rec.Name {
			return "", "", errs.E(errs.Invalid, "type the wallet's name, %q, to say that you mean this one", rec.Name)
		}
		return s.tr(r, "The wallet is deleted. Its coins are where they were; import its descriptor to see them again."), "/",
			s.c.Wallets.Delete(r.Context(), ref)
	})
}

// readScan understands how older coins are to be looked for.
func readScan(r *http.Request) (q wallet.ScanRequest, err error) {
	switch way := r.FormValue("way"); way {
	case "", wayHeight:
		text := strings.TrimSpace(r.FormValue("from"))
		from, err := strconv.ParseInt(text, 10, 32)
		if err != nil || from < 0 {
			return q, errs.E(errs.Invalid, "%q is no block height; it is a whole number", limit(text, 40))
		}
		height := int32(from)
		q.FromHeight = &height
	case wayDate:
		day, err := time.ParseInLocation(time.DateOnly, r.FormValue("date"), time.Local)
		if err != nil {
			return q, errs.E(errs.Invalid, "%q is no date; write it as 2024-01-31", limit(r.FormValue("date"), 40))
		}
		q.Since = day
	case wayAll:
		q.Whole = true
	case wayCoins:
		q.Coins = true
	default:
		return q, errs.E(errs.Invalid, "%q is no way to look for coins", limit(way, 40))
	}
	return q, nil
}

func (s *Server) postRescan(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "advanced", func(ref wallet.Ref) (string, string, error) {
		q, err := readScan(r)
		if err != nil {
			return "", "", err
		}
		return s.tr(r, "The scan of old blocks has begun. You can leave this page."), advancedPath(ref.Alias) + "#rescan",
			s.c.Wallets.StartScan(r.Context(), ref, q)
	})
}

func (s *Server) postAbortRescan(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "advanced", func(ref wallet.Ref) (string, string, error) {
		return s.tr(r, "The scan was stopped."), advancedPath(ref.Alias) + "#rescan", s.c.Wallets.AbortRescan(r.Context(), ref)
	})
}

// postGap changes how many addresses the wallet looks ahead, or adds to them.
func (s *Server) postGap(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "advanced", func(ref wallet.Ref) (string, string, error) {
		gap, err := strconv.Atoi(strings.TrimSpace(r.FormValue("gap")))
		if err != nil {
			return "", "", errs.E(errs.Invalid, "%q is no number of addresses", limit(r.FormValue("gap"), 40))
		}
		if more := r.FormValue("more"); more != "" {
			gap += atoi(more)
		}
		return s.tr(r, "The addresses are derived. Look for older coins if some may have had payments already."), advancedPath(ref.Alias) + "#pool",
			s.c.Wallets.SetGap(r.Context(), ref, gap)
	})
}

// postRebuild makes the wallet's history anew from the node.
func (s *Server) postRebuild(w http.ResponseWriter, r *http.Request) error {
	return s.walletChange(w, r, "advanced", func(ref wallet.Ref) (string, string, error) {
		return s.tr(r, "The history was made anew from what the node knows."), advancedPath(ref.Alias) + "#rebuild", s.c.Wallets.Rebuild(r.Context(), ref)
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

// getBackupSheet hands out the printable backup.
func (s *Server) getBackupSheet(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.BackupSheet(r.Context(), ref)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(f.Data, []byte("%PDF")) {
		return errs.E(errs.Internal, "the backup sheet is no PDF")
	}
	return download(w, f)
}
