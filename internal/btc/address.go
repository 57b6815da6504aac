package btc

import (
	"bytes"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
)

// AddressType names what an address pays to.
type AddressType string

// The address types, in the words of the offline commands.
const (
	P2PKH          AddressType = "p2pkh"
	P2SH           AddressType = "p2sh"
	P2WPKH         AddressType = "p2wpkh"
	P2WSH          AddressType = "p2wsh"
	P2TR           AddressType = "p2tr"
	P2A            AddressType = "p2a"
	WitnessUnknown AddressType = "witness_unknown"
)

// Address is a decoded address.
type Address struct {
	Type           AddressType
	Network        Network // of the test networks that share a prefix, the one asked for
	Script         []byte  // scriptPubKey
	WitnessVersion int     // -1 when there is none
	WitnessProgram []byte
}

// AddressError is a refused address; Positions are the places of a bech32 string that are
// wrong or most likely mistyped, from 0, as Bitcoin Core's validateaddress tells them.
type AddressError struct {
	Reason    string
	Positions []int
}

// Error returns the reason.
func (e *AddressError) Error() string { return e.Reason }

// ParseAddress decodes an address of a network (Base58Check, BIP173, BIP350). The error is of
// kind Invalid, with code wrong-network where the address is good for another network, and
// wraps an *AddressError otherwise.
func ParseAddress(s string, n Network) (Address, error) {
	a, err := parseAddress(s, n)
	if err == nil {
		return a, nil
	}
	for _, other := range Networks() {
		if _, e := parseAddress(s, other); e == nil {
			return Address{}, errs.Bad(errs.WrongNetwork, "the address is for %s, not for %s", other, n)
		}
	}
	return Address{}, errs.Bad(errs.BadEncoding, "this is no valid address: %w", err)
}

func parseAddress(s string, n Network) (Address, error) {
	hrp := n.Params().Bech32HRPSegwit
	if len(s) >= len(hrp) && strings.EqualFold(s[:len(hrp)], hrp) {
		return parseSegwit(s, hrp, n) // no Base58 address begins so
	}
	return parseBase58(s, n)
}

func parseBase58(s string, n Network) (Address, error) {
	if len(s) > 64 {
		return Address{}, &AddressError{Reason: "it is too long"}
	}
	raw := base58.Decode(s)
	if len(raw) != 25 {
		return Address{}, &AddressError{Reason: "it is neither Base58Check nor bech32 of this network"}
	}
	sum := chainhash.DoubleHashB(raw[:21])
	if !bytes.Equal(sum[:4], raw[21:]) {
		return Address{}, &AddressError{Reason: "its checksum is wrong; a character was mistyped"}
	}
	p := n.Params()
	hash := raw[1:21]
	switch raw[0] {
	case p.PubKeyHashAddrID:
		return Address{Type: P2PKH, Network: n, Script: PayToPubKeyHash(hash), WitnessVersion: -1}, nil
	case p.ScriptHashAddrID:
		return Address{Type: P2SH, Network: n, Script: PayToScriptHash(hash), WitnessVersion: -1}, nil
	}
	return Address{}, &AddressError{Reason: "its version byte is not of this network"}
}

func parseSegwit(s, hrp string, n Network) (Address, error) {
	version, program, err := decodeSegwit(s, hrp)
	if err != nil {
		return Address{}, err
	}
	script := WitnessScript(version, program)
	a := Address{Network: n, Script: script, WitnessVersion: version, WitnessProgram: program}
	a.Type = typeOfWitness(version, program)
	return a, nil
}

func typeOfWitness(version int, program []byte) AddressType {
	switch {
	case version == 0 && len(program) == 20:
		return P2WPKH
	case version == 0:
		return P2WSH
	case version == 1 && len(program) == 32:
		return P2TR
	case version == 1 && bytes.Equal(program, []byte{0x4e, 0x73}):
		return P2A
	}
	return WitnessUnknown
}

// AddressOf returns the address that a scriptPubKey has on a network; ok is false when it has
// none (bare multisig, OP_RETURN, pay to public key…).
func AddressOf(script []byte, n Network) (addr string, ok bool) {
	p := n.Params()
	switch {
	case len(script) == 25 && script[0] == 0x76 && script[1] == 0xa9 && script[2] == 20 && script[23] == 0x88 && script[24] == 0xac:
		return base58.CheckEncode(script[3:23], p.PubKeyHashAddrID), true
	case len(script) == 23 && script[0] == 0xa9 && script[1] == 20 && script[22] == 0x87:
		return base58.CheckEncode(script[2:22], p.ScriptHashAddrID), true
	}
	if version, program, ok := WitnessProgram(script); ok {
		return encodeSegwit(p.Bech32HRPSegwit, version, program), true
	}
	return "", false
}

// WitnessProgram splits a segwit scriptPubKey (BIP141) into version and program.
func WitnessProgram(script []byte) (version int, program []byte, ok bool) {
	if len(script) < 4 || len(script) > 42 || int(script[1]) != len(script)-2 {
		return 0, nil, false
	}
	switch op := script[0]; {
	case op == 0:
		version = 0
	case op >= 0x51 && op <= 0x60:
		version = int(op) - 0x50
	default:
		return 0, nil, false
	}
	if version == 0 && len(script) != 22 && len(script) != 34 {
		return 0, nil, false
	}
	return version, script[2:], true
}

// WitnessScript builds a segwit scriptPubKey of a version (0 to 16) and a program.
func WitnessScript(version int, program []byte) []byte {
	op := byte(0)
	if version > 0 {
		op = byte(0x50 + version)
	}
	return append([]byte{op, byte(len(program))}, program...)
}

// PayToPubKeyHash builds a P2PKH scriptPubKey of a 20-byte hash.
func PayToPubKeyHash(hash []byte) []byte {
	return append(append([]byte{0x76, 0xa9, 20}, hash...), 0x88, 0xac)
}

// PayToScriptHash builds a P2SH scriptPubKey of a 20-byte hash.
func PayToScriptHash(hash []byte) []byte {
	return append(append([]byte{0xa9, 20}, hash...), 0x87)
}
