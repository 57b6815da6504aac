package descriptor

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/address/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// The opcodes that descriptors write themselves.
const (
	op0                  = 0x00
	opPushData1          = 0x4c
	opPushData2          = 0x4d
	op1                  = 0x51
	opDup                = 0x76
	opEqual              = 0x87
	opEqualVerify        = 0x88
	opNumEqual           = 0x9c
	opHash160            = 0xa9
	opCheckSig           = 0xac
	opCheckMultisig      = 0xae
	opCheckSigAdd        = 0xba
	leafVersion     byte = 0xc0 // BIP342
)

func hash160(b []byte) []byte { return address.Hash160(b) }

// push appends the shortest push of data up to 65,535 bytes.
func push(script, data []byte) []byte {
	switch n := len(data); {
	case n < opPushData1:
		script = append(script, byte(n))
	case n < 256:
		script = append(script, opPushData1, byte(n))
	default:
		script = append(script, opPushData2, byte(n), byte(n>>8))
	}
	return append(script, data...)
}

// pushNumber appends the shortest push of a number from 0 to 32,767.
func pushNumber(script []byte, n int) []byte {
	switch {
	case n == 0:
		return append(script, op0)
	case n <= 16:
		return append(script, byte(op1-1+n))
	case n < 128:
		return append(script, 1, byte(n))
	}
	return append(script, 2, byte(n), byte(n>>8))
}

func multiScript(k int, pubs [][]byte) []byte {
	script := pushNumber(make([]byte, 0, 5+34*len(pubs)), k)
	for _, pub := range pubs {
		script = push(script, pub)
	}
	return append(pushNumber(script, len(pubs)), opCheckMultisig)
}

// multiAScript builds k of n for tapscript of x-only keys (BIP387).
func multiAScript(k int, pubs [][]byte) []byte {
	script := make([]byte, 0, 4+34*len(pubs))
	for i, pub := range pubs {
		script = push(script, pub)
		if i == 0 {
			script = append(script, opCheckSig)
		} else {
			script = append(script, opCheckSigAdd)
		}
	}
	return append(pushNumber(script, k), opNumEqual)
}

// scriptOf builds the script of an expression that has one of its own: what stands at the
// top, in sh(), in wsh() or in a leaf. keys are all keys of the descriptor at the index.
func scriptOf(e *expr, keys []derived, at place) ([]byte, error) {
	pubs := make([][]byte, len(e.keys))
	for i, k := range e.keys {
		pubs[i] = keys[k].pub
		if at == inTR {
			pubs[i] = pubs[i][1:33]
		}
	}
	if e.kind == kSortedMulti || e.kind == kSortedMultiA {
		slices.SortStableFunc(pubs, bytes.Compare)
	}
	switch e.kind {
	case kPK:
		return append(push(nil, pubs[0]), opCheckSig), nil
	case kPKH:
		return btc.PayToPubKeyHash(hash160(pubs[0])), nil
	case kWPKH:
		return btc.WitnessScript(0, hash160(pubs[0])), nil
	case kMulti, kSortedMulti:
		return multiScript(e.threshold, pubs), nil
	case kMultiA, kSortedMultiA:
		return multiAScript(e.threshold, pubs), nil
	case kAddr, kRaw:
		return slices.Clone(e.script), nil
	case kMini:
		return miniScript(e, keys, at)
	}
	return nil, errs.E(errs.Internal, "%s() has no script of its own", kindNames[e.kind])
}

func miniScript(e *expr, keys []derived, at place) ([]byte, error) {
	return e.mini.Script(func(text string) ([]byte, error) {
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 || i >= len(keys) {
			return nil, errs.E(errs.Internal, "the miniscript names an unknown key")
		}
		if at == inTR {
			return keys[i].pub[1:33], nil
		}
		return keys[i].pub, nil
	})
}

func sha256Of(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
