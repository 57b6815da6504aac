package bitbox02test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// coin is a network as the device knows it.
type coin struct {
	number  hww.Coin
	network btc.Network
	slip44  uint32
}

func coinIn(m protolite.Message, field int) (coin, error) {
	switch n := hww.Coin(m.Uint(field)); n {
	case hww.Bitcoin:
		return coin{n, btc.Mainnet, btc.Hardened}, nil
	case hww.Testnet:
		return coin{n, btc.Testnet3, btc.Hardened + 1}, nil
	case hww.Regtest:
		return coin{n, btc.Regtest, btc.Hardened + 1}, nil
	}
	return coin{}, invalid
}

// account is a script config with its path.
type account struct {
	b      *Box
	coin   coin
	kind   int
	path   btc.Path
	simple hww.Simple
	m      int
	keys   []btc.XKey
	nested bool
	policy []*descriptor.Descriptor // its branches
	text   string                   // what is shown when it is registered
	id     [32]byte
}

// readAccount reads a config and checks it as the firmware does, but for the registration.
func (b *Box) readAccount(c coin, m protolite.Message, path btc.Path) (*account, error) {
	a := &account{b: b, coin: c, path: path}
	if sub, ok, err := m.Message(hww.ConfigMultisig); err != nil {
		return nil, invalid
	} else if ok {
		return a, a.readMultisig(sub)
	}
	if sub, ok, err := m.Message(hww.ConfigPolicy); err != nil {
		return nil, invalid
	} else if ok {
		return a, a.readPolicy(sub)
	}
	if !m.Has(hww.ConfigSimple) {
		return nil, invalid
	}
	a.kind, a.simple = hww.ConfigSimple, hww.Simple(m.Uint(hww.ConfigSimple))
	purpose, ok := map[hww.Simple]uint32{hww.WrappedWPKH: 49, hww.WPKH: 84, hww.TR: 86}[a.simple]
	if !ok || !standard(path, purpose, c) {
		return nil, invalid
	}
	return a, nil
}

// accountOf is readAccount for a wallet that must be registered.
func (b *Box) accountOf(c coin, m protolite.Message, path btc.Path) (*account, error) {
	a, err := b.readAccount(c, m, path)
	if err != nil || a.kind == hww.ConfigSimple {
		return a, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.accounts[a.id]; !known {
		return nil, invalid
	}
	return a, nil
}

func standard(p btc.Path, purpose uint32, c coin) bool {
	return len(p) == 3 && p[0] == btc.Hardened+purpose && p[1] == c.slip44 && p[2] >= btc.Hardened && p[2] < btc.Hardened+100
}

func usualAccount(c coin, p btc.Path) bool {
	for _, purpose := range []uint32{48, 49, 84, 86} {
		if standard(p, purpose, c) {
			return true
		}
	}
	return len(p) == 4 && standard(p[:3], 48, c) && (p[3] == btc.Hardened+1 || p[3] == btc.Hardened+2)
}

func readXPub(m protolite.Message, main bool) (btc.XKey, error) {
	depth, parent, chain := m.Bytes(hww.XPubDepth), m.Bytes(hww.XPubParent), m.Bytes(hww.XPubChain)
	if len(depth) != 1 || len(parent) != 4 || len(chain) != 32 {
		return btc.XKey{}, invalid
	}
	k, err := btc.NewPublicXKey(m.Bytes(hww.XPubKey), [32]byte(chain), depth[0], btc.Fingerprint(parent), m.Uint32(hww.XPubChild), main)
	if err != nil {
		return btc.XKey{}, invalid
	}
	return k, nil
}

func (a *account) readMultisig(m protolite.Message) error {
	a.kind, a.m, a.nested = hww.ConfigMultisig, int(m.Uint32(hww.MultisigThreshold)), m.Uint(hww.MultisigScript) == hww.MultisigSHWSH
	for _, raw := range m.All(hww.MultisigXPubs) {
		sub, err := protolite.Parse(raw)
		if err != nil {
			return invalid
		}
		k, err := readXPub(sub, a.coin.network.IsMain())
		if err != nil {
			return err
		}
		a.keys = append(a.keys, k)
	}
	ours := int(m.Uint32(hww.MultisigOurs))
	if n := len(a.keys); n < 2 || n > 15 || a.m < 1 || a.m > n || ours >= n {
		return invalid
	}
	own, err := a.b.master.Derive(a.path)
	if err != nil || !own.Identical(a.keys[ours]) {
		return invalid
	}
	var parts [][]byte
	lines := []string{fmt.Sprintf("%d-of-%d multisig", a.m, len(a.keys)), a.path.Full()}
	for i, k := range a.keys {
		parts = append(parts, k.Serialize()[4:])
		lines = append(lines, fmt.Sprintf("Cosigner %d/%d: %s", i+1, len(a.keys), k))
	}
	slices.SortFunc(parts, bytes.Compare)
	if len(slices.CompactFunc(slices.Clone(parts), bytes.Equal)) != len(parts) {
		return invalid
	}
	a.text = strings.Join(lines, "\n")
	for _, step := range a.path {
		parts = append(parts, binary.LittleEndian.AppendUint32(nil, step))
	}
	a.id = identify(1, a.coin, append(parts, []byte{byte(a.m), byte(m.Uint(hww.MultisigScript))})...)
	return nil
}

func (a *account) readPolicy(m protolite.Message) error {
	a.kind = hww.ConfigPolicy
	template := m.Text(hww.PolicyText)
	if a.coin.number == hww.Regtest || !strings.HasPrefix(template, "wsh(") && !strings.HasPrefix(template, "tr(") || strings.Contains(template, "sortedmulti") {
		return invalid
	}
	var keys []string
	parts, lines, own := [][]byte{[]byte(template)}, []string{template}, false
	for _, raw := range m.All(hww.PolicyKeys) {
		info, err := protolite.Parse(raw)
		if err != nil {
			return invalid
		}
		sub, ok, err := info.Message(hww.OriginXPub)
		if err != nil || !ok {
			return invalid
		}
		k, err := readXPub(sub, a.coin.network.IsMain())
		if err != nil {
			return err
		}
		path, err := pathIn(info, hww.OriginPath)
		if err != nil {
			return err
		}
		text := k.String()
		if root := info.Bytes(hww.OriginRoot); len(root) == 4 {
			text = "[" + btc.KeyOrigin{Fingerprint: btc.Fingerprint(root), Path: path}.String() + "]" + text
			mine, err := a.b.master.Derive(path)
			own = own || err == nil && btc.Fingerprint(root) == a.b.master.Fingerprint() && mine.Identical(k)
		}
		keys, parts, lines = append(keys, text), append(parts, k.Serialize()), append(lines, text)
	}
	d, err := descriptor.FromPolicy(template, keys, descriptor.Options{})
	if err != nil || !own || len(keys) > 20 {
		return invalid
	}
	a.policy, a.text, a.id = d.Expand(), strings.Join(lines, "\n"), identify(0xff, a.coin, parts...)
	return nil
}

// checkPath holds an address's path to the account.
func (a *account) checkPath(p btc.Path, receiving bool) error {
	if len(p) != len(a.path)+2 || len(a.path) == 0 || !slices.Equal(p[:len(a.path)], a.path) {
		return invalid
	}
	branch, index := p[len(p)-2], p[len(p)-1]
	if a.kind == hww.ConfigSimple && branch > 1 || receiving && index > 9999 {
		return invalid
	}
	return nil
}

// scripts is what stands at a path of an account.
type scripts struct {
	spk    []byte
	code   []byte // what a segwit v0 signature covers
	change bool
	tweak  []byte    // taproot by its key: the merkle root, empty without leaves
	key    bool      // taproot by its key
	leaf   *[32]byte // taproot by a leaf
	tree   *descriptor.Taproot
}

func (a *account) script(p btc.Path) (scripts, error) {
	branch, index := p[len(p)-2], p[len(p)-1]
	switch a.kind {
	case hww.ConfigSimple:
		return a.simpleScript(p, branch == 1)
	case hww.ConfigMultisig:
		return a.multisigScript(branch, index)
	}
	for i, d := range a.policy {
		out, err := d.Derive(index)
		if err != nil {
			return scripts{}, invalid
		}
		for _, k := range out.Keys {
			if k.Origin.Fingerprint == a.b.master.Fingerprint() && slices.Equal(k.Origin.Path, p) {
				return policyScript(out, k, i == 1)
			}
		}
	}
	return scripts{}, invalid
}

func policyScript(out *descriptor.Output, k descriptor.DerivedKey, change bool) (scripts, error) {
	s := scripts{spk: out.Script, code: out.WitnessScript, change: change, tree: out.Taproot}
	switch {
	case out.Taproot == nil:
	case k.Internal:
		s.key, s.tweak = true, out.Taproot.MerkleRoot
	case len(k.LeafHashes) == 0:
		return scripts{}, invalid
	default:
		s.leaf = &k.LeafHashes[0]
	}
	return s, nil
}

func (a *account) simpleScript(p btc.Path, change bool) (scripts, error) {
	k, err := a.b.master.Derive(p)
	if err != nil {
		return scripts{}, invalid
	}
	program := btc.WitnessScript(0, btc.Hash160(k.PublicKey[:]))
	switch a.simple {
	case hww.WPKH:
		return scripts{spk: program, code: program, change: change}, nil
	case hww.WrappedWPKH:
		return scripts{spk: btc.PayToScriptHash(btc.Hash160(program)), code: program, change: change}, nil
	}
	t, err := descriptor.NewTaproot([32]byte(k.PublicKey[1:]), nil)
	if err != nil {
		return scripts{}, invalid
	}
	return scripts{spk: btc.WitnessScript(1, t.OutputKey[:]), change: change, key: true, tree: t}, nil
}

func (a *account) multisigScript(branch, index uint32) (scripts, error) {
	var pubs [][]byte
	for _, k := range a.keys {
		child, err := k.Derive(btc.Path{branch, index})
		if err != nil {
			return scripts{}, invalid
		}
		pubs = append(pubs, child.PublicKey[:])
	}
	slices.SortFunc(pubs, bytes.Compare)
	build := txscript.NewScriptBuilder().AddInt64(int64(a.m))
	for _, p := range pubs {
		build.AddData(p)
	}
	witness, err := build.AddInt64(int64(len(pubs))).AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err != nil {
		return scripts{}, invalid
	}
	hash := sha256.Sum256(witness)
	s := scripts{spk: btc.WitnessScript(0, hash[:]), code: witness, change: branch == 1}
	if a.nested {
		s.spk = btc.PayToScriptHash(btc.Hash160(s.spk))
	}
	return s, nil
}

// outputScript is the script of a payment that the host describes.
func outputScript(m protolite.Message) ([]byte, error) {
	payload := m.Bytes(hww.OutPayload)
	sizes := map[uint64]int{hww.OutP2PKH: 20, hww.OutP2SH: 20, hww.OutP2WPKH: 20, hww.OutP2WSH: 32, hww.OutP2TR: 32}
	kind := m.Uint(hww.OutType)
	if size, fixed := sizes[kind]; fixed && size != len(payload) {
		return nil, invalid
	}
	switch kind {
	case hww.OutP2PKH:
		return btc.PayToPubKeyHash(payload), nil
	case hww.OutP2SH:
		return btc.PayToScriptHash(payload), nil
	case hww.OutP2WPKH, hww.OutP2WSH:
		return btc.WitnessScript(0, payload), nil
	case hww.OutP2TR:
		return btc.WitnessScript(1, payload), nil
	case hww.OutOpReturn:
		return txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddFullData(payload).Script()
	}
	return nil, invalid
}

func recipient(script []byte, n btc.Network) string {
	if text, ok := btc.AddressOf(script, n); ok {
		return text
	}
	return "OP_RETURN " + hex.EncodeToString(script)
}
