package interop

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// Wallet is a wallet as another program's file tells it.
type Wallet struct {
	Format       string   // "specter", "account-map", "electrum", "coldcard", "bsms", "caravan", "core", "specter-diy", "descriptor"
	Name         string   // "" where the file has none
	Descriptor   string   // canonical, multipath where the wallet has change, with checksum
	Separate     []string // single-path descriptors that do not join into one multipath; nil otherwise
	ScriptType   string   // Specter's words
	M, N         int      // signatures needed, keys
	Main         bool     // mainnet keys
	Cosigners    []Cosigner
	Labels       map[string]string // address → label
	BlockHeight  int32             // look for coins from here; 0: unknown
	FirstAddress string            // of the network asked for
	Warnings     []string
}

// Cosigner is one key of the wallet with what the file tells of its device.
type Cosigner struct {
	Key        Key
	Name       string
	DeviceType string
}

// walletReaders are tried in order; sniff looks at the trimmed text, and at its members when
// it is a JSON object.
var walletReaders = []struct {
	format string
	sniff  func(text string, o map[string]json.RawMessage) bool
	read   func(text string, o map[string]json.RawMessage) (Wallet, error)
}{
	{"specter", hasMember("recv_descriptor"), readSpecterWallet},
	{"electrum", hasMember("x1/"), readElectrumMultisig},
	{"electrum", hasMember("keystore"), readElectrumSingle},
	{"caravan", hasMember("extendedPublicKeys"), readCaravan},
	{"core", hasMember("descriptors"), readCoreDescriptors},
	{"account-map", hasMember("descriptor"), readAccountMap},
	{"bsms", func(t string, _ map[string]json.RawMessage) bool { return strings.HasPrefix(t, "BSMS ") }, readBSMS},
	{"specter-diy", func(t string, _ map[string]json.RawMessage) bool { return strings.HasPrefix(t, "addwallet ") }, readAddWallet},
	{"coldcard", func(t string, o map[string]json.RawMessage) bool { return o == nil && coldcardText(t) }, readColdcardText},
	{"descriptor", func(t string, o map[string]json.RawMessage) bool { return o == nil && strings.Contains(t, "(") }, readDescriptorText},
}

func hasMember(name string) func(string, map[string]json.RawMessage) bool {
	return func(_ string, o map[string]json.RawMessage) bool { _, has := o[name]; return has }
}

// ReadWallet reads a wallet out of another program's file, whatever its format. With a network
// given, keys of the other kind (main or test) are refused; nil takes any.
func ReadWallet(data []byte, network *btc.Network) (Wallet, error) {
	if len(data) > MaxFile {
		return Wallet{}, errs.Bad(errs.TooLarge, "the file has more than %d MB", MaxFile>>20)
	}
	if !utf8.Valid(data) {
		return Wallet{}, errs.Bad(errs.BadEncoding, "this is no text; export the wallet as a descriptor or JSON")
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	if text == "" {
		return Wallet{}, errs.Bad(errs.Malformed, "the file is empty")
	}
	var o map[string]json.RawMessage
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return Wallet{}, errs.Bad(errs.Malformed, "the JSON cannot be read: %w", err)
		}
	}
	for _, r := range walletReaders {
		if r.sniff(text, o) {
			w, err := r.read(text, o)
			if err != nil {
				return Wallet{}, err
			}
			w.Format = r.format
			return w.finish(network)
		}
	}
	if strings.HasPrefix(text, "QklF") {
		return Wallet{}, errs.Bad(errs.Unsupported, "this is an encrypted Electrum file; save the wallet without a password, or export its master public keys")
	}
	return Wallet{}, errs.Bad(errs.Unsupported, "this is no wallet file that is known here: neither a descriptor nor the export of a program that is supported")
}

// finish reads the descriptor back with our own parser and fills in what follows from it.
func (w Wallet) finish(network *btc.Network) (Wallet, error) {
	d, err := descriptor.Parse(w.Descriptor, descriptor.Options{AllowSLIP132: true})
	if err != nil {
		return Wallet{}, fmt.Errorf("the wallet's descriptor: %w", err)
	}
	w.Descriptor = d.String()
	w.ScriptType = d.ScriptType()
	w.M, w.N = 1, len(d.Keys())
	if m, n, ok := d.Threshold(); ok {
		w.M, w.N = m, n
	}
	if err := w.nameCosigners(d); err != nil {
		return Wallet{}, err
	}
	first := d
	if d.Branches() > 1 {
		if first, err = d.Branch(0); err != nil {
			return Wallet{}, err
		}
	}
	out, err := first.Derive(0)
	if err != nil {
		return Wallet{}, err
	}
	on, err := w.networkFor(network)
	if err != nil {
		return Wallet{}, err
	}
	address, ok := out.Address(on)
	if ok && w.FirstAddress != "" && !strings.EqualFold(w.FirstAddress, address) && w.FirstAddress != address {
		return Wallet{}, errs.Bad(errs.Mismatch, "the file says that the first address is %s, but its keys give %s: the file is damaged or was tampered with", w.FirstAddress, address)
	}
	w.FirstAddress = address
	return w, nil
}

// networkFor tells for which network addresses are printed, and refuses keys of the other kind.
func (w Wallet) networkFor(asked *btc.Network) (btc.Network, error) {
	switch {
	case asked == nil && w.Main:
		return btc.Mainnet, nil
	case asked == nil:
		return btc.Testnet3, nil
	case asked.IsMain() != w.Main && w.Main:
		return 0, errs.Bad(errs.WrongNetwork, "the wallet's keys are for mainnet, not for %s", *asked)
	case asked.IsMain() != w.Main:
		return 0, errs.Bad(errs.WrongNetwork, "the wallet's keys are for a test network, not for mainnet")
	}
	return *asked, nil
}

// nameCosigners lists the descriptor's keys and gives them the names that the file told.
func (w *Wallet) nameCosigners(d *descriptor.Descriptor) error {
	told := w.Cosigners
	w.Cosigners = nil
	for i, k := range d.Keys() {
		if k.XKey == nil {
			return errs.Bad(errs.Unsupported, "the wallet has a plain key; only extended keys (xpub) make a wallet")
		}
		if k.XKey.IsPrivate() {
			return errs.Bad(errs.BadKey, "the file holds a private key; only public keys belong here")
		}
		if i > 0 && w.Main != k.XKey.Main {
			return errs.Bad(errs.WrongNetwork, "the wallet mixes keys of mainnet and of a test network")
		}
		w.Main = k.XKey.Main
		c := Cosigner{Key: Key{Original: k.XKey.String(), XKey: *k.XKey}}
		if k.Origin != nil {
			c.Key.Origin, c.Key.HasOrigin = *k.Origin, true
			c.Key.ScriptType = btc.ScriptTypeOf(k.Origin.Path)
		}
		for j, t := range told {
			if t.Key.XKey.Depth == 0 && t.Key.Original == "" { // told by position
				if j == i {
					c.Name, c.DeviceType = t.Name, t.DeviceType
				}
			} else if t.Key.XKey.Identical(*k.XKey) {
				c.Name, c.DeviceType = t.Name, t.DeviceType
				c.Key.Original = t.Key.Original
			}
		}
		w.Cosigners = append(w.Cosigners, c)
	}
	return nil
}

// policyDescriptor builds a multipath descriptor of key expressions without branches.
func policyDescriptor(scriptType string, m int, keys []string) (string, error) {
	branches := make([]string, len(keys))
	for i, k := range keys {
		branches[i] = k + "/<0;1>/*"
	}
	multi := fmt.Sprintf("sortedmulti(%d,%s)", m, strings.Join(branches, ","))
	single := branches[0]
	switch scriptType {
	case "pkh":
		return "pkh(" + single + ")", nil
	case "wpkh":
		return "wpkh(" + single + ")", nil
	case "sh-wpkh":
		return "sh(wpkh(" + single + "))", nil
	case "tr":
		return "tr(" + single + ")", nil
	case "sh":
		return "sh(" + multi + ")", nil
	case "wsh":
		return "wsh(" + multi + ")", nil
	case "sh-wsh":
		return "sh(wsh(" + multi + "))", nil
	}
	return "", errs.Bad(errs.Unsupported, "the script type %q is not known", scriptType)
}
