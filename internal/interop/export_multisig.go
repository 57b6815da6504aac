package interop

import (
	"encoding/binary"
	"fmt"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// ASCII20 keeps what small screens can show of a name: characters below 127, the first 20.
func ASCII20(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r < 127 && b.Len() < 20 {
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

// multisigText writes Name, Policy, Derivation, Format and the keys, as devices since Coldcard
// read them. Only sorted multisig can be told, and every key needs an origin path.
func multisigText(w Wallet, comment, afterFormat string) ([]byte, error) {
	if !strings.Contains(w.Descriptor, "sortedmulti(") {
		return nil, errs.Bad(errs.Unsupported, "this file format can only tell multisig wallets with sorted keys")
	}
	format := map[string]string{"wsh": "P2WSH", "sh-wsh": "P2WSH-P2SH", "sh": "P2SH"}[w.ScriptType]
	if format == "" {
		return nil, errs.Bad(errs.Unsupported, "this file format cannot tell wallets of type %s", w.ScriptType)
	}
	same := true
	for _, c := range w.Cosigners {
		if !c.Key.HasOrigin {
			return nil, errs.Bad(errs.Incomplete, "a key without origin (fingerprint and path) cannot be registered on a device")
		}
		same = same && c.Key.Origin.Path.String() == w.Cosigners[0].Key.Origin.Path.String()
	}
	var b strings.Builder
	b.WriteString(comment)
	fmt.Fprintf(&b, "Name: %s\nPolicy: %d of %d\n", ASCII20(w.Name), w.M, w.N)
	if same {
		fmt.Fprintf(&b, "Derivation: %s\n", quoted(w.Cosigners[0].Key.Origin.Path))
	}
	fmt.Fprintf(&b, "Format: %s\n%s", format, afterFormat)
	for _, c := range w.Cosigners {
		if !same {
			fmt.Fprintf(&b, "\nDerivation: %s\n", quoted(c.Key.Origin.Path))
		}
		fmt.Fprintf(&b, "%s: %s\n", strings.ToUpper(c.Key.Origin.Fingerprint.String()), c.Key.XKey)
	}
	return []byte(b.String()), nil
}

// quoted prints a path as older programs want it: m/48'/0'/0'/2'.
func quoted(p btc.Path) string { return strings.ReplaceAll(p.Full(), "h", "'") }

func writeColdcard(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	return multisigText(w, "# Coldcard Multisig setup file (created on Specter)\n#\n", "")
}

func writeKeystone(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	return multisigText(w, "\n", "")
}

func writeJade(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	return multisigText(w, "", "Sorted: True\n")
}

// writeCaravan writes Caravan's JSON.
func writeCaravan(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	if !strings.Contains(w.Descriptor, "sortedmulti(") {
		return nil, errs.Bad(errs.Unsupported, "Caravan knows only multisig wallets with sorted keys")
	}
	c := caravan{Name: w.Name, Network: "mainnet"}
	if !w.Main {
		c.Network = "testnet"
	}
	c.AddressType = map[string]string{"wsh": "P2WSH", "sh-wsh": "P2SH-P2WSH", "sh": "P2SH"}[w.ScriptType]
	c.Client.Type = "public"
	c.Quorum.Required, c.Quorum.Total = w.M, w.N
	for i, k := range w.Cosigners {
		name := k.Name
		if name == "" {
			name = fmt.Sprintf("Key %d", i+1)
		}
		key := caravanKey{Name: name, Path: "unknown", XPub: k.Key.XKey.String()}
		if k.Key.HasOrigin {
			key.Path, key.XFP = quoted(k.Key.Origin.Path), k.Key.Origin.Fingerprint.String()
		}
		c.Keys = append(c.Keys, key)
	}
	return indented(c)
}

// writeElectrum writes an Electrum wallet file, watch-only or for a hardware wallet.
func writeElectrum(w Wallet, _ *descriptor.Descriptor) ([]byte, error) {
	if w.N > 1 && !strings.Contains(w.Descriptor, "sortedmulti(") || w.ScriptType == "tr" {
		return nil, errs.Bad(errs.Unsupported, "Electrum cannot open a wallet of this kind")
	}
	out := map[string]any{"wallet_type": "standard"}
	if w.N > 1 {
		out["wallet_type"] = fmt.Sprintf("%dof%d", w.M, w.N)
	}
	for i, c := range w.Cosigners {
		name := "keystore"
		if w.N > 1 {
			name = fmt.Sprintf("x%d/", i+1)
		}
		out[name] = electrumKeystore(w, c)
	}
	return indented(out)
}

// electrumHardware maps our device types to Electrum's plugins.
var electrumHardware = map[string]string{"bitbox02": "bitbox02", "coldcard": "coldcard", "jade": "jade", "keepkey": "keepkey", "ledger": "ledger", "trezor": "trezor"}

func electrumKeystore(w Wallet, c Cosigner) map[string]any {
	version := btc.VersionFor(w.ScriptType, w.Main, false) // Electrum tells the script type by the prefix
	k := map[string]any{"xpub": c.Key.XKey.Encode(version.Bytes), "root_fingerprint": nil, "derivation": nil}
	if c.Key.HasOrigin {
		k["root_fingerprint"] = c.Key.Origin.Fingerprint.String()
		k["derivation"] = quoted(c.Key.Origin.Path)
	}
	hw := electrumHardware[c.DeviceType]
	if hw == "" {
		k["type"], k["xprv"] = "bip32", nil
		return k
	}
	k["type"], k["hw_type"], k["label"], k["soft_device_id"] = "hardware", hw, c.Name, nil
	if hw == "coldcard" && c.Key.HasOrigin {
		k["ckcc_xfp"] = binary.LittleEndian.Uint32(c.Key.Origin.Fingerprint[:])
		k["ckcc_xpub"] = c.Key.XKey.String()
	}
	return k
}
