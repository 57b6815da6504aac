package hot

import (
	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/btc/psbt"
)

// Keys derives private keys of one seed. Its String says nothing.
type Keys struct{ master btc.XKey }

// String says nothing of the keys.
func (*Keys) String() string { return "software key" }

// GoString says nothing of the keys either.
func (k *Keys) GoString() string { return k.String() }

func fromWords(words, passphrase string) (*Keys, error) {
	m, err := mnemonic.Parse(words)
	if err != nil {
		return nil, err
	}
	return FromSeed(m.Seed(passphrase))
}

// FromSeed makes the keys of a BIP32 seed.
func FromSeed(seed []byte) (*Keys, error) {
	master, err := btc.NewMaster(seed, true) // version bytes play no part in signing
	if err != nil {
		return nil, err
	}
	return &Keys{master}, nil
}

// Fingerprint is the master key's.
func (k *Keys) Fingerprint() btc.Fingerprint { return k.master.Fingerprint() }

// Sign adds the seed's signatures to a PSBT and tells how many it made. Inputs of other keys
// are left alone; inputs whose amounts or scripts do not fit together are refused.
func (k *Keys) Sign(p *psbt.Packet) (int, error) {
	made, err := p.Sign(psbt.ExtendedKey(k.master, btc.KeyOrigin{}))
	return len(made), err
}
