package interop

import (
	"encoding/json"
	"strings"

	"specter/internal/errs"
)

// readSpecterWallet reads a wallet file of the old Specter (its export form too).
func readSpecterWallet(_ string, o map[string]json.RawMessage) (Wallet, error) {
	found := []string{str(o, "recv_descriptor")}
	if c := str(o, "change_descriptor"); c != "" {
		found = append(found, c)
	}
	joined, err := JoinBranches(found)
	if err != nil {
		return Wallet{}, err
	}
	w := Wallet{Name: str(o, "name"), Descriptor: joined, BlockHeight: height(o)}
	w.labelsOfSpecter(o)
	w.Cosigners = keysOfSpecter(o)
	return w, nil
}

// labelsOfSpecter reads what the old Specter and account maps have: label → addresses.
func (w *Wallet) labelsOfSpecter(o map[string]json.RawMessage) {
	w.Labels = map[string]string{}
	var labels map[string][]string
	if raw, has := o["labels"]; has && json.Unmarshal(raw, &labels) != nil {
		w.Warnings = append(w.Warnings, "the labels of the file could not be read")
	}
	for label, addresses := range labels {
		for _, a := range addresses {
			w.Labels[a] = label
		}
	}
}

// keysOfSpecter reads the keys as typed; devices are named by alias, in the keys' order.
func keysOfSpecter(o map[string]json.RawMessage) []Cosigner {
	var f KeyFile
	readSpecterDevice(o, &f)
	var devices []string
	if json.Unmarshal(o["devices"], &devices) != nil {
		devices = nil
	}
	var out []Cosigner
	for i, k := range f.Keys {
		c := Cosigner{Key: k}
		if len(devices) == len(f.Keys) {
			c.Name = devices[i]
		}
		out = append(out, c)
	}
	return out
}

// readAccountMap reads the small JSON that Specter, Fully Noded, Gordian and Sparrow exchange.
func readAccountMap(_ string, o map[string]json.RawMessage) (Wallet, error) {
	joined, err := JoinBranches([]string{str(o, "descriptor")})
	if err != nil {
		return Wallet{}, err
	}
	w := Wallet{Name: str(o, "label"), Descriptor: joined, BlockHeight: height(o)}
	w.labelsOfSpecter(o)
	var devices []struct{ Type, Label string }
	if raw, has := o["devices"]; has && json.Unmarshal(raw, &devices) != nil {
		w.Warnings = append(w.Warnings, "the devices of the file could not be read")
	}
	for _, d := range devices {
		w.Cosigners = append(w.Cosigners, Cosigner{Name: d.Label, DeviceType: d.Type})
	}
	return w, nil
}

func height(o map[string]json.RawMessage) int32 {
	var n int32
	if json.Unmarshal(o["blockheight"], &n) != nil || n < 0 {
		return 0
	}
	return n
}

// readAddWallet reads the QR text that Specter-DIY takes: "addwallet name&descriptor".
func readAddWallet(text string, _ map[string]json.RawMessage) (Wallet, error) {
	name, desc, ok := strings.Cut(strings.TrimPrefix(text, "addwallet "), "&")
	if !ok {
		return Wallet{}, errs.Bad(errs.Malformed, "the addwallet text has no & between name and descriptor")
	}
	joined, err := JoinBranches([]string{strings.TrimSpace(desc)})
	return Wallet{Name: strings.TrimSpace(name), Descriptor: joined}, err
}
