// Package message signs and verifies messages for an address: the legacy recoverable signatures
// of Bitcoin Core with BIP137's and Electrum's extensions to segwit addresses, and BIP322,
// simple and full. It also reads the "signmessage …" requests that devices take by QR code.
//
// A BIP322 signature is checked by the script engine. Proofs of funds (BIP322 "pof") are refused
// as unsupported: they need the coins.
package message
