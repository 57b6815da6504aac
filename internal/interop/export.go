package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// walletWriters lists what a wallet can be written as; each answers with the file's text.
var walletWriters = map[string]func(w Wallet, d *descriptor.Descriptor) ([]byte, error){
	"descriptor":  writeDescriptor,
	"core":        writeCoreDescriptors,
	"specter":     writeSpecterWallet,
	"account-map": writeAccountMap,
	"specter-diy": writeAddWallet,
	"sparrow":     writeSparrow,
	"bsms":        writeBSMS,
	"coldcard":    writeColdcard,
	"keystone":    writeKeystone,
	"passport":    writeKeystone,
	"jade":        writeJade,
	"caravan":     writeCaravan,
	"electrum":    writeElectrum,
}

// WalletFormats lists the names that WriteWallet knows.
func WalletFormats() []string {
	var out []string
	for name := range walletWriters {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// WriteWallet writes a wallet as another program's file. Only Name and Descriptor of w are
// needed; labels, cosigners' names and block height are written where the format has room.
// errs.Unsupported where the format cannot tell this wallet.
func WriteWallet(w Wallet, format string, network btc.Network) ([]byte, error) {
	write, known := walletWriters[format]
	if !known {
		return nil, errs.Bad(errs.Unsupported, "the format %q is not known; %s are", format, strings.Join(WalletFormats(), ", "))
	}
	w.FirstAddress = ""
	w, err := w.finish(&network)
	if err != nil {
		return nil, err
	}
	d, err := descriptor.Parse(w.Descriptor, descriptor.Options{})
	if err != nil {
		return nil, err
	}
	return write(w, d)
}

// sides returns the receive and the change descriptor; change is nil where there is none.
func sides(d *descriptor.Descriptor) (receive, change *descriptor.Descriptor, err error) {
	if d.Branches() == 1 {
		return d, nil, nil
	}
	if receive, err = d.Branch(0); err != nil {
		return nil, nil, err
	}
	change, err = d.Branch(1)
	return receive, change, err
}

func writeDescriptor(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	return []byte(w.Descriptor + "\n"), nil
}

// writeCoreDescriptors writes what importdescriptors takes.
func writeCoreDescriptors(_ Wallet, d *descriptor.Descriptor) ([]byte, error) {
	receive, change, err := sides(d)
	if err != nil {
		return nil, err
	}
	type entry struct {
		Desc      string `json:"desc"`
		Active    bool   `json:"active"`
		Internal  bool   `json:"internal"`
		Timestamp int    `json:"timestamp"`
		Range     [2]int `json:"range"`
	}
	list := []entry{{receive.String(), true, false, 0, [2]int{0, 999}}}
	if change != nil {
		list = append(list, entry{change.String(), true, true, 0, [2]int{0, 999}})
	}
	return indented(map[string]any{"descriptors": list})
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// writeSpecterWallet writes the export form of the old Specter's wallet file.
func writeSpecterWallet(w Wallet, d *descriptor.Descriptor) ([]byte, error) {
	receive, change, err := sides(d)
	if err != nil {
		return nil, err
	}
	labels := map[string][]string{}
	for address, label := range w.Labels {
		labels[label] = append(labels[label], address)
	}
	for _, addresses := range labels {
		slices.Sort(addresses)
	}
	var keys []map[string]any
	var devices []string
	for _, c := range w.Cosigners {
		keys = append(keys, map[string]any{"original": c.Key.Original, "fingerprint": c.Key.Origin.Fingerprint.String(),
			"derivation": c.Key.Origin.Path.Full(), "type": c.Key.ScriptType, "purpose": "", "xpub": c.Key.XKey.String()})
		devices = append(devices, c.Name)
	}
	out := map[string]any{"name": w.Name, "alias": btc.Slug(w.Name), "description": description(w), "address_type": addressTypeOf(w.ScriptType),
		"recv_descriptor": receive.String(), "keys": keys, "devices": devices, "sigs_required": w.M, "blockheight": w.BlockHeight, "labels": labels}
	if change != nil {
		out["change_descriptor"] = change.String()
	}
	return indented(out)
}

// description names the wallet's kind as the old Specter does.
func description(w Wallet) string {
	kind := map[string]string{"wpkh": "Segwit", "sh-wpkh": "Nested", "tr": "Taproot", "pkh": "Legacy", "wsh": "Segwit", "sh-wsh": "Nested", "sh": "Legacy"}[w.ScriptType]
	if w.N > 1 {
		return fmt.Sprintf("%d of %d Multisig (%s)", w.M, w.N, kind)
	}
	return "Single (" + kind + ")"
}

func addressTypeOf(scriptType string) string {
	switch scriptType {
	case "wpkh", "wsh":
		return "bech32"
	case "sh-wpkh", "sh-wsh":
		return "p2sh-segwit"
	case "tr":
		return "taproot"
	}
	return "legacy"
}

// writeAccountMap writes the small JSON that Specter, Fully Noded and Sparrow exchange.
func writeAccountMap(w Wallet, d *descriptor.Descriptor) ([]byte, error) {
	receive, _, err := sides(d)
	if err != nil {
		return nil, err
	}
	type dev struct {
		Type  string `json:"type"`
		Label string `json:"label"`
	}
	var devices []dev
	for _, c := range w.Cosigners {
		t := c.DeviceType
		if t == "" {
			t = "other"
		}
		devices = append(devices, dev{t, c.Name})
	}
	return indented(map[string]any{"label": w.Name, "blockheight": w.BlockHeight, "descriptor": receive.String(), "devices": devices})
}

// writeAddWallet writes Specter-DIY's QR text: the receive descriptor without branches.
func writeAddWallet(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	body, _, _ := strings.Cut(w.Descriptor, "#")
	body = strings.ReplaceAll(body, "/<0;1>/*", "")
	return []byte("addwallet " + strings.ReplaceAll(w.Name, "&", " ") + "&" + body), nil
}

// writeSparrow writes the text file of Sparrow's output descriptor export.
func writeSparrow(w Wallet, d *descriptor.Descriptor) ([]byte, error) {
	receive, change, err := sides(d)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# Receive and change descriptor (BIP389):\n" + w.Descriptor + "\n")
	if change != nil {
		b.WriteString("\n# Receive descriptor:\n# " + receive.String() + "\n# Change descriptor:\n# " + change.String() + "\n")
	}
	return []byte(b.String()), nil
}

// writeBSMS writes a BIP129 round-2 record.
func writeBSMS(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	body, _, _ := strings.Cut(w.Descriptor, "#")
	if !strings.Contains(body, "/<0;1>/*") {
		return nil, errs.Bad(errs.Unsupported, "a BSMS record needs a wallet with receive and change addresses")
	}
	body = strings.ReplaceAll(body, "/<0;1>/*", "/**")
	return []byte("BSMS 1.0\n" + body + "\n/0/*,/1/*\n" + w.FirstAddress + "\n"), nil
}
