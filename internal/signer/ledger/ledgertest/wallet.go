package ledgertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer/signertest"
)

// wallet is a policy that the device has read and proved.
type wallet struct {
	id       [32]byte
	name     string
	template string
	keys     []string
	d        *descriptor.Descriptor
	inner    []bool // which of d.Keys are the device's
}

// readWallet reads the serialised policy; template and keys come from the host.
func (a *App) readWallet(c *client, blob []byte) (*wallet, error) {
	r := &reader{b: blob}
	w := &wallet{id: sha256.Sum256(blob)}
	version := r.byte()
	w.name = string(r.take(int(r.byte())))
	length, of := r.size(), r.hash()
	count, root := r.size(), r.hash()
	if r.short || r.left() > 0 || version != 2 || count > 15 || length > 512 {
		return nil, badData
	}
	template, err := c.preimage(of)
	if err != nil || len(template) != length {
		return nil, errors.Join(err, badData)
	}
	w.template = string(template)
	for i := range count {
		key, err := c.element(root, count, i)
		if err != nil {
			return nil, err
		}
		w.keys = append(w.keys, string(key))
	}
	n := a.network()
	if w.d, err = descriptor.FromPolicy(w.template, w.keys, descriptor.Options{Network: &n}); err != nil {
		return nil, badData
	}
	for _, k := range w.d.Keys() {
		w.inner = append(w.inner, a.inner(k))
	}
	return w, nil
}

// inner reports whether a key of the policy is this device's.
func (a *App) inner(k descriptor.Key) bool {
	if k.Origin == nil || k.XKey == nil || k.Origin.Fingerprint != a.own() || !a.derivable(k.Origin.Path) {
		return false
	}
	own, err := a.key(k.Origin.Path)
	return err == nil && own.Identical(*k.XKey)
}

// standard is what may be used without registration.
func (a *App) standard(w *wallet) bool {
	purpose := map[string]uint32{"pkh(@0/**)": 44, "sh(wpkh(@0/**))": 49, "wpkh(@0/**)": 84, "tr(@0/**)": 86}[w.template]
	k := w.d.Keys()[0]
	if purpose == 0 || w.name != "" || !w.inner[0] || len(k.Origin.Path) != 3 {
		return false
	}
	p := k.Origin.Path
	return p[0] == btc.Hardened+purpose && p[1] == btc.Hardened+a.network().CoinType() && p[2] >= btc.Hardened && p[2] <= btc.Hardened+100
}

// admit checks the HMAC, or that none is needed.
func (a *App) admit(c *client, id [32]byte, proof []byte) (w *wallet, registered bool, err error) {
	registered = !bytes.Equal(proof, make([]byte, 32))
	if registered && !a.Device.Lie.Registry && !hmac.Equal(proof, a.proof(id)) {
		return nil, false, badProof
	}
	blob, err := c.preimage(id)
	if err != nil {
		return nil, false, errors.Join(err, badData)
	}
	if w, err = a.readWallet(c, blob); err != nil {
		return nil, false, err
	}
	if !registered && !a.standard(w) {
		return nil, false, because(badData, 0)
	}
	return w, registered, nil
}

func (a *App) fingerprint(_ *client, r *reader) ([]byte, error) {
	if r.left() > 0 {
		return nil, badLength
	}
	fp := a.own()
	return fp[:], nil
}

func (a *App) xpub(c *client, r *reader) ([]byte, error) {
	show, p := r.byte(), r.path()
	if r.short || r.left() > 0 {
		return nil, badLength
	}
	if show > 1 {
		return nil, badData
	}
	if show == 0 && !a.usual(p) {
		return nil, unsupported
	}
	if !a.derivable(p) {
		return nil, unsupported
	}
	q := slices.Clone(p)
	if a.Device.Lie.XPub && len(q) > 0 {
		q[0] ^= 1
	}
	k, err := a.key(q)
	if err != nil {
		return nil, err
	}
	text := k.Public().String()
	if show == 1 {
		if err := a.confirm(c, signertest.ShowXPub, p.Full()+" "+text); err != nil {
			return nil, err
		}
	}
	return []byte(text), nil
}

// derivable are the paths that the app may derive at all (PATH_APP_LOAD_PARAMS in its Makefile).
func (a *App) derivable(p btc.Path) bool {
	const h = btc.Hardened
	return len(p) > 0 && (p[0] == h+45 || p[0] == h+4541509) || len(p) > 1 && p[1] == h+a.network().CoinType()
}

// usual are the paths whose keys the app gives without asking.
func (a *App) usual(p btc.Path) bool {
	const h = btc.Hardened
	if len(p) < 3 || p[0] < h || p[1] != h+a.network().CoinType() || p[2] < h || p[2] > h+100 {
		return false
	}
	hardened := map[uint32]int{44: 3, 45: 3, 48: 4, 49: 3, 84: 3, 86: 3}[p[0]-h]
	if hardened == 0 || len(p) < hardened || btc.Path(p[hardened:]).HasHardened() {
		return false
	}
	return hardened < 4 || p[3] == h+1 || p[3] == h+2
}

func (a *App) register(c *client, r *reader) ([]byte, error) {
	blob := r.take(r.size())
	if r.short || r.left() > 0 {
		return nil, badLength
	}
	w, err := a.readWallet(c, blob)
	if err != nil {
		return nil, err
	}
	if a.Device.Lie.Registry {
		other := sha256.Sum256([]byte("another wallet"))
		return append(other[:], a.proof(other)...), nil
	}
	printable := !strings.ContainsFunc(w.name, func(r rune) bool { return r < 0x20 || r > 0x7e })
	if w.name == "" || len(w.name) > 64 || strings.TrimSpace(w.name) != w.name || !printable {
		return nil, because(badData, 0)
	}
	if !slices.Contains(w.inner, true) {
		return nil, because(badData, 2)
	}
	if err := a.confirm(c, signertest.ShowPolicy, strings.Join(append([]string{w.name, w.template}, w.keys...), "\n")); err != nil {
		return nil, err
	}
	return append(w.id[:], a.proof(w.id)...), nil
}

func (a *App) address(c *client, r *reader) ([]byte, error) {
	show, id, proof, change, index := r.byte(), r.hash(), r.take(32), r.byte(), r.uint32()
	if r.short || r.left() > 0 {
		return nil, badLength
	}
	if change > 1 || index >= btc.Hardened {
		return nil, badData
	}
	w, registered, err := a.admit(c, id, proof)
	if err != nil {
		return nil, err
	}
	if !registered && index > 50000 {
		return nil, badData
	}
	if a.Device.Lie.Address {
		index++
	}
	branch, err := w.d.Branch(int(change))
	if err != nil {
		return nil, err
	}
	out, err := branch.Derive(index)
	if err != nil {
		return nil, err
	}
	text, ok := out.Address(a.network())
	if !ok {
		return nil, badData
	}
	if show == 1 {
		if err := a.confirm(c, signertest.ShowAddress, text); err != nil {
			return nil, err
		}
	}
	return []byte(text), nil
}

func (a *App) message(c *client, r *reader) ([]byte, error) {
	p, size, root := r.path(), r.size(), r.hash()
	if r.short || r.left() > 0 {
		return nil, badLength
	}
	chunks := (size + 63) / 64
	var text []byte
	for i := range chunks {
		part, err := c.element(root, chunks, i)
		if err != nil || len(part) > 64 || (len(part) < 64 && i < chunks-1) {
			return nil, errors.Join(errHost, err)
		}
		text = append(text, part...)
	}
	if len(text) != size {
		return nil, errHost
	}
	if err := a.confirm(c, signertest.ShowMessage, p.Full()+"\n"+string(text)); err != nil {
		return nil, err
	}
	k, err := a.key(p)
	if err != nil {
		return nil, err
	}
	if a.Device.Lie.Signature {
		if k, err = k.Child(7); err != nil {
			return nil, err
		}
	}
	private, _ := k.PrivateKey()
	head := "\x18Bitcoin Signed Message:\n" + string(varint(size))
	digest := chainhash.DoubleHashB([]byte(head + string(text)))
	return ecdsa.SignCompact(private, digest, true), nil
}

// amount prints "<address> <sat>".
func (a *App) amount(script []byte, sat int64) string {
	text, ok := btc.AddressOf(script, a.network())
	if !ok {
		text = descriptor.ASM(script)
	}
	return text + " " + strconv.FormatInt(sat, 10)
}
