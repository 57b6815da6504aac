package miniscript

import "github.com/btcsuite/btcd/txscript/v2"

// step is an opcode of a script with what it pushes. Opcodes with a built-in VERIFY are two
// steps; a push of a number is known as one.
type step struct {
	op     byte
	data   []byte
	number int64 // -1 where the step pushes no number
}

var unverified = func() map[byte]byte {
	m := map[byte]byte{}
	for plain, verify := range verifying {
		m[verify] = plain
	}
	return m
}()

// split cuts a script into steps. It refuses what the compiler never emits: pushes that are
// not minimal or too long for any key or digest, and VERIFY where a shorter form exists.
func split(script []byte) ([]step, bool) {
	var steps []step
	for i := 0; i < len(script); {
		op := script[i]
		i++
		switch {
		case op == txscript.OP_0:
			steps = append(steps, step{op: op, number: 0})
		case op <= txscript.OP_DATA_33:
			if i+int(op) > len(script) {
				return nil, false
			}
			data := script[i : i+int(op)]
			i += int(op)
			n, minimal := readNumber(data)
			if !minimal {
				return nil, false
			}
			steps = append(steps, step{op: op, data: data, number: n})
		case op < txscript.OP_1:
			return nil, false
		case op <= txscript.OP_16:
			steps = append(steps, step{op: op, number: int64(op - txscript.OP_1 + 1)})
		default:
			plain, merged := unverified[op]
			if _, could := verifying[op]; could && i < len(script) && script[i] == txscript.OP_VERIFY {
				return nil, false
			}
			if merged {
				steps = append(steps, step{op: plain, number: -1})
				op = txscript.OP_VERIFY
			}
			steps = append(steps, step{op: op, number: -1})
		}
	}
	return steps, true
}

// readNumber reads pushed bytes as a positive number of up to four bytes, -1 for anything
// else. minimal is false where an opcode would push the same.
func readNumber(data []byte) (n int64, minimal bool) {
	if len(data) == 1 && (data[0] >= 1 && data[0] <= 16 || data[0] == 0x81) {
		return -1, false
	}
	top := data[len(data)-1]
	if len(data) > 4 || top&0x80 != 0 || top == 0 && (len(data) == 1 || data[len(data)-2]&0x80 == 0) {
		return -1, true
	}
	for i, b := range data {
		n |= int64(b) << (8 * i)
	}
	return n, true
}
