package ur

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Key is an hdkey or eckey of a resource (BCR-2020-007, BCR-2020-008).
type Key struct {
	Data      []byte        // 33 bytes compressed or 65 uncompressed public key, or 32 private
	Private   bool          // Data is a private key
	HD        bool          // an hdkey, else an eckey
	Main      bool          // mainnet by its use-info, which many devices leave out; see ByPath
	Coin      uint32        // SLIP-44 type of its use-info; 0 is Bitcoin
	XKey      btc.XKey      // the extended key, where HasXKey
	HasXKey   bool          // an hdkey without chain code derives nothing and has no XKey
	Origin    btc.KeyOrigin // where HasOrigin
	HasOrigin bool          // with a path or a fingerprint
	Children  string        // what may be derived, as in a descriptor: "0/*", "<0;1>/*", or ""
	Name      string
	Note      string
}

// ByPath returns the key with the network that its origin's coin type tells: 1h in second place
// is a test network's. Devices that leave out use-info mean it so.
func (k Key) ByPath() Key {
	if k.HasOrigin && len(k.Origin.Path) > 1 && k.Origin.Path[1] == btc.Hardened|1 {
		k.Main, k.XKey.Main = false, false
	}
	return k
}

// Expression writes the key as a key expression of a descriptor (BIP380): its origin in brackets,
// the extended key or the hex of the plain key, and the path to its children.
func (k Key) Expression() string {
	var b strings.Builder
	if k.HasOrigin {
		b.WriteString("[" + k.Origin.String() + "]")
	}
	if k.HasXKey {
		b.WriteString(k.XKey.String())
	} else {
		b.WriteString(hex.EncodeToString(k.Data))
	}
	if k.Children != "" {
		b.WriteString("/" + k.Children)
	}
	return b.String()
}

// String tells no private key.
func (k Key) String() string {
	if k.Private {
		return "private key (hidden)"
	}
	return k.Expression()
}

// The tags of the registry, old and new (BCR-2020-006).
const (
	tagSeed, tagSeedNew         = 300, 40300
	tagBIP39                    = 301
	tagHDKey, tagHDKeyNew       = 303, 40303
	tagKeypath, tagKeypathNew   = 304, 40304
	tagCoinInfo, tagCoinInfoNew = 305, 40305
	tagECKey, tagECKeyNew       = 306, 40306
	tagAddress, tagAddressNew   = 307, 40307
	tagOutput, tagOutputNew     = 308, 40308
	tagPSBT, tagPSBTNew         = 310, 40310
	tagAccount, tagAccountNew   = 311, 40311
)

// untag returns the content of an item under one of two tags; an item without a tag is returned
// as it is, since some devices leave tags out.
func untag(it item, tags ...uint64) (item, error) {
	if it.kind != kindTag {
		return it, nil
	}
	for _, t := range tags {
		if it.n == t {
			return it.items[0], nil
		}
	}
	return item{}, errs.Bad(errs.Unsupported, "the resource holds something of tag %d where that has no place", it.n)
}

func malformed(what string) error {
	return errs.Bad(errs.Malformed, "%s in the resource is not as the registry of resource types has it", what)
}

// parseKey reads a tagged or plain hdkey or eckey.
func parseKey(it item) (Key, error) {
	if it.kind == kindTag {
		switch it.n {
		case tagHDKey, tagHDKeyNew:
			return parseHDKey(it.items[0])
		case tagECKey, tagECKeyNew:
			return parseECKey(it.items[0])
		}
	}
	return Key{}, errs.Bad(errs.Unsupported, "the resource holds something else where a key should be")
}

func parseECKey(it item) (Key, error) {
	if curve, ok := it.field(1); ok && (curve.kind != kindUint || curve.n != 0) {
		return Key{}, errs.Bad(errs.Unsupported, "the key is of another curve than Bitcoin's")
	}
	private, _ := it.field(2)
	data, ok := it.field(3)
	if !ok || data.kind != kindBytes {
		return Key{}, malformed("a key")
	}
	k := Key{Data: data.data, Private: private.isTrue(), Main: true}
	return k, k.checkData()
}

func (k Key) checkData() error {
	if k.Private {
		var s btcec.ModNScalar
		if len(k.Data) != 32 || s.SetByteSlice(k.Data) || s.IsZero() {
			return errs.Bad(errs.BadKey, "the resource holds 32 bytes that are no private key")
		}
		return nil
	}
	if _, err := btcec.ParsePubKey(k.Data); err != nil {
		return errs.Bad(errs.BadKey, "the resource holds a public key that is no point of the curve: %w", err)
	}
	return nil
}

func parseHDKey(it item) (Key, error) {
	k := Key{HD: true, Main: true}
	master, _ := it.field(1)
	private, _ := it.field(2)
	data, ok := it.field(3)
	if !ok || data.kind != kindBytes || len(data.data) != 33 {
		return k, malformed("a key")
	}
	k.Data, k.Private = data.data, master.isTrue() || private.isTrue()
	if k.Private {
		if k.Data[0] != 0 {
			return k, malformed("a private key")
		}
		k.Data = k.Data[1:]
	}
	if err := k.checkData(); err != nil {
		return k, err
	}
	if err := k.parseUse(it); err != nil {
		return k, err
	}
	depth, err := k.parseOrigin(it)
	if err != nil {
		return k, err
	}
	if children, ok := it.field(7); ok {
		if k.Children, err = parseChildren(children); err != nil {
			return k, err
		}
	}
	if name, ok := it.field(9); ok && name.kind == kindText {
		k.Name = string(name.data)
	}
	if note, ok := it.field(10); ok && note.kind == kindText {
		k.Note = string(note.data)
	}
	return k, k.parseExtended(it, depth)
}

// parseUse reads coin and network.
func (k *Key) parseUse(it item) error {
	use, ok := it.field(5)
	if !ok {
		return nil
	}
	use, err := untag(use, tagCoinInfo, tagCoinInfoNew)
	if err != nil {
		return err
	}
	if coin, ok := use.field(1); ok {
		if coin.kind != kindUint || coin.n >= 1<<31 {
			return malformed("a coin type")
		}
		k.Coin = uint32(coin.n)
	}
	if network, ok := use.field(2); ok {
		k.Main = network.kind == kindUint && network.n == 0
	}
	return nil
}

// parseOrigin reads the origin and returns the key's depth.
func (k *Key) parseOrigin(it item) (depth uint8, err error) {
	origin, ok := it.field(6)
	if !ok {
		return 0, nil
	}
	if origin, err = untag(origin, tagKeypath, tagKeypathNew); err != nil {
		return 0, err
	}
	components, ok := origin.field(1)
	if !ok || components.kind != kindArray || len(components.items)%2 != 0 || len(components.items) > 2*255 {
		return 0, malformed("the origin of a key")
	}
	for i := 0; i < len(components.items); i += 2 {
		index, hardened := components.items[i], components.items[i+1]
		if index.kind != kindUint || index.n >= 1<<31 || !hardened.isBool() {
			return 0, malformed("the origin of a key")
		}
		step := uint32(index.n)
		if hardened.isTrue() {
			step |= btc.Hardened
		}
		k.Origin.Path = append(k.Origin.Path, step)
	}
	if fp, ok := origin.field(2); ok {
		if fp.kind != kindUint || fp.n >= 1<<32 {
			return 0, malformed("a fingerprint")
		}
		binary.BigEndian.PutUint32(k.Origin.Fingerprint[:], uint32(fp.n))
		k.HasOrigin = true
	}
	depth = uint8(len(k.Origin.Path))
	if d, ok := origin.field(3); ok {
		if d.kind != kindUint || d.n > 255 {
			return 0, malformed("the depth of a key")
		}
		depth = uint8(d.n)
	}
	return depth, nil
}

// parseChildren reads the path of children as a descriptor writes it.
func parseChildren(it item) (string, error) {
	it, err := untag(it, tagKeypath, tagKeypathNew)
	if err != nil {
		return "", err
	}
	components, ok := it.field(1)
	if !ok || components.kind != kindArray || len(components.items) > 2*255 {
		return "", malformed("the path of a key's children")
	}
	var steps []string
	for rest := components.items; len(rest) > 0; {
		step, used, ok := parseChildStep(rest)
		if !ok {
			return "", malformed("the path of a key's children")
		}
		steps, rest = append(steps, step), rest[used:]
	}
	return strings.Join(steps, "/"), nil
}

// parseChildStep reads one component: an index, a wildcard (an empty array), or a pair of
// indexes for receiving and change. A range of indexes has no form in a descriptor.
func parseChildStep(rest []item) (step string, used int, ok bool) {
	if rest[0].kind == kindArray && len(rest[0].items) == 4 {
		first, ok1 := childIndex(rest[0].items[0], rest[0].items[1])
		second, ok2 := childIndex(rest[0].items[2], rest[0].items[3])
		return "<" + first + ";" + second + ">", 1, ok1 && ok2
	}
	if len(rest) < 2 || !rest[1].isBool() {
		return "", 0, false
	}
	if rest[0].kind == kindArray && len(rest[0].items) == 0 {
		if rest[1].isTrue() {
			return "*h", 2, true
		}
		return "*", 2, true
	}
	step, ok = childIndex(rest[0], rest[1])
	return step, 2, ok
}

func childIndex(index, hardened item) (string, bool) {
	if index.kind != kindUint || index.n >= 1<<31 || !hardened.isBool() {
		return "", false
	}
	s := strconv.FormatUint(index.n, 10)
	if hardened.isTrue() {
		s += "h"
	}
	return s, true
}

// parseExtended rebuilds the BIP32 key of an hdkey with a chain code.
func (k *Key) parseExtended(it item, depth uint8) error {
	chain, ok := it.field(4)
	if !ok {
		return nil
	}
	if chain.kind != kindBytes || len(chain.data) != 32 {
		return malformed("the chain code of a key")
	}
	var parent btc.Fingerprint
	if fp, ok := it.field(8); ok {
		if fp.kind != kindUint || fp.n >= 1<<32 {
			return malformed("a fingerprint")
		}
		binary.BigEndian.PutUint32(parent[:], uint32(fp.n))
	} // left out, it stays zero: no derivation depends on it
	var child uint32
	if n := len(k.Origin.Path); n > 0 {
		child = k.Origin.Path[n-1]
	}
	var err error
	if k.Private {
		k.XKey, err = btc.NewPrivateXKey(k.Data, chain.data, k.Main)
		k.XKey.Depth, k.XKey.Parent, k.XKey.ChildIndex = depth, parent, child
	} else {
		k.XKey, err = btc.NewPublicXKey(k.Data, [32]byte(chain.data), depth, parent, child, k.Main)
	}
	k.HasXKey = err == nil
	return err
}
