package psbt

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/miniscript"
)

// findings are what final scripts hold: signatures, each verified and mapped to a key that
// the coin commits to, and preimages.
type findings struct {
	lock      *lock
	sigs      []PartialSig
	keySig    []byte
	leafSigs  []TapScriptSig
	leaf      *TapLeaf
	preimages []Preimage
	redeem    []byte // scripts that the final ones revealed; nil: none
	witness   []byte
}

func (f *findings) count() int {
	n := len(f.sigs) + len(f.leafSigs)
	if f.keySig != nil {
		n++
	}
	return n
}

// dissect takes final scripts of input i apart. hint may hold derivations that help to find
// keys behind hashes; its scripts are not needed, for the final ones bring them and the coin
// commits to them. An element that looks like a signature but is none by a key of the coin is
// an error, and so are final scripts without any signature.
func (s *spending) dissect(i int, hint *Input, scriptSig []byte, witness wire.TxWitness) (*findings, error) {
	refuse := func(r Reason) (*findings, error) { return nil, &MergeError{Reason: r, Input: i, Output: -1} }
	if s.faults[i] != nil {
		return refuse(ReasonCannotVerify)
	}
	pushes, ok := pushedItems(scriptSig)
	if !ok {
		return refuse(ReasonUnmappedWitness)
	}
	f := &findings{}
	shell := Input{}
	if isP2SH(s.prevs[i].PkScript) && len(pushes) > 0 {
		f.redeem, pushes = pushes[len(pushes)-1], pushes[:len(pushes)-1]
		shell.RedeemScript = f.redeem
	}
	stack := pushes
	program := f.redeem
	if program == nil {
		program = s.prevs[i].PkScript
	}
	if txscript.IsWitnessProgram(program) {
		stack = witness
		if len(pushes) != 0 {
			return refuse(ReasonScriptFails)
		}
		if txscript.IsPayToWitnessScriptHash(program) && len(witness) > 0 {
			f.witness, stack = witness[len(witness)-1], witness[:len(witness)-1]
			shell.WitnessScript = f.witness
		}
	} else if len(witness) != 0 {
		return refuse(ReasonScriptFails)
	}
	l, err := lockOf(&shell, i, s.prevs[i])
	if err != nil {
		return refuse(ReasonScriptFails)
	}
	f.lock = l
	if l.kind == lockTaproot {
		err = s.dissectTaproot(i, f, stack)
	} else {
		err = s.dissectECDSA(i, f, hint, stack)
	}
	if err == nil && f.count() == 0 {
		return refuse(ReasonUnmappedWitness)
	}
	return f, err
}

// pushedItems returns what a push-only script pushes.
func pushedItems(script []byte) ([][]byte, bool) {
	var out [][]byte
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		op := t.Opcode()
		switch {
		case op == txscript.OP_0:
			out = append(out, []byte{})
		case op <= txscript.OP_PUSHDATA4:
			out = append(out, t.Data())
		case op == txscript.OP_1NEGATE:
			out = append(out, []byte{0x81})
		case op >= txscript.OP_1 && op <= txscript.OP_16:
			out = append(out, []byte{op - txscript.OP_1 + 1})
		default:
			return nil, false
		}
	}
	return out, t.Err() == nil
}

// dissectECDSA maps the signatures of anything but taproot.
func (s *spending) dissectECDSA(i int, f *findings, hint *Input, stack [][]byte) error {
	keyHash := f.lock.kind == lockPubKeyHash || f.lock.kind == lockWitnessKey
	if keyHash && len(stack) == 2 && !f.lock.hasKey(stack[1]) {
		return &MergeError{Reason: ReasonForeignKey, Input: i, Output: -1, PubKey: stack[1]}
	}
	keys := f.lock.candidateKeys(hint, stack)
	for _, item := range stack {
		if checkECDSAEncoding(item) != nil {
			f.notePreimage(item, f.lock.script)
			continue
		}
		if slices.ContainsFunc(f.sigs, func(ps PartialSig) bool { return bytes.Equal(ps.Signature, item) }) {
			continue // shown twice, verified once
		}
		pub := s.whoSigned(i, f.lock, item, keys)
		if pub == nil {
			reason := ReasonInvalidSignature
			if len(keys) == 0 {
				reason = ReasonForeignKey
			}
			return &MergeError{Reason: reason, Input: i, Output: -1}
		}
		f.sigs = append(f.sigs, PartialSig{pub, item})
	}
	return nil
}

// candidateKeys lists the keys that may have signed: those in the script, and those among the
// hints and the stack whose hash is in the script.
func (l *lock) candidateKeys(hint *Input, stack [][]byte) [][]byte {
	var out [][]byte
	seen := map[string]bool{}
	add := func(pub []byte) {
		if (len(pub) == 33 || len(pub) == 65) && !seen[string(pub)] && l.hasKey(pub) {
			seen[string(pub)] = true
			out = append(out, pub)
		}
	}
	t := txscript.MakeScriptTokenizer(0, l.script)
	for t.Next() {
		add(t.Data())
	}
	for _, item := range stack {
		add(item)
	}
	for i := range hint.Derivations {
		add(hint.Derivations[i].PubKey)
	}
	return out
}

func (s *spending) whoSigned(i int, l *lock, sig []byte, keys [][]byte) []byte {
	hash, err := s.ecdsaHash(i, l, txscript.SigHashType(sig[len(sig)-1]))
	if err != nil {
		return nil
	}
	for _, pub := range keys {
		if verifyECDSA(pub, sig, hash) {
			return pub
		}
	}
	return nil
}

func (s *spending) dissectTaproot(i int, f *findings, stack [][]byte) error {
	refuse := func(r Reason) error { return &MergeError{Reason: r, Input: i, Output: -1} }
	if len(stack) > 1 && len(stack[len(stack)-1]) > 0 && stack[len(stack)-1][0] == txscript.TaprootAnnexTag {
		return refuse(ReasonUnmappedWitness) // nobody here signs an annex
	}
	if len(stack) == 0 {
		return refuse(ReasonScriptFails)
	}
	if len(stack) == 1 {
		if _, err := s.verifyTaproot(i, f.lock.outputKey(), stack[0], nil); err != nil {
			return asMergeError(i, err)
		}
		f.keySig = stack[0]
		return nil
	}
	control := stack[len(stack)-1]
	f.leaf = &TapLeaf{ControlBlock: control, Script: stack[len(stack)-2]}
	if len(control) > 0 {
		f.leaf.Version = control[0] &^ 1
	}
	if !leafCommitted(f.lock.outputKey(), *f.leaf) {
		return refuse(ReasonScriptFails)
	}
	return s.dissectLeaf(i, f, stack[:len(stack)-2])
}

func (s *spending) dissectLeaf(i int, f *findings, stack [][]byte) error {
	keys := leafKeys(f.leaf.Script, stack)
	for _, item := range stack {
		if len(item) != 64 && len(item) != 65 {
			f.notePreimage(item, f.leaf.Script)
			continue
		}
		mapped := slices.ContainsFunc(f.leafSigs, func(ts TapScriptSig) bool { return bytes.Equal(ts.Signature, item) })
		for n := 0; n < len(keys) && !mapped; n++ {
			if _, err := s.verifyTaproot(i, keys[n], item, f.leaf); err == nil {
				f.leafSigs = append(f.leafSigs, TapScriptSig{[32]byte(keys[n]), f.leaf.Hash(), item})
				mapped = true
			}
		}
		if !mapped {
			return &MergeError{Reason: ReasonInvalidSignature, Input: i, Output: -1}
		}
	}
	return nil
}

// leafKeys lists the x-only keys of a leaf: pushed in it, or shown on the stack for a hash in it.
func leafKeys(script []byte, stack [][]byte) [][]byte {
	var out [][]byte
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		if len(t.Data()) == 32 {
			out = append(out, t.Data())
		}
	}
	pushes := pushesOf(script)
	for _, item := range stack {
		if len(item) == 32 && pushes[string(address.Hash160(item))] {
			out = append(out, item)
		}
	}
	return out
}

// notePreimage keeps a stack element that is the preimage of a digest in the script.
func (f *findings) notePreimage(item, script []byte) {
	if len(item) != 32 {
		return
	}
	for digest := range pushesOf(script) {
		for _, kind := range preimageKinds {
			p := Preimage{kind, []byte(digest), item}
			if len(digest) == kind.Size() && p.valid() && !f.hasPreimage(p) {
				f.preimages = append(f.preimages, p)
			}
		}
	}
}

func (f *findings) hasPreimage(p Preimage) bool { return hasPreimage(f.preimages, p.Kind, p.Digest) }

func hasPreimage(list []Preimage, kind miniscript.HashKind, digest []byte) bool {
	for _, o := range list {
		if o.Kind == kind && bytes.Equal(o.Digest, digest) {
			return true
		}
	}
	return false
}
