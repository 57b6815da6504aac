package bitbox02

import (
	"context"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// config is a wallet as the device takes it (BTCScriptConfigWithKeypath).
type config struct {
	wallet  signer.Wallet
	kind    int // hww.ConfigSimple, ConfigMultisig or ConfigPolicy
	simple  hww.Simple
	ours    []int // places in Descriptor.Keys of the device's own keys
	at      int   // which of ours this config is for: a multisig names one key
	path    btc.Path
	keys    []descriptor.Key
	branchy []*descriptor.Descriptor // the wallet's branches
	taproot bool
}

// Purposes of the paths that the device knows.
const (
	purposeWrapped  = btc.Hardened + 49
	purposeWPKH     = btc.Hardened + 84
	purposeTR       = btc.Hardened + 86
	purposeMultisig = btc.Hardened + 48
	maxAccount      = 99
	maxIndex        = 9999
	maxCosigners    = 15
	maxPolicyKeys   = 20
)

// configOf finds out how the device takes a wallet; the refusals are sentences for the person.
func (s *session) configOf(w signer.Wallet) (*config, error) {
	d := w.Descriptor
	if d == nil {
		return nil, signer.E(signer.CodeMissing, "no wallet was given")
	}
	d, err := d.WithBranches()
	if err != nil {
		return nil, signer.E(signer.CodeBadArgument, "%w", err)
	}
	c := &config{wallet: w, keys: d.Keys(), branchy: d.Expand(), taproot: d.Type() == "tr"}
	if err := c.findOurs(s.info.Fingerprint); err != nil {
		return nil, err
	}
	if err := s.classify(c, d); err != nil {
		return nil, err
	}
	c.path = c.keys[c.ours[c.at]].Origin.Path
	return c, nil
}

func (c *config) findOurs(fp btc.Fingerprint) error {
	for i, k := range c.keys {
		if k.Origin != nil && k.Origin.Fingerprint == fp && k.XKey != nil && k.MuSig < 0 {
			c.ours = append(c.ours, i)
		}
	}
	if len(c.ours) == 0 {
		return signer.E(signer.CodeBadArgument, "no key of this wallet is of the connected BitBox02 (%s)", fp)
	}
	return nil
}

func (s *session) classify(c *config, d *descriptor.Descriptor) error {
	_, _, multi := d.Threshold()
	inner, _ := d.InnerScript()
	switch kind := d.ScriptType(); {
	case kind == "pkh" || kind == "pk":
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not know addresses of the oldest kind (P2PKH, they begin with 1); use a native segwit, nested segwit or taproot wallet")
	case kind == "sh":
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not know multisig without segwit (bare P2SH); use a multisig wallet with native or nested segwit")
	case kind == "wpkh" || kind == "sh-wpkh":
		c.kind = hww.ConfigSimple
		c.simple = map[string]hww.Simple{"wpkh": hww.WPKH, "sh-wpkh": hww.WrappedWPKH}[kind]
		return s.checkSimple(c)
	case kind == "tr" && len(c.keys) == 1 && s.isSimplePath(hww.TR, c.keys[0].Origin.Path) && c.keys[0].Path == usualPath:
		c.kind, c.simple = hww.ConfigSimple, hww.TR
		return s.need(sinceTaproot, "taproot")
	case multi && strings.HasPrefix(inner, "sortedmulti("):
		c.kind = hww.ConfigMultisig
		return s.checkMultisig(c, kind)
	case kind == "wsh":
		c.kind = hww.ConfigPolicy
		return s.checkPolicy(c, sincePolicies, "a wallet with a miniscript policy")
	case kind == "tr":
		c.kind = hww.ConfigPolicy
		return s.checkPolicy(c, sinceTaprootTrees, "a taproot wallet with a policy")
	}
	return signer.E(signer.CodeUnavailable, "the BitBox02 does not know wallets of this kind (%s)", d.Summary())
}

// usualPath ends every key of a wallet that is no policy.
const usualPath = "<0;1>/*"

func (s *session) coinType() uint32 { return btc.Hardened + s.options.Network.CoinType() }

// isSimplePath tells whether an account of one key stands where the device knows it.
func (s *session) isSimplePath(simple hww.Simple, p btc.Path) bool {
	purpose := map[hww.Simple]uint32{hww.WrappedWPKH: purposeWrapped, hww.WPKH: purposeWPKH, hww.TR: purposeTR}[simple]
	return len(p) == 3 && p[0] == purpose && p[1] == s.coinType() && isAccount(p[2])
}

func isAccount(step uint32) bool { return step >= btc.Hardened && step-btc.Hardened <= maxAccount }

func (s *session) checkSimple(c *config) error {
	if k := c.keys[0]; !s.isSimplePath(c.simple, k.Origin.Path) || k.Path != usualPath {
		return signer.E(signer.CodeUnavailable, "the BitBox02 knows wallets of one key only at their standard paths (m/84h/%[1]dh/account for native, m/49h/%[1]dh/account for nested segwit, account below 100), not at %[2]s", s.options.Network.CoinType(), k.Origin.Path.Full())
	}
	return nil
}

func (s *session) checkMultisig(c *config, kind string) error {
	if n := len(c.keys); n < 2 || n > maxCosigners {
		return signer.E(signer.CodeUnavailable, "the BitBox02 knows multisig wallets of 2 to %d keys; this one has %d", maxCosigners, n)
	}
	for _, k := range c.keys {
		if k.XKey == nil || k.Path != usualPath {
			return signer.E(signer.CodeUnavailable, "in multisig wallets the BitBox02 wants every key to be extended and to end in /<0;1>/*")
		}
	}
	if s.version.atLeast(sinceAnyMultisig) {
		return nil
	}
	for _, i := range c.ours {
		if !s.isMultisigPath(c.keys[i].Origin.Path, kind) {
			return s.need(sinceAnyMultisig, "a multisig key at "+c.keys[i].Origin.Path.Full())
		}
	}
	return nil
}

// isMultisigPath knows m/48h/coin/account, and the same with the script's type behind it.
func (s *session) isMultisigPath(p btc.Path, kind string) bool {
	if len(p) < 3 || p[0] != purposeMultisig || p[1] != s.coinType() || !isAccount(p[2]) {
		return false
	}
	if len(p) == 3 {
		return s.version.atLeast(sinceShortMultisig)
	}
	step := map[string]uint32{"wsh": btc.Hardened + 2, "sh-wsh": btc.Hardened + 1}[kind]
	return len(p) == 4 && p[3] == step
}

func (s *session) checkPolicy(c *config, v version, what string) error {
	if err := s.need(v, what); err != nil {
		return err
	}
	template, keys, err := c.wallet.Descriptor.Policy()
	switch {
	case err != nil:
		return signer.E(signer.CodeUnavailable, "the BitBox02 takes this wallet only as a wallet policy (BIP388), which it is not: %w", err)
	case len(keys) > maxPolicyKeys:
		return signer.E(signer.CodeUnavailable, "the BitBox02 knows policies of up to %d keys; this one has %d", maxPolicyKeys, len(keys))
	case strings.Contains(template, "musig("):
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not know keys that are joined by MuSig2")
	case strings.Contains(template, "sortedmulti"):
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not know sorted multisig (sortedmulti, sortedmulti_a) within a policy")
	case hasHash(template):
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not know policies with hash locks")
	}
	for _, i := range c.ours {
		if len(c.keys[i].Origin.Path) == 0 {
			return signer.E(signer.CodeUnavailable, "the BitBox02 does not sign with its master key itself; take a key at a path such as m/48h/%dh/0h/2h", s.options.Network.CoinType())
		}
	}
	return nil
}

func hasHash(template string) bool {
	return slices.ContainsFunc([]string{"sha256(", "hash256(", "ripemd160(", "hash160("}, func(f string) bool { return strings.Contains(template, f) })
}

// coinFor is the coin that a wallet is shown with. Policies are known on Bitcoin and its test
// network alone, so on regtest the device shows them with the test network's addresses.
func (s *session) coinFor(kind int) hww.Coin {
	switch {
	case s.options.Network.IsMain():
		return hww.Bitcoin
	case s.options.Network == btc.Regtest && s.version.atLeast(sinceRegtest) && kind != hww.ConfigPolicy:
		return hww.Regtest
	}
	return hww.Testnet
}

// script is the BTCScriptConfig.
func (c *config) script() (protolite.Builder, error) {
	switch c.kind {
	case hww.ConfigSimple:
		return protolite.Builder{}.Uint(hww.ConfigSimple, uint64(c.simple)), nil
	case hww.ConfigMultisig:
		m, _, _ := c.wallet.Descriptor.Threshold()
		b := protolite.Builder{}.Uint(hww.MultisigThreshold, uint64(m))
		for _, k := range c.keys {
			b = b.Message(hww.MultisigXPubs, xpubMessage(*k.XKey))
		}
		b = b.Uint(hww.MultisigOurs, uint64(c.ours[c.at]))
		script := uint64(hww.MultisigWSH)
		if c.wallet.Descriptor.ScriptType() == "sh-wsh" {
			script = hww.MultisigSHWSH
		}
		return protolite.Builder{}.Message(hww.ConfigMultisig, b.Uint(hww.MultisigScript, script)), nil
	}
	return c.policy()
}

func (c *config) policy() (protolite.Builder, error) {
	d, err := c.wallet.Descriptor.WithBranches()
	if err != nil {
		return nil, err
	}
	template, keys, err := d.Policy()
	if err != nil {
		return nil, err
	}
	b := protolite.Builder{}.Text(hww.PolicyText, template)
	for _, text := range keys {
		k, err := descriptor.ParseKeyExpression(text, descriptor.Options{})
		if err != nil || k.XKey == nil {
			return nil, signer.E(signer.CodeBadArgument, "a key of the wallet is no extended key: %w", err)
		}
		info := protolite.Builder{}
		if k.Origin != nil {
			info = info.Bytes(hww.OriginRoot, k.Origin.Fingerprint[:]).Uint32s(hww.OriginPath, k.Origin.Path)
		}
		b = b.Message(hww.PolicyKeys, info.Message(hww.OriginXPub, xpubMessage(*k.XKey)))
	}
	return protolite.Builder{}.Message(hww.ConfigPolicy, b), nil
}

func xpubMessage(k btc.XKey) protolite.Builder {
	return protolite.Builder{}.Bytes(hww.XPubDepth, []byte{k.Depth}).Bytes(hww.XPubParent, k.Parent[:]).
		Uint(hww.XPubChild, uint64(k.ChildIndex)).Bytes(hww.XPubChain, k.ChainCode[:]).Bytes(hww.XPubKey, k.PublicKey[:])
}

// withPath is the BTCScriptConfigWithKeypath.
func (c *config) withPath() (protolite.Builder, error) {
	b, err := c.script()
	if err != nil {
		return nil, err
	}
	return protolite.Builder{}.Message(hww.WithPathConfig, b).Uint32s(hww.WithPathPath, c.path), nil
}

// registration is the BTCScriptConfigRegistration.
func (s *session) registration(c *config) (protolite.Builder, error) {
	b, err := c.script()
	if err != nil {
		return nil, err
	}
	return protolite.Builder{}.Uint(hww.RegCoin, uint64(s.coinFor(c.kind))).Message(hww.RegConfig, b).Uint32s(hww.RegPath, c.path), nil
}

// pathOf is the full path of a key of ours at an address of the wallet.
func (c *config) pathOf(key int, branch, index uint32) (btc.Path, *descriptor.Output, error) {
	if int(branch) >= len(c.branchy) {
		return nil, nil, signer.E(signer.CodeBadArgument, "the wallet has no branch %d", branch)
	}
	out, err := c.branchy[branch].Derive(index)
	if err != nil {
		return nil, nil, signer.E(signer.CodeBadArgument, "%w", err)
	}
	for _, k := range out.Keys {
		if k.Expression == key {
			return k.Origin.Path, out, nil
		}
	}
	return nil, nil, signer.E(signer.CodeBadArgument, "the key does not appear in the wallet's script")
}

// callBTC sends a BTCRequest and picks a field of the BTCResponse.
func (s *session) callBTC(ctx context.Context, field int, m protolite.Builder, want int) (protolite.Message, error) {
	r, err := s.call(ctx, protolite.Builder{}.Message(hww.ReqBTC, protolite.Builder{}.Message(field, m)), hww.RspBTC)
	if err != nil {
		return protolite.Message{}, err
	}
	return s.pick(r, want)
}
