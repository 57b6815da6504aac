// Package btc holds the small words of Bitcoin that every room shares: networks, amounts,
// feerates and weights, fingerprints, derivation paths, key origins, extended keys (BIP32,
// SLIP-132), addresses (BIP173, BIP350) and payment URIs (BIP21, BIP321).
//
// Everything is a pure function of its arguments: no clock, no disk, no network, no log.
// Larger subjects stand in packages of their own below: miniscript, descriptor, psbt,
// coinselect, spend, txgraph, mnemonic, message.
package btc
