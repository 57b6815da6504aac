package signer

import (
	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

func walletsOf(tx *psbt.Packet, fp btc.Fingerprint, main bool) ([]Spend, error) {
	return nil, E(CodeNotImplemented, "this wallet cannot be read from the PSBT")
}

func atAddress(text string, main bool) (w Wallet, branch, index uint32, err error) {
	return Wallet{}, 0, 0, E(CodeNotImplemented, "this descriptor cannot be read")
}
