package interop

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"specter/internal/errs"
)

// readColdcardGeneric reads the generic JSON of Coldcard and Passport: an account object per
// BIP, each with its path and key (SLIP-132 form in _pub). The fingerprint inside an account
// is the account's own; the master's stands outside.
func readColdcardGeneric(o map[string]json.RawMessage, f *KeyFile) {
	f.Format, f.DeviceType = "coldcard", "coldcard"
	xfp := str(o, "xfp")
	f.setFingerprint(xfp)
	for _, a := range []struct{ member, scriptType string }{
		{"bip84", "wpkh"}, {"bip49", "sh-wpkh"}, {"bip86", "tr"}, {"bip44", "pkh"},
		{"bip48_2", "wsh"}, {"bip48_1", "sh-wsh"}, {"bip45", "sh"},
	} {
		account := object(o, a.member)
		if account == nil {
			continue
		}
		key := str(account, "_pub")
		if key == "" {
			key = str(account, "xpub")
		}
		f.add(a.member, xfp, str(account, "deriv"), key, a.scriptType)
	}
}

// readColdcardMultisig reads Coldcard's multisig export: pairs of "p2wsh" and "p2wsh_deriv".
func readColdcardMultisig(o map[string]json.RawMessage, f *KeyFile) {
	f.Format, f.DeviceType = "coldcard-multisig", "coldcard"
	xfp := str(o, "xfp")
	f.setFingerprint(xfp)
	for _, a := range []struct{ member, scriptType string }{
		{"p2wsh", "wsh"}, {"p2wsh_p2sh", "sh-wsh"}, {"p2sh_p2wsh", "sh-wsh"}, {"p2sh", "sh"}, {"p2tr", "tr"},
	} {
		f.add(a.member, xfp, str(o, a.member+"_deriv"), str(o, a.member), a.scriptType)
	}
}

// readCobo reads the single key of a Cobo Vault.
func readCobo(o map[string]json.RawMessage, f *KeyFile) {
	f.Format, f.DeviceType = "cobo", "cobo"
	xfp := str(o, "MasterFingerprint")
	f.setFingerprint(xfp)
	f.add("ExtPubKey", xfp, str(o, "AccountKeyPath"), str(o, "ExtPubKey"), "")
}

// readKeystone reads the single key of Keystone and the multisig key of Cobo: xfp, xpub, path.
func readKeystone(o map[string]json.RawMessage, f *KeyFile) {
	f.Format = "keystone"
	xfp := str(o, "xfp")
	path := str(o, "path")
	if path == "" {
		path = str(o, "derivation")
	}
	f.setFingerprint(xfp)
	f.add("xpub", xfp, path, str(o, "xpub"), "")
}

// readElectrumKeystore reads the keystore of an Electrum wallet file, and what Coldcard writes
// in that form.
func readElectrumKeystore(o map[string]json.RawMessage, f *KeyFile) {
	f.Format = "electrum"
	k := object(o, "keystore")
	f.Name = str(k, "label")
	f.DeviceType = deviceTypeOfElectrum(str(k, "hw_type"))
	fp, err := electrumFingerprint(k)
	if err != nil {
		f.Problems = append(f.Problems, Problem{Text: err.Error()})
	}
	f.setFingerprint(fp)
	f.add("keystore", fp, str(k, "derivation"), str(k, "xpub"), "")
}

// readElectrumCosigners reads every cosigner of an Electrum multisig wallet.
func readElectrumCosigners(o map[string]json.RawMessage, f *KeyFile) {
	f.Format = "electrum"
	for i := 1; i <= 15; i++ {
		name := fmt.Sprintf("x%d/", i)
		k := object(o, name)
		if k == nil {
			break
		}
		fp, err := electrumFingerprint(k)
		if err != nil {
			f.Problems = append(f.Problems, Problem{Text: name + ": " + err.Error()})
		}
		f.add(name, fp, str(k, "derivation"), str(k, "xpub"), "")
	}
}

// electrumFingerprint reads root_fingerprint, or Coldcard's ckcc_xfp, a little-endian integer.
func electrumFingerprint(k map[string]json.RawMessage) (string, error) {
	if fp := str(k, "root_fingerprint"); fp != "" {
		return strings.ToLower(fp), nil
	}
	raw, has := k["ckcc_xfp"]
	if !has {
		return "", nil
	}
	var n uint32
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", errs.Bad(errs.BadKey, "ckcc_xfp is no 32-bit number")
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], n)
	return hex.EncodeToString(b[:]), nil
}

// deviceTypeOfElectrum maps Electrum's hw_type to our device types.
func deviceTypeOfElectrum(hw string) string {
	switch hw {
	case "bitbox02", "coldcard", "jade", "keepkey", "ledger", "trezor":
		return hw
	case "safe_t":
		return "trezor"
	case "digitalbitbox":
		return "other"
	}
	return ""
}

// readSpecterDevice reads a device file of the old Specter: each key with what was typed.
func readSpecterDevice(o map[string]json.RawMessage, f *KeyFile) {
	f.Format, f.Name, f.DeviceType = "specter", str(o, "name"), str(o, "type")
	var keys []map[string]json.RawMessage
	if err := json.Unmarshal(o["keys"], &keys); err != nil {
		f.Problems = append(f.Problems, Problem{Text: "the list of keys cannot be read"})
		return
	}
	for i, k := range keys {
		original := str(k, "original")
		if original == "" {
			original = str(k, "xpub")
		}
		f.add(fmt.Sprintf("key %d", i+1), str(k, "fingerprint"), str(k, "derivation"), original, str(k, "type"))
	}
	sort.SliceStable(f.Keys, func(i, j int) bool { return f.Keys[i].HasOrigin && !f.Keys[j].HasOrigin })
}
