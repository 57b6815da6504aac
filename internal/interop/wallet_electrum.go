package interop

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"specter/internal/errs"
)

var mOfN = regexp.MustCompile(`^(\d{1,2})of(\d{1,2})$`)

// readElectrumMultisig reads an Electrum multisig wallet: xI/ keystores, script type by prefix.
func readElectrumMultisig(_ string, o map[string]json.RawMessage) (Wallet, error) {
	match := mOfN.FindStringSubmatch(str(o, "wallet_type"))
	if match == nil {
		return Wallet{}, errs.Bad(errs.Malformed, "the Electrum file does not say how many of how many sign")
	}
	m, _ := strconv.Atoi(match[1])
	n, _ := strconv.Atoi(match[2])
	if m == 0 || m > n {
		return Wallet{}, errs.Bad(errs.Malformed, "the Electrum file asks for %d of %d signatures, which cannot be", m, n)
	}
	w := Wallet{Name: fmt.Sprintf("Electrum %d of %d", m, n)}
	var keys []string
	prefix := ""
	for i := 1; i <= n; i++ {
		store := object(o, fmt.Sprintf("x%d/", i))
		if store == nil {
			return Wallet{}, errs.Bad(errs.Malformed, "cosigner %d of %d is missing in the Electrum file", i, n)
		}
		c, err := w.electrumCosigner(store)
		if err != nil {
			return Wallet{}, fmt.Errorf("cosigner %d: %w", i, err)
		}
		if c.Name == "" {
			c.Name, c.DeviceType = fmt.Sprintf("Electrum Multisig %d", i), "electrum"
		}
		if i > 1 && prefix != c.Key.Original[:4] {
			return Wallet{}, errs.Bad(errs.Mismatch, "the cosigners' keys are of different kinds (%s and %s)", prefix, c.Key.Original[:4])
		}
		prefix = c.Key.Original[:4]
		w.Cosigners = append(w.Cosigners, c)
		keys = append(keys, c.Key.Expression())
	}
	scriptType := map[byte]string{'x': "sh", 't': "sh", 'Y': "sh-wsh", 'U': "sh-wsh", 'Z': "wsh", 'V': "wsh"}[prefix[0]]
	var err error
	w.Descriptor, err = policyDescriptor(scriptType, m, keys)
	return w, err
}

// readElectrumSingle reads an Electrum standard wallet.
func readElectrumSingle(_ string, o map[string]json.RawMessage) (Wallet, error) {
	store := object(o, "keystore")
	if t := str(o, "wallet_type"); t == "imported" || str(store, "type") == "imported" {
		return Wallet{}, errs.Bad(errs.Unsupported, "this Electrum wallet is made of imported addresses or keys; it has no extended key to watch")
	}
	if str(store, "type") == "old" {
		return Wallet{}, errs.Bad(errs.Unsupported, "this Electrum wallet uses the key scheme from before 2013, which has no extended key")
	}
	w := Wallet{}
	c, err := w.electrumCosigner(store)
	if err != nil {
		return Wallet{}, err
	}
	if w.Name = c.Name; w.Name == "" {
		w.Name = "Electrum Wallet"
	}
	if c.DeviceType == "" {
		c.DeviceType = "other"
	}
	w.Cosigners = []Cosigner{c}
	scriptType := map[byte]string{'x': "pkh", 't': "pkh", 'y': "sh-wpkh", 'u': "sh-wpkh", 'z': "wpkh", 'v': "wpkh"}[c.Key.Original[0]]
	w.Descriptor, err = policyDescriptor(scriptType, 1, []string{c.Key.Expression()})
	return w, err
}

// electrumCosigner reads one keystore; a seed in it is never looked at, only warned of.
func (w *Wallet) electrumCosigner(store map[string]json.RawMessage) (Cosigner, error) {
	var f KeyFile
	fp, err := electrumFingerprint(store)
	if err != nil {
		return Cosigner{}, err
	}
	f.add("keystore", fp, str(store, "derivation"), str(store, "xpub"), "")
	if len(f.Problems) > 0 {
		return Cosigner{}, errs.Bad(errs.BadKey, "%s", f.Problems[0])
	}
	if len(f.Keys) == 0 {
		return Cosigner{}, errs.Bad(errs.Malformed, "the keystore has no extended public key")
	}
	if _, has := store["seed"]; has {
		w.Warnings = append(w.Warnings, "the Electrum file holds a seed; it was not read. Delete the file when you no longer need it")
	}
	return Cosigner{Key: f.Keys[0], Name: str(store, "label"), DeviceType: deviceTypeOfElectrum(str(store, "hw_type"))}, nil
}
