package codec1test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// pathOf reads address_n.
func pathOf(m protolite.Message, number int) (btc.Path, error) {
	list, err := m.Uints(number)
	if err != nil || len(list) > 20 {
		return nil, refusal{codec1.FailDataError, "Invalid path"}
	}
	p := make(btc.Path, len(list))
	for i, v := range list {
		p[i] = uint32(v)
	}
	return p, nil
}

// coin holds coin_name to the networks that there are, and tells how addresses look there.
func coin(m protolite.Message, number int) (btc.Network, error) {
	switch m.Text(number) {
	case "Bitcoin", "":
		return btc.Mainnet, nil
	case "Testnet":
		return btc.Testnet3, nil
	}
	return 0, refusal{codec1.FailDataError, "Invalid coin name"}
}

// derive is the device's private key at a path.
func (d *device) derive(ctx context.Context, p btc.Path) (btc.XKey, error) {
	master, err := d.master(ctx)
	if err != nil {
		return btc.XKey{}, err
	}
	key, err := master.Derive(p)
	if err != nil {
		return btc.XKey{}, refusal{codec1.FailProcessError, "Failed to derive private key"}
	}
	return key, nil
}

func (d *device) publicKey(ctx context.Context, m protolite.Message) (uint16, protolite.Builder, error) {
	p, err := pathOf(m, 1)
	if err != nil {
		return 0, nil, err
	}
	n, err := coin(m, 4)
	if err != nil {
		return 0, nil, err
	}
	key, err := d.derive(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	master, err := d.master(ctx)
	if err != nil {
		return 0, nil, err
	}
	if d.Lie.XPub && len(p) > 1 {
		if key, err = key.Child(7); err != nil {
			return 0, nil, err
		}
		key.Depth, key.ChildIndex = uint8(len(p)), p[len(p)-1]
	}
	key = key.Public()
	if m.Bool(3) {
		if _, err := d.show(ctx, codec1.ButtonPublicKey, signertest.ShowXPub, key.String()); err != nil {
			return 0, nil, err
		}
	}
	node := protolite.Builder{}.Uint(1, uint64(key.Depth)).Uint(2, uint64(binary.BigEndian.Uint32(key.Parent[:]))).
		Uint(3, uint64(key.ChildIndex)).Bytes(4, key.ChainCode[:]).Bytes(6, key.PublicKey[:])
	text := key.Encode(btc.VersionFor("", n.IsMain(), false).Bytes)
	out := protolite.Builder{}.Message(1, node).Text(2, text)
	if fp := master.Fingerprint(); d.model.RootPrint {
		out = out.Uint(3, uint64(binary.BigEndian.Uint32(fp[:])))
	}
	return codec1.MsgPublicKey, out, nil
}

// multi is a multisig script as the host tells it.
type multi struct {
	need  int
	pubs  [][]byte // as they stand in the script
	print string   // what makes wallets the same
}

// readMulti reads MultisigRedeemScriptType.
func (d *device) readMulti(m protolite.Message) (multi, error) {
	bad := refusal{codec1.FailDataError, "Invalid multisig parameters"}
	out := multi{need: int(m.Uint32(3))}
	keys := m.All(1)
	sorts := m.Uint(6) == codec1.Lexicographic
	if sorts && !d.model.Sorts {
		sorts = false // a field that the firmware does not know
	}
	if len(keys) < 1 || len(keys) > 15 || out.need < 1 || out.need > len(keys) || len(m.All(2)) > len(keys) {
		return out, bad
	}
	var nodes [][]byte
	for _, raw := range keys {
		pub, node, err := cosigner(raw)
		if err != nil {
			return out, err
		}
		out.pubs, nodes = append(out.pubs, pub), append(nodes, node)
	}
	if sorts || !d.model.Sorts { // firmware without sorting takes wallets as the same in any order
		sortBytes(nodes)
	}
	if sorts {
		sortBytes(out.pubs)
	}
	out.print = string(bytes.Join(nodes, nil)) + string(rune(out.need))
	return out, nil
}

// cosigner derives a key of HDNodePathType; node is what it is recognised by.
func cosigner(raw []byte) (pub, node []byte, err error) {
	bad := refusal{codec1.FailDataError, "Invalid multisig parameters"}
	m, err := protolite.Parse(raw)
	if err != nil {
		return nil, nil, bad
	}
	hd, ok, err := m.Message(1)
	if err != nil || !ok || len(hd.Bytes(4)) != 32 {
		return nil, nil, bad
	}
	p, err := pathOf(m, 2)
	if err != nil || p.HasHardened() {
		return nil, nil, refusal{codec1.FailDataError, "Cannot perform hardened derivation from XPUB"}
	}
	key, err := btc.NewPublicXKey(hd.Bytes(6), [32]byte(hd.Bytes(4)), uint8(hd.Uint(1)), btc.Fingerprint{}, hd.Uint32(3), false)
	if err != nil {
		return nil, nil, bad
	}
	child, err := key.Derive(p)
	if err != nil {
		return nil, nil, bad
	}
	return child.PublicKey[:], append(append([]byte{}, hd.Bytes(6)...), hd.Bytes(4)...), nil
}

func (m multi) script() []byte {
	b := []byte{byte(0x50 + m.need)}
	for _, pub := range m.pubs {
		b = append(append(b, 33), pub...)
	}
	return append(b, byte(0x50+len(m.pubs)), 0xae)
}

// scripts are what an input or output of a kind and key has.
type scripts struct {
	out     []byte // scriptPubKey
	redeem  []byte
	witness []byte
}

// build makes the scripts of a key at the device, or of a multisig that has it.
func (d *device) build(pub []byte, kind uint64, m *multi) (scripts, error) {
	if m != nil {
		if !contains(m.pubs, pub) {
			return scripts{}, refusal{codec1.FailDataError, "Pubkey not found in multisig script"}
		}
		script := m.script()
		hash := sha256.Sum256(script)
		program := btc.WitnessScript(0, hash[:])
		switch kind {
		case codec1.SpendMultisig:
			return scripts{btc.PayToScriptHash(btc.Hash160(script)), script, nil}, nil
		case codec1.SpendWitness:
			return scripts{program, nil, script}, nil
		case codec1.SpendP2SHWitness:
			return scripts{btc.PayToScriptHash(btc.Hash160(program)), program, script}, nil
		}
		return scripts{}, refusal{codec1.FailDataError, "Multisig not allowed for this script type"}
	}
	program := btc.WitnessScript(0, btc.Hash160(pub))
	switch kind {
	case codec1.SpendAddress:
		return scripts{out: btc.PayToPubKeyHash(btc.Hash160(pub))}, nil
	case codec1.SpendWitness:
		return scripts{out: program}, nil
	case codec1.SpendP2SHWitness:
		return scripts{out: btc.PayToScriptHash(btc.Hash160(program)), redeem: program}, nil
	case codec1.SpendTaproot:
		if !d.model.Taproot {
			return scripts{}, refusal{codec1.FailDataError, "Taproot not enabled on this coin"}
		}
		key, err := btcec.ParsePubKey(pub)
		if err != nil {
			return scripts{}, err
		}
		return scripts{out: btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key)))}, nil
	}
	return scripts{}, refusal{codec1.FailDataError, "Invalid script type"}
}

// multiOf reads an optional multisig field.
func (d *device) multiOf(m protolite.Message, number int) (*multi, error) {
	sub, ok, err := m.Message(number)
	if err != nil || !ok {
		return nil, err
	}
	out, err := d.readMulti(sub)
	return &out, err
}

func (d *device) address(ctx context.Context, m protolite.Message) (uint16, protolite.Builder, error) {
	p, err := pathOf(m, 1)
	if err != nil {
		return 0, nil, err
	}
	n, err := coin(m, 2)
	if err != nil {
		return 0, nil, err
	}
	many, err := d.multiOf(m, 4)
	if err != nil {
		return 0, nil, err
	}
	key, err := d.derive(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	pub := key.PublicKey[:]
	if d.Lie.Address {
		other, err := key.Child(0)
		if err != nil {
			return 0, nil, err
		}
		if pub = other.PublicKey[:]; many != nil {
			many.pubs[0] = pub
		}
	}
	s, err := d.build(pub, m.Uint(5), many)
	if err != nil {
		return 0, nil, err
	}
	text, _ := btc.AddressOf(s.out, n)
	if m.Bool(3) {
		if _, err := d.show(ctx, codec1.ButtonAddress, signertest.ShowAddress, text); err != nil {
			return 0, nil, err
		}
	}
	return codec1.MsgAddress, protolite.Builder{}.Text(1, text), nil
}

func (d *device) signMessage(ctx context.Context, m protolite.Message) (uint16, protolite.Builder, error) {
	p, err := pathOf(m, 1)
	if err != nil {
		return 0, nil, err
	}
	n, err := coin(m, 3)
	if err != nil {
		return 0, nil, err
	}
	// BIP137: the header says which kind of address the key stands for.
	header, ok := map[uint64]byte{codec1.SpendAddress: 0, codec1.SpendP2SHWitness: 4, codec1.SpendWitness: 8}[m.Uint(4)]
	if !ok {
		return 0, nil, refusal{codec1.FailProcessError, "Unsupported script type"}
	}
	key, err := d.derive(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	s, err := d.build(key.PublicKey[:], m.Uint(4), nil)
	if err != nil {
		return 0, nil, err
	}
	if _, err := d.show(ctx, codec1.ButtonOther, signertest.ShowMessage, m.Text(2)); err != nil {
		return 0, nil, err
	}
	var buf bytes.Buffer
	_ = wire.WriteVarString(&buf, 0, "Bitcoin Signed Message:\n")
	_ = wire.WriteVarBytes(&buf, 0, m.Bytes(2))
	once := sha256.Sum256(buf.Bytes())
	twice := sha256.Sum256(once[:])
	sig := ecdsa.SignCompact(d.signingKey(key), twice[:], true)
	sig[0] += header
	text, _ := btc.AddressOf(s.out, n)
	return codec1.MsgMessageSignature, protolite.Builder{}.Text(1, text).Bytes(2, sig), nil
}

// signingKey is the private key that signs: the right one, but for a liar.
func (d *device) signingKey(k btc.XKey) *btcec.PrivateKey {
	if d.Lie.Signature {
		if other, err := k.Child(1); err == nil {
			k = other
		}
	}
	private, _ := k.PrivateKey() // derived from a private master key
	return private
}
