package wallet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Export writes a wallet as a file: "descriptor" (text, one line) or "specter" (the old
// Specter's JSON, which many programs read).
func (s *Service) Export(ctx context.Context, ref Ref, format string) (File, error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return File{}, err
	}
	switch format {
	case "descriptor": // good even where the rest of the wallet is not
		return File{Name: r.Alias + ".txt", Type: "text/plain; charset=utf-8", Data: []byte(r.Descriptor + "\n")}, nil
	case "specter":
		if w.broken != nil {
			return File{}, w.broken
		}
		data, err := s.specterJSON(ctx, r, w)
		return File{Name: r.Alias + ".json", Type: "application/json", Data: data}, err
	}
	return File{}, errs.E(errs.Invalid, "%q is no format to export; choose descriptor or specter", format)
}

// specterFile is a wallet in the old Specter's export form.
type specterFile struct {
	Name             string              `json:"name"`
	Alias            string              `json:"alias"`
	Description      string              `json:"description"`
	AddressType      string              `json:"address_type"`
	Address          string              `json:"address"`
	AddressIndex     uint32              `json:"address_index"`
	ChangeAddress    string              `json:"change_address"`
	ChangeIndex      uint32              `json:"change_index"`
	Keypool          uint32              `json:"keypool"`
	ChangeKeypool    uint32              `json:"change_keypool"`
	RecvDescriptor   string              `json:"recv_descriptor"`
	ChangeDescriptor string              `json:"change_descriptor"`
	Keys             []specterKey        `json:"keys"`
	Devices          []string            `json:"devices"`
	SigsRequired     int                 `json:"sigs_required"`
	BlockHeight      int32               `json:"blockheight"`
	Labels           map[string][]string `json:"labels"`
}

type specterKey struct {
	Original    string `json:"original"`
	Fingerprint string `json:"fingerprint"`
	Derivation  string `json:"derivation"`
	Type        string `json:"type"`
	Purpose     string `json:"purpose"`
	XPub        string `json:"xpub"`
}

// scriptWords are the old Specter's words for a script type: of its addresses, and for people.
var scriptWords = map[string][2]string{
	"pkh": {"legacy", "Legacy"}, "sh": {"legacy", "Legacy"}, "wpkh": {"bech32", "Segwit"}, "wsh": {"bech32", "Segwit"},
	"sh-wpkh": {"p2sh-segwit", "Nested"}, "sh-wsh": {"p2sh-segwit", "Nested"}, "tr": {"taproot", "Taproot"},
}

func (s *Service) specterJSON(ctx context.Context, r Record, w *openWallet) ([]byte, error) {
	s.decorate(&r, s.knownKeys(ctx, r.Owner, r.Network))
	words := scriptWords[r.ScriptType]
	f := specterFile{Name: r.Name, Alias: r.Alias, AddressType: words[0], SigsRequired: r.Threshold, Devices: []string{}, Labels: map[string][]string{}}
	f.Description = fmt.Sprintf("Single (%s)", words[1])
	if r.Multisig() {
		f.Description = fmt.Sprintf("%d of %d Multisig (%s)", r.Threshold, len(r.Cosigners), words[1])
	}
	change := w.change()
	f.RecvDescriptor, f.ChangeDescriptor = w.branches[0].String(), w.branches[change].String()
	for _, c := range r.Cosigners {
		f.Keys = append(f.Keys, keyOf(r, c))
		if c.DeviceAlias != "" {
			f.Devices = append(f.Devices, c.DeviceAlias)
		}
	}
	var err error
	if f.Keypool, err = s.c.Store.Derived(ctx, r.ID, 0); err != nil {
		return nil, err
	}
	if f.ChangeKeypool, err = s.c.Store.Derived(ctx, r.ID, change); err != nil {
		return nil, err
	}
	if f.AddressIndex = max(r.Next[0], 1) - 1; !w.desc.IsRanged() {
		f.AddressIndex = 0
	}
	f.ChangeIndex = changeIndex(r, w)
	if err := s.exportAddresses(ctx, r, w, &f); err != nil {
		return nil, err
	}
	return json.MarshalIndent(f, "", "    ")
}

func (s *Service) exportAddresses(ctx context.Context, r Record, w *openWallet, f *specterFile) error {
	current, err := w.derive(r.Network, 0, f.AddressIndex)
	if err != nil {
		return err
	}
	next, err := w.derive(r.Network, w.change(), f.ChangeIndex)
	if err != nil {
		return err
	}
	f.Address, f.ChangeAddress = current.Address, next.Address
	labels, err := s.c.Store.LabelsOf(ctx, r.ID, LabelAddress)
	if err != nil {
		return err
	}
	for address, label := range labels {
		f.Labels[label] = append(f.Labels[label], address)
	}
	for _, list := range f.Labels {
		slices.Sort(list)
	}
	// The oldest transaction, with a day's margin for a rescan by the importing program.
	page, err := s.c.Store.History(ctx, []ID{r.ID}, Page{Number: 1, Size: 1})
	if err == nil && len(page.Rows) > 0 {
		f.BlockHeight = max(page.Rows[0].Height-144, 0)
	}
	return err
}

// keyOf writes a cosigner's key; the original form of a key is SLIP-132's for its script type.
func keyOf(r Record, c Cosigner) specterKey {
	k := specterKey{Original: c.XPub, Derivation: c.Path.Full(), Type: r.ScriptType, XPub: c.XPub}
	if !c.Fingerprint.IsZero() {
		k.Fingerprint = c.Fingerprint.String()
	}
	if x, _, err := btc.ParseXKey(c.XPub); err == nil {
		k.Original = x.Encode(btc.VersionFor(r.ScriptType, r.Network.IsMain(), false).Bytes)
	}
	return k
}
