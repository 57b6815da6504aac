package interop

import (
	"encoding/json"
	"fmt"
	"strings"

	"specter/internal/errs"
)

// caravan is Caravan's wallet file, as far as it is read and written here.
type caravan struct {
	Name        string `json:"name"`
	AddressType string `json:"addressType"`
	Network     string `json:"network"`
	Client      struct {
		Type string `json:"type"`
	} `json:"client"`
	Quorum struct {
		Required int `json:"requiredSigners"`
		Total    int `json:"totalSigners"`
	} `json:"quorum"`
	Keys          []caravanKey `json:"extendedPublicKeys"`
	StartingIndex uint32       `json:"startingAddressIndex"`
}

type caravanKey struct {
	Name   string `json:"name"`
	Path   string `json:"bip32Path"`
	XPub   string `json:"xpub"`
	XFP    string `json:"xfp,omitempty"`
	Method string `json:"method,omitempty"`
}

// readCaravan reads Caravan's JSON.
func readCaravan(text string, _ map[string]json.RawMessage) (Wallet, error) {
	var c caravan
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Wallet{}, errs.Bad(errs.Malformed, "the Caravan file cannot be read: %w", err)
	}
	if c.Quorum.Required < 1 || c.Quorum.Required > len(c.Keys) || c.Quorum.Total != len(c.Keys) {
		return Wallet{}, errs.Bad(errs.Malformed, "the quorum %d of %d does not fit the file's %d keys", c.Quorum.Required, c.Quorum.Total, len(c.Keys))
	}
	scriptType, err := coldcardFormat(c.AddressType)
	if err != nil {
		return Wallet{}, err
	}
	w := Wallet{Name: c.Name}
	var keys []string
	for i, k := range c.Keys {
		path := k.Path
		if strings.EqualFold(path, "unknown") {
			path = ""
		}
		var f KeyFile
		f.add(fmt.Sprintf("key %d", i+1), k.XFP, path, k.XPub, "")
		if len(f.Keys) == 0 {
			return Wallet{}, errs.Bad(errs.BadKey, "key %d of the Caravan file cannot be read: %v", i+1, f.Problems)
		}
		w.Cosigners = append(w.Cosigners, Cosigner{Key: f.Keys[0], Name: k.Name, DeviceType: deviceTypeOfElectrum(k.Method)})
		keys = append(keys, f.Keys[0].Expression())
	}
	w.Descriptor, err = policyDescriptor(scriptType, c.Quorum.Required, keys)
	return w, err
}
