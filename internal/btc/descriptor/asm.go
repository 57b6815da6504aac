package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
)

// ASM prints a script in Bitcoin Core's words: opcodes by name, pushes of up to four bytes as
// numbers, longer ones in hex, [error] where the script breaks off.
func ASM(script []byte) string {
	var words []string
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		words = append(words, asmWord(t.Opcode(), t.Data()))
	}
	if t.Err() != nil {
		words = append(words, "[error]")
	}
	return strings.Join(words, " ")
}

func asmWord(op byte, data []byte) string {
	switch {
	case op == op0:
		return "0"
	case op == 0x4f:
		return "-1"
	case op >= op1 && op <= 0x60:
		return strconv.Itoa(int(op) - op1 + 1)
	case op <= 0x4e && len(data) <= 4:
		return strconv.FormatInt(scriptNumber(data), 10)
	case op <= 0x4e:
		return hex.EncodeToString(data)
	}
	name, err := txscript.DisasmString([]byte{op})
	if err != nil || !strings.HasPrefix(name, "OP_") || strings.HasPrefix(name, "OP_UNKNOWN") {
		return "OP_UNKNOWN"
	}
	return name
}

// scriptNumber reads the little-endian number with sign bit that scripts use.
func scriptNumber(data []byte) int64 {
	var n int64
	for i, b := range data {
		if i == len(data)-1 && b&0x80 != 0 {
			return -(n | int64(b&0x7f)<<(8*i))
		}
		n |= int64(b) << (8 * i)
	}
	return n
}

// ScriptKind names the form of a scriptPubKey in Bitcoin Core's words: pubkey, pubkeyhash,
// scripthash, multisig, nulldata, witness_v0_keyhash, witness_v0_scripthash,
// witness_v1_taproot, anchor, witness_unknown or nonstandard.
func ScriptKind(script []byte) string {
	if version, program, ok := btc.WitnessProgram(script); ok {
		switch {
		case version == 0 && len(program) == 20:
			return "witness_v0_keyhash"
		case version == 0:
			return "witness_v0_scripthash"
		case version == 1 && len(program) == 32:
			return "witness_v1_taproot"
		case version == 1 && string(program) == "\x4e\x73":
			return "anchor"
		}
		return "witness_unknown"
	}
	switch {
	case isP2PKH(script):
		return "pubkeyhash"
	case isP2SH(script):
		return "scripthash"
	case pubKeyOfP2PK(script) != nil:
		return "pubkey"
	case len(script) > 0 && script[0] == 0x6a && pushOnly(script[1:]):
		return "nulldata"
	}
	if _, _, ok := readMulti(script); ok {
		return "multisig"
	}
	return "nonstandard"
}

func isP2PKH(s []byte) bool {
	return len(s) == 25 && s[0] == opDup && s[1] == opHash160 && s[2] == 20 && s[23] == opEqualVerify && s[24] == opCheckSig
}

func isP2SH(s []byte) bool {
	return len(s) == 23 && s[0] == opHash160 && s[1] == 20 && s[22] == opEqual
}

// pubKeyOfP2PK returns the key of a pay-to-pubkey script, which may be hybrid; else nil.
func pubKeyOfP2PK(s []byte) []byte {
	n := len(s)
	if n < 2 || s[n-1] != opCheckSig || int(s[0]) != n-2 || !keySized(s[1:n-1]) {
		return nil
	}
	return s[1 : n-1]
}

// keySized reports whether data has the first byte and the length of a public key.
func keySized(b []byte) bool {
	switch len(b) {
	case 33:
		return b[0] == 2 || b[0] == 3
	case 65:
		return b[0] == 4 || b[0] == 6 || b[0] == 7
	}
	return false
}

func pushOnly(script []byte) bool {
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		if t.Opcode() > 0x60 {
			return false
		}
	}
	return t.Err() == nil
}

// readMulti takes a k-of-n script of CHECKMULTISIG apart.
func readMulti(script []byte) (k int, keys [][]byte, ok bool) {
	t := txscript.MakeScriptTokenizer(0, script)
	n, first := 0, true
	for t.Next() {
		data, op := t.Data(), t.Opcode()
		switch {
		case first:
			if k, ok = smallNumber(op, data); !ok {
				return 0, nil, false
			}
			first = false
		case keySized(data):
			keys = append(keys, data)
		default:
			if n, ok = smallNumber(op, data); !ok || n != len(keys) || k < 1 || k > n {
				return 0, nil, false
			}
			ok = t.Next() && t.Opcode() == opCheckMultisig && t.Done() && t.Err() == nil
			return k, keys, ok
		}
	}
	return 0, nil, false
}

// smallNumber reads a number from 1 to 20 that was pushed the shortest way.
func smallNumber(op byte, data []byte) (int, bool) {
	if op >= op1 && op <= 0x60 {
		return int(op) - op1 + 1, true
	}
	if op == 1 && data[0] > 16 && data[0] <= maxMultiKeys {
		return int(data[0]), true
	}
	return 0, false
}
