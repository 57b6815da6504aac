package web

import (
	"net/http"
	"strings"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// labelFormats are those of label files, with the programs that read them.
var labelFormats = []struct{ ID, Name string }{{"bip329", "BIP329 (JSONL)"}, {"electrum", "Electrum (JSON)"}, {"specter", "Specter (JSON)"}, {"csv", "Specter (CSV)"}}

// labelKinds are what a label can stand on, as filters.
var labelKinds = []wallet.LabelKind{wallet.LabelTx, wallet.LabelAddress, wallet.LabelOutput, wallet.LabelXPub, wallet.LabelInput, wallet.LabelPubKey}

type labelsPage struct {
	walletPage
	List   list
	Labels wallet.LabelPage
	Error  string
	Text   string // as pasted
}

// Formats lists the formats of label files.
func (labelsPage) Formats() any { return labelFormats }

// Kinds lists what a label can stand on.
func (labelsPage) Kinds() []wallet.LabelKind { return labelKinds }

// Edit makes the field of a label on this page. Where the thing has no page that edits it, the
// label is only shown.
func (p labelsPage) Edit(row wallet.LabelRow) labelField {
	return p.Label(p.Wallet.Alias, string(row.Kind), row.Key, row.Label.Label, row.Label.Label)
}

func (s *Server) labelsPage(r *http.Request) (labelsPage, error) {
	p, err := s.walletPage(r, "history", "labels")
	if err != nil {
		return labelsPage{}, err
	}
	v := labelsPage{walletPage: p}
	v.Self = walletPath(p.Wallet.Alias, "labels")
	if r.Method == http.MethodGet {
		v.Self = selfOf(r)
	}
	if v.List, err = s.listOf(r, p.page, "labels", 50); err != nil {
		return v, err
	}
	v.List.Path = walletPath(p.Wallet.Alias, "labels")
	v.List.Query.Filter = oneOf(v.List.Query.Filter, "", "tx", "addr", "output", "input", "pubkey", "xpub")
	if v.Labels, err = s.c.Wallets.Labels(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return v, err
	}
	v.List.Total = v.Labels.Total
	return v, nil
}

// getLabels lists all labels of a wallet, whatever they stand on.
func (s *Server) getLabels(w http.ResponseWriter, r *http.Request) error {
	v, err := s.labelsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_labels", v)
}

// getLabelFile hands out a wallet's labels for other programs.
func (s *Server) getLabelFile(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.ExportLabels(r.Context(), ref, r.PathValue("format"))
	if err != nil {
		return err
	}
	return download(w, f)
}

// linesShown bounds the lines of a label file that a preview lists and lets choose one by one.
const linesShown = 500

type labelPreviewPage struct {
	walletPage
	Name    string // of the waiting file
	Preview wallet.LabelPreview
}

// Shown are the lines that the page lists: those that change something come first.
func (p labelPreviewPage) Shown() []wallet.LabelLine {
	return p.Preview.Lines[:min(len(p.Preview.Lines), linesShown)]
}

// Hidden is how many more there are.
func (p labelPreviewPage) Hidden() int { return len(p.Preview.Lines) - len(p.Shown()) }

// postLabelFile shows what a label file would do. It changes nothing; the file waits.
func (s *Server) postLabelFile(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	pieces, err := pasted(r, "labels", "file")
	if err == nil && len(pieces) != 1 {
		err = errs.E(errs.Invalid, "choose one file of labels, or paste its text")
	}
	var preview wallet.LabelPreview
	if err == nil {
		preview, err = s.c.Wallets.LabelsPreview(r.Context(), ref, pieces[0])
	}
	if err != nil {
		return s.refuseLabels(w, r, err)
	}
	p, err := s.walletPage(r, "history", "labels")
	if err != nil {
		return err
	}
	v := labelPreviewPage{walletPage: p, Preview: preview, Name: s.labelFiles.put(ref, pieces[0])}
	return s.render(w, r, http.StatusOK, "label_preview", v)
}

// refuseLabels shows the labels again, with what is wrong with a file.
func (s *Server) refuseLabels(w http.ResponseWriter, r *http.Request, err error) error {
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.labelsPage(r)
	if pageErr != nil {
		return pageErr // a wallet that is not there comes before its file
	}
	s.note(r, err)
	v.Error, v.Text = s.sentence(r, err), limit(r.FormValue("labels"), 100_000)
	return s.render(w, r, statusOf(err), "wallet_labels", v)
}

// postTakeLabels takes a file that waits, as the choices say.
func (s *Server) postTakeLabels(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	data, ok := s.labelFiles.get(ref, r.FormValue("waiting"))
	if !ok {
		return s.refuseLabels(w, r, errs.E(errs.Invalid, "the file of labels did not wait any longer; choose it again"))
	}
	c, err := labelChoice(r)
	if err != nil {
		return err
	}
	got, err := s.c.Wallets.ImportLabels(r.Context(), ref, data, c)
	if err != nil {
		return s.refuseLabels(w, r, err)
	}
	s.labelFiles.forget(ref)
	words := []string{s.words(r).n(got.Set, "%d label was taken.", "%d labels were taken.")}
	add := func(n int, one, many string) {
		if n > 0 {
			words = append(words, s.words(r).n(n, one, many))
		}
	}
	add(got.Kept, "%d of yours stayed.", "%d of yours stayed.")
	add(got.Strangers, "%d stranger was left out.", "%d strangers were left out.")
	add(got.Frozen, "%d coin was frozen.", "%d coins were frozen.")
	add(got.Thawed, "%d coin was thawed.", "%d coins were thawed.")
	add(got.Bad, "%d line could not be read.", "%d lines could not be read.")
	s.say(w, r, flashOK, "%s", strings.Join(words, " "))
	return s.redirect(w, r, walletPath(ref.Alias, "labels"))
}

// labelChoice reads what may be done: for all lines, and for single ones, whose fields hold
// "take" or "keep" before the line's name.
func labelChoice(r *http.Request) (wallet.LabelChoice, error) {
	c := wallet.LabelChoice{Overwrite: r.FormValue("conflicts") == "take", Strangers: r.FormValue("strangers") == "yes",
		NoFreeze: r.FormValue("freeze") != "yes", Rows: map[string]bool{}}
	rows := r.Form["row"]
	if len(rows) > linesShown {
		return c, errs.E(errs.Invalid, "these are more lines than the page had; choose the file again")
	}
	for _, text := range rows {
		what, id, ok := strings.Cut(text, "|")
		switch {
		case text == "":
		case ok && (what == "take" || what == "keep"):
			c.Rows[id] = what == "take"
		default:
			return c, errs.E(errs.Invalid, "a line of labels can be taken or left")
		}
	}
	return c, nil
}
