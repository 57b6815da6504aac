package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc/spend"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

type draftPage struct {
	walletPage
	Draft   wallet.Draft
	Senders []wallet.Sender // who can send it besides the node
	Error   string
	Text    string // what was pasted, when it was refused
}

// Base64 is the PSBT as text.
func (p draftPage) Base64() string { return base64.StdEncoding.EncodeToString(p.Draft.PSBT) }

// Sent is what leaves to others.
func (p draftPage) Sent() btcutil.Amount {
	var sum btcutil.Amount
	for _, r := range p.Draft.Recipients {
		sum += r.Amount
	}
	return sum
}

// LockWords says until when the locktime keeps the transaction out of blocks.
func (p draftPage) LockWords() string {
	if p.Draft.LockTime < firstTime {
		return strconv.FormatUint(uint64(p.Draft.LockTime), 10)
	}
	return p.When(time.Unix(int64(p.Draft.LockTime), 0))
}

// Dead tells that another transaction took one of the draft's coins.
func (p draftPage) Dead() bool {
	for _, in := range p.Draft.Inputs {
		if in.SpentBy != nil && p.Draft.State != wallet.Broadcast {
			return true
		}
	}
	return false
}

// held is what the draft's inputs are worth, as far as that is known.
func held(d wallet.Draft) btcutil.Amount {
	var sum btcutil.Amount
	for _, in := range d.Inputs {
		sum += max(in.Amount, 0)
	}
	return sum
}

// holds reports whether a draft keeps coins from being spent.
func holds(d wallet.Draft) bool {
	switch d.State {
	case wallet.Unsigned, wallet.PartlySig, wallet.Complete, wallet.DraftBroken:
		return true
	}
	return false
}

// editable reports whether the send form can take the draft over.
func editable(d wallet.Draft) bool {
	if d.State == wallet.Broadcast || d.State == wallet.DraftBroken || len(d.Recipients) == 0 {
		return false
	}
	return !slices.ContainsFunc(d.Remarks, func(r wallet.Remark) bool { return r.Code == spend.ForeignInputs })
}

// Device finds the device that holds a cosigner's key; ID 0 when the user has none.
func (p draftPage) Device(id int64) device.Device {
	for _, d := range p.Devices {
		if d.ID == id {
			return d
		}
	}
	return device.Device{}
}

func draftID(r *http.Request) (wallet.DraftID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, errs.E(errs.NotFound, "there is no such draft")
	}
	return wallet.DraftID(id), nil
}

func (s *Server) draftPage(r *http.Request) (draftPage, error) {
	id, err := draftID(r)
	if err != nil {
		return draftPage{}, err
	}
	p, err := s.walletPage(r, "send", "drafts")
	if err != nil {
		return draftPage{}, err
	}
	if p.USB, err = s.usbTargets(r, p); err != nil {
		return draftPage{}, err
	}
	v := draftPage{walletPage: p}
	if v.Draft, err = s.c.Wallets.Draft(r.Context(), p.Wallet.Ref(), id); err == nil && v.Draft.State == wallet.Complete {
		v.Senders = s.senders(r, p.page)
	}
	return v, err
}

func (s *Server) getDraft(w http.ResponseWriter, r *http.Request) error {
	v, err := s.draftPage(r)
	if err != nil {
		return err
	}
	v.Title = s.tr(r, "Draft %d", v.Draft.ID)
	return s.render(w, r, http.StatusOK, "draft", v)
}

// change runs one change of a draft and goes on to next, or back to the draft's page. A refusal
// is shown there, beside what was typed.
func (s *Server) change(w http.ResponseWriter, r *http.Request, do func(ref wallet.Ref, id wallet.DraftID) (done, next string, err error)) error {
	if err := parseForm(r); err != nil {
		return err
	}
	id, err := draftID(r)
	if err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	done, next, err := do(ref, id)
	if err == nil {
		s.say(w, r, flashOK, "%s", done)
		if next == "" {
			next = draftPath(ref.Alias, id)
		}
		return s.redirect(w, r, next)
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.draftPage(r)
	if pageErr != nil {
		return err
	}
	s.note(r, err)
	v.Error, v.Text, v.Title = s.sentence(r, err), r.FormValue("psbt"), s.tr(r, "Draft %d", id)
	return s.render(w, r, statusOf(err), "draft", v)
}

// postSignatures takes signed PSBTs, pasted or as files, any number at once.
func (s *Server) postSignatures(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		pieces, err := foreign(r, "psbt", "file")
		if err != nil {
			return "", "", err
		}
		if len(pieces) == 0 {
			return "", "", errs.E(errs.Invalid, "paste the signed PSBT or choose its file")
		}
		var d wallet.Draft
		for _, data := range pieces {
			if d, err = s.c.Wallets.AddSignatures(r.Context(), ref, id, data); err != nil {
				return "", "", err
			}
		}
		return s.tr(r, "Signature accepted: %d of %d.", d.Have, d.Need), "", nil
	})
}

// postSign signs with a software key.
func (s *Server) postSign(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		dev, err := strconv.ParseInt(r.FormValue("device"), 10, 64)
		if err != nil {
			return "", "", errs.E(errs.Invalid, "choose the software key to sign with")
		}
		d, err := s.c.Wallets.SignHot(r.Context(), ref, id, dev, r.FormValue("password"))
		if err != nil {
			return "", "", err
		}
		return s.tr(r, "Signed: %d of %d.", d.Have, d.Need), "", nil
	})
}

func (s *Server) postNote(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		return s.tr(r, "Note saved."), "", s.c.Wallets.SetNote(r.Context(), ref, id, r.FormValue("note"))
	})
}

// postBroadcast sends the signed transaction, by the node or by whom the form names, and goes on
// to its page.
func (s *Server) postBroadcast(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		txid, err := s.c.Wallets.BroadcastVia(r.Context(), ref, id, limit(r.FormValue("via"), 100))
		return s.tr(r, "Sent. The transaction is on its way; it is final when blocks have confirmed it."),
			"/wallets/" + url.PathEscape(ref.Alias) + "/tx/" + txid.String(), err
	})
}

// postDeleteDraft drops a draft and frees its coins.
func (s *Server) postDeleteDraft(w http.ResponseWriter, r *http.Request) error {
	id, err := draftID(r)
	if err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if err := s.c.Wallets.DeleteDraft(r.Context(), ref, id); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The draft is deleted; its coins are free again.")
	return s.redirect(w, r, "/wallets/"+url.PathEscape(ref.Alias)+"/drafts")
}

// postRenewDraft holds the coins of an expired draft again.
func (s *Server) postRenewDraft(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		_, err := s.c.Wallets.RenewDraft(r.Context(), ref, id)
		return s.tr(r, "The draft holds its coins again."), "", err
	})
}

// postRepairDraft writes the spoilt words of a draft anew.
func (s *Server) postRepairDraft(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ref wallet.Ref, id wallet.DraftID) (string, string, error) {
		_, err := s.c.Wallets.RepairDraft(r.Context(), ref, id)
		return s.tr(r, "The draft is whole again."), "", err
	})
}

// download answers with a file to keep.
func download(w http.ResponseWriter, f wallet.File) error {
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Length", strconv.Itoa(len(f.Data)))
	ascii := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '/' {
			return '_'
		}
		return c
	}, f.Name)
	h.Set("Content-Disposition", `attachment; filename="`+ascii+`"; filename*=UTF-8''`+url.PathEscape(f.Name))
	_, err := w.Write(f.Data)
	return err
}
