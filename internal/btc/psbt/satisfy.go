package psbt

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// solution is what opens the coin of an input.
type solution struct {
	scriptSig []byte         // nil: none
	witness   wire.TxWitness // nil: none
}

// weight returns the weight units of the solution beyond an input's outpoint, sequence and
// empty scriptSig. A witness that is absent counts as the zero byte that stands for it.
func (s solution) weight() int {
	w := 4 * (compactSizeLen(len(s.scriptSig)) - 1 + len(s.scriptSig))
	return w + s.witness.SerializeSize()
}

// material is what can be used to satisfy an input: verified signatures and preimages.
type material struct {
	list      []Signature       // all signatures, with what is wrong with them
	sigs      map[string][]byte // ECDSA, by public key
	keySig    []byte
	leafSigs  map[[32]byte]map[string][]byte // Schnorr, by leaf and x-only key
	preimages map[string][]byte
	fault     error // the first signature that could not be used
}

// material collects the signatures that verify and have the sighash type that is asked for.
func (s *spending) material(i int) *material {
	in := &s.p.Inputs[i]
	m := &material{sigs: map[string][]byte{}, leafSigs: map[[32]byte]map[string][]byte{}, preimages: map[string][]byte{}}
	m.list = s.signatures(i)
	for n := range m.list {
		sig := &m.list[n]
		if sig.Err == nil && in.SighashType != nil && !sighashAllowed(in, sig.Sighash, s.isTaproot(i)) {
			sig.Err = &SignatureError{Input: i, PubKey: sig.PubKey, Reason: ReasonSighash}
		}
		switch {
		case sig.Err != nil:
			if m.fault == nil {
				m.fault = sig.Err
			}
		case sig.LeafHash != nil:
			leaf := [32]byte(sig.LeafHash)
			if m.leafSigs[leaf] == nil {
				m.leafSigs[leaf] = map[string][]byte{}
			}
			m.leafSigs[leaf][string(sig.PubKey)] = sig.Signature
		case len(sig.PubKey) == 32:
			m.keySig = sig.Signature
		default:
			m.sigs[string(sig.PubKey)] = sig.Signature
		}
	}
	for _, p := range in.Preimages {
		if p.valid() {
			m.preimages[p.Kind.String()+string(p.Digest)] = p.Value
		}
	}
	return m
}

func (m *material) preimage(kind miniscript.HashKind, digest []byte) ([]byte, bool) {
	v, ok := m.preimages[kind.String()+string(digest)]
	return v, ok
}

// errUnsatisfied says that an input cannot be finalized yet, and which signature was no use.
func errUnsatisfied(i int, m *material) error {
	if m.fault != nil {
		return errs.Bad(errs.Incomplete, "input %d is not signed enough, and a signature of it cannot be used: %w", i, m.fault)
	}
	return errs.Bad(errs.Incomplete, "input %d is not signed enough", i)
}

// satisfy makes the final scripts of input i from verified signatures, the cheapest that no
// stranger can change. Code incomplete where that is not possible yet.
func (s *spending) satisfy(i int) (solution, error) {
	l, err := s.lock(i)
	if err != nil {
		return solution{}, err
	}
	return s.satisfyWith(i, l, s.material(i))
}

func (s *spending) satisfyWith(i int, l *lock, m *material) (solution, error) {
	var stack [][]byte
	var err error
	switch l.kind {
	case lockPubKey:
		stack, err = m.single(i, l.script[1:len(l.script)-1], false)
	case lockPubKeyHash:
		stack, err = m.single(i, m.keyOfHash(l.script[3:23]), true)
	case lockWitnessKey:
		stack, err = m.single(i, m.keyOfHash(l.script[3:23]), true)
	case lockScript, lockWitnessScript:
		stack, err = s.satisfyScript(i, l, m)
	case lockTaproot:
		return s.satisfyTaproot(i, m)
	default:
		err = errs.Bad(errs.Unsupported, "input %d spends a kind of coin that is not known", i)
	}
	if err != nil {
		return solution{}, err
	}
	return l.wrap(stack), nil
}

func (m *material) single(i int, pub []byte, withKey bool) ([][]byte, error) {
	sig := m.sigs[string(pub)]
	if sig == nil {
		return nil, errUnsatisfied(i, m)
	}
	if withKey {
		return [][]byte{sig, pub}, nil
	}
	return [][]byte{sig}, nil
}

// keyOfHash finds the key of a hash among those that signed.
func (m *material) keyOfHash(hash []byte) []byte {
	for pub := range m.sigs {
		if bytes.Equal(address.Hash160([]byte(pub)), hash) {
			return []byte(pub)
		}
	}
	return nil
}

// wrap puts what satisfies the executed script where it belongs.
func (l *lock) wrap(stack [][]byte) solution {
	var sol solution
	switch l.kind {
	case lockWitnessKey:
		sol.witness = stack
	case lockWitnessScript:
		sol.witness = append(stack, l.script)
	default:
		if l.redeem != nil {
			stack = append(stack, l.redeem)
		}
		sol.scriptSig = pushAll(stack)
		return sol
	}
	if l.redeem != nil {
		sol.scriptSig = pushAll([][]byte{l.redeem})
	}
	return sol
}

// pushAll makes a scriptSig of minimal pushes.
func pushAll(items [][]byte) []byte {
	b := txscript.NewScriptBuilder()
	for _, item := range items {
		b.AddFullData(item)
	}
	script, _ := b.Script() // fails above 10,000 bytes alone; the engine would refuse it
	return nonNil(script)
}

func (s *spending) satisfyScript(i int, l *lock, m *material) ([][]byte, error) {
	if ms, ok := parseMultisig(l.script); ok {
		return m.multisig(i, ms)
	}
	if l.kind == lockScript {
		return nil, errs.Bad(errs.Unsupported, "input %d has a legacy script that is neither multisig nor a single key; it cannot be finalized here", i)
	}
	node, err := s.node(i, l.script, miniscript.WSH)
	if err != nil {
		return nil, err
	}
	sat, err := node.Satisfy(s.materials(i, m, func(key string) []byte { return m.sigs[unhex(key)] }))
	if err != nil {
		return nil, unsatisfied(i, m, err)
	}
	return sat.Stack, nil
}

func unsatisfied(i int, m *material, err error) error {
	if errs.CodeOf(err) == errs.NotSatisfiable {
		return errUnsatisfied(i, m)
	}
	return errs.Bad(errs.CodeOf(err), "input %d: %w", i, err)
}

func unhex(key string) string {
	b, _ := hex.DecodeString(key) // the keys of a decoded script are hex
	return string(b)
}

// multisig takes the first signatures in the order of the keys, and not one more than needed.
func (m *material) multisig(i int, ms multisig) ([][]byte, error) {
	stack := [][]byte{{}}
	for _, key := range ms.keys {
		if sig := m.sigs[string(key)]; sig != nil && len(stack) <= ms.need {
			stack = append(stack, sig)
		}
	}
	if len(stack) != ms.need+1 {
		return nil, errUnsatisfied(i, m)
	}
	return stack, nil
}

// node reads the miniscript of a script; keys behind hashes are looked for among what the
// input knows.
func (s *spending) node(i int, script []byte, ctx miniscript.Context) (*miniscript.Node, error) {
	in := &s.p.Inputs[i]
	node, err := miniscript.FromScript(script, ctx, byHash(func() [][]byte { return in.knownKeys(ctx) }))
	if err != nil {
		return nil, errs.Bad(errs.CodeOf(err), "the script of input %d is not understood: %w", i, err)
	}
	return node, nil
}

// knownKeys lists the public keys that the input names, in the form of a context.
func (in *Input) knownKeys(ctx miniscript.Context) [][]byte {
	var out [][]byte
	if ctx == miniscript.Tapscript {
		for i := range in.TapDerivations {
			out = append(out, in.TapDerivations[i].XOnly[:])
		}
		for i := range in.TapScriptSigs {
			out = append(out, in.TapScriptSigs[i].XOnly[:])
		}
		return out
	}
	for i := range in.Derivations {
		out = append(out, in.Derivations[i].PubKey)
	}
	for i := range in.PartialSigs {
		out = append(out, in.PartialSigs[i].PubKey)
	}
	return out
}

func (s *spending) materials(i int, m *material, sig func(key string) []byte) miniscript.Materials {
	return miniscript.Materials{
		Sign: func(key string) ([]byte, bool) {
			b := sig(key)
			return b, b != nil
		},
		Preimage: m.preimage,
		After:    func(n uint32) bool { return s.after(i, n) },
		Older:    func(n uint32) bool { return s.older(i, n) },
	}
}

// after reports whether input i can satisfy OP_CHECKLOCKTIMEVERIFY n (BIP65).
func (s *spending) after(i int, n uint32) bool {
	lock := s.tx.LockTime
	return (n < lockTimeThreshold) == (lock < lockTimeThreshold) && n <= lock && s.tx.TxIn[i].Sequence != finalSequence
}

// older reports whether input i can satisfy OP_CHECKSEQUENCEVERIFY n (BIP68, BIP112).
func (s *spending) older(i int, n uint32) bool {
	seq := s.tx.TxIn[i].Sequence
	if uint32(s.tx.Version) < 2 || seq&wire.SequenceLockTimeDisabled != 0 {
		return false
	}
	const kind = wire.SequenceLockTimeIsSeconds
	return n&kind == seq&kind && n&wire.SequenceLockTimeMask <= seq&wire.SequenceLockTimeMask
}

// satisfyTaproot takes the key path if it is signed, else the cheapest leaf.
func (s *spending) satisfyTaproot(i int, m *material) (solution, error) {
	if m.keySig != nil {
		return solution{witness: wire.TxWitness{m.keySig}}, nil
	}
	var best *solution
	var fault error
	known, _ := s.leaves(i)
	for _, leaf := range known {
		sol, err := s.satisfyLeaf(i, m, leaf)
		if err != nil {
			if fault == nil || errs.CodeOf(fault) == errs.Incomplete {
				fault = err
			}
			continue
		}
		if best == nil || sol.weight() < best.weight() {
			best = &sol
		}
	}
	switch {
	case best != nil:
		return *best, nil
	case fault != nil:
		return solution{}, fault
	}
	return solution{}, errUnsatisfied(i, m)
}

func (s *spending) satisfyLeaf(i int, m *material, leaf *knownLeaf) (solution, error) {
	sigs := m.leafSigs[leaf.hash]
	if leaf.Version != byte(txscript.BaseLeafVersion) || len(sigs) == 0 {
		return solution{}, errUnsatisfied(i, m)
	}
	node, err := s.node(i, leaf.Script, miniscript.Tapscript)
	if err != nil {
		return solution{}, err
	}
	sat, err := node.Satisfy(s.materials(i, m, func(key string) []byte { return sigs[unhex(key)] }))
	if err != nil {
		return solution{}, unsatisfied(i, m, err)
	}
	return solution{witness: append(slices.Clone(sat.Stack), leaf.Script, leaf.ControlBlock)}, nil
}

// tapInternalFits reports whether the internal key and merkle root give the output key.
func (in *Input) tapInternalFits(outputKey []byte) bool {
	pub, err := schnorr.ParsePubKey(in.TapInternalKey)
	if err != nil {
		return false
	}
	out := txscript.ComputeTaprootOutputKey(pub, in.TapMerkleRoot)
	return bytes.Equal(schnorr.SerializePubKey(out), outputKey)
}
