package codec1

import (
	"context"
	"encoding/binary"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// coin is the device's name of the network; it knows one for all test networks.
func (d *Device) coin() string {
	if d.opt.Network.IsMain() {
		return "Bitcoin"
	}
	return "Testnet"
}

// spoken is the network whose addresses the device prints.
func (d *Device) spoken() btc.Network {
	if d.opt.Network.IsMain() {
		return btc.Mainnet
	}
	return btc.Testnet3
}

func (d *Device) keyRequest(p btc.Path) protolite.Builder {
	return protolite.Builder{}.Uint32s(1, p).Bool(3, false).Text(4, d.coin()).Uint(5, SpendAddress).Bool(6, true)
}

// XPub derives an extended public key.
func (d *Device) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	if err := d.usable(); err != nil {
		return btc.XKey{}, err
	}
	m, err := d.call(ctx, "the public key", MsgGetPublicKey, d.keyRequest(p), MsgPublicKey)
	if err != nil {
		return btc.XKey{}, err
	}
	node, ok, err := m.Message(1)
	if err != nil || !ok {
		return btc.XKey{}, signer.E(signer.CodeUnknown, "the %s answers without a key", d.dialect.Name)
	}
	key, err := readNode(node, d.opt.Network.IsMain())
	switch {
	case err != nil:
		return btc.XKey{}, signer.E(signer.CodeUnknown, "the %s answers with a key that is none: %w", d.dialect.Name, err)
	case int(key.Depth) != len(p) || len(p) > 0 && key.ChildIndex != p[len(p)-1]:
		return btc.XKey{}, signer.E(signer.CodeUnknown, "the %s answers with a key of another path than %s", d.dialect.Name, p.Full())
	}
	return key, nil
}

// readNode reads HDNodeType.
func readNode(m protolite.Message, main bool) (btc.XKey, error) {
	var chain [32]byte
	var parent btc.Fingerprint
	copy(chain[:], m.Bytes(4))
	binary.BigEndian.PutUint32(parent[:], m.Uint32(2))
	if len(m.Bytes(4)) != len(chain) || m.Uint(1) > 255 {
		return btc.XKey{}, signer.E(signer.CodeUnknown, "its chain code or depth is out of range")
	}
	return btc.NewPublicXKey(m.Bytes(6), chain, uint8(m.Uint(1)), parent, m.Uint32(3), main)
}

// writeNode writes HDNodeType.
func writeNode(k btc.XKey) protolite.Builder {
	return protolite.Builder{}.Uint(1, uint64(k.Depth)).Uint(2, uint64(binary.BigEndian.Uint32(k.Parent[:]))).
		Uint(3, uint64(k.ChildIndex)).Bytes(4, k.ChainCode[:]).Bytes(6, k.PublicKey[:])
}

// scriptOf is the script type that a path's purpose stands for, for messages: BIP49 and BIP84
// say segwit, all else signs as P2PKH.
func scriptOf(p btc.Path) uint64 {
	if len(p) == 0 {
		return SpendAddress
	}
	switch p[0] {
	case btc.Hardened | 49:
		return SpendP2SHWitness
	case btc.Hardened | 84:
		return SpendWitness
	}
	return SpendAddress
}

// SignMessage signs by BIP137; the header of the signature says the kind of address, which is
// that of the path's purpose.
func (d *Device) SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error) {
	if err := d.usable(); err != nil {
		return nil, err
	}
	body := protolite.Builder{}.Uint32s(1, p).Bytes(2, message).Text(3, d.coin()).Uint(4, scriptOf(p))
	m, err := d.call(ctx, "the message", MsgSignMessage, body, MsgMessageSignature)
	if err != nil {
		return nil, err
	}
	if sig := m.Bytes(2); len(sig) == 65 {
		return sig, nil
	}
	return nil, signer.E(signer.CodeUnknown, "the %s answers with a signature of %d bytes; 65 were due", d.dialect.Name, len(m.Bytes(2)))
}
