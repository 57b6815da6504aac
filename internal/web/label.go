package web

import (
	"net/http"
	"net/url"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// labelField is a label that is edited where it stands.
type labelField struct {
	Alias string // of the wallet
	Kind  wallet.LabelKind
	Key   string
	Value string
	Hint  string // shown while there is no label
	Next  string // where the form without script comes back to
	Saved bool
}

// Label makes the field of one label on this page.
func (p page) Label(alias string, kind, key, value, hint string) labelField {
	return labelField{Alias: alias, Kind: wallet.LabelKind(kind), Key: key, Value: value, Hint: hint, Next: p.Self}
}

// postLabel stores a label; an empty one is deleted.
func (s *Server) postLabel(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	f := labelField{Alias: ref.Alias, Kind: wallet.LabelKind(r.FormValue("kind")), Key: r.FormValue("key"), Value: r.FormValue("label"),
		Hint: limit(r.FormValue("hint"), 100), Next: r.FormValue("next"), Saved: true}
	switch f.Kind {
	case wallet.LabelTx, wallet.LabelAddress, wallet.LabelOutput, wallet.LabelXPub, wallet.LabelInput, wallet.LabelPubKey:
	default:
		return errs.E(errs.Invalid, "a label stands on a transaction, an address, a coin or a key")
	}
	if err := s.c.Wallets.SetLabel(r.Context(), ref, f.Kind, f.Key, f.Value); err != nil {
		return err
	}
	if isHTMX(r) {
		return s.fragment(w, r, http.StatusOK, "wallet_history", "label", f)
	}
	s.say(w, r, flashOK, "Label saved.")
	return s.back(w, r, "/wallets/"+url.PathEscape(ref.Alias))
}
