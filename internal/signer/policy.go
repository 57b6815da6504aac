package signer

import (
	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

// Spend is a wallet that inputs of a transaction belong to.
type Spend struct {
	Wallet Wallet
	Inputs []int // places in the transaction, rising
}

// WalletsOf tells from a PSBT alone which wallets the inputs with keys of a master key belong
// to: single keys from their derivations, multisig and miniscript from their scripts and the
// global xpubs, taproot from the internal key. The wallets are multipath descriptors with origins
// whose branches and indexes derive the very coins that the inputs spend. Inputs without a key of
// fp are left out. main chooses xpub or tpub where the PSBT does not say. An input that cannot be
// read so is a Fault with CodeBadTransaction that says what is missing.
func WalletsOf(tx *psbt.Packet, fp btc.Fingerprint, main bool) ([]Spend, error) {
	return walletsOf(tx, fp, main)
}

// AtAddress reads HWI's descriptor of one address (indexes filled in, or a ranged one with a
// wildcard at index 0) back into the wallet that has it, with branch and index of the address.
// Where only a key is known in the place of an extended key, the wallet has that key alone.
func AtAddress(text string, main bool) (w Wallet, branch, index uint32, err error) {
	return atAddress(text, main)
}
