package miniscript_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"specter/internal/btc"
	"specter/internal/btc/miniscript"
)

const amount = 100_000

// spend is a transaction that spends an output of a miniscript alone.
type spend struct {
	g        *generator
	node     *miniscript.Node
	script   []byte
	pkScript []byte
	control  []byte
	tx       *wire.MsgTx
	fetch    txscript.PrevOutputFetcher
	hashes   *txscript.TxSigHashes
	made     map[string]string // the key of every signature
}

func newSpend(g *generator, n *miniscript.Node, lockTime, sequence uint32) (*spend, error) {
	s := &spend{g: g, node: n, tx: wire.NewMsgTx(2), made: map[string]string{}}
	var err error
	if s.script, err = n.Script(nil); err != nil {
		return nil, err
	}
	if n.Context() == miniscript.Tapscript {
		leaf := txscript.NewBaseTapLeaf(s.script)
		tree := txscript.AssembleTaprootScriptTree(leaf)
		internal := keyPool[len(keyPool)-1].PubKey()
		root := tree.RootNode.TapHash()
		if s.pkScript, err = txscript.PayToTaprootScript(txscript.ComputeTaprootOutputKey(internal, root[:])); err != nil {
			return nil, err
		}
		block := tree.LeafMerkleProofs[0].ToControlBlock(internal)
		if s.control, err = block.ToBytes(); err != nil {
			return nil, err
		}
	} else {
		hash := sha256.Sum256(s.script)
		s.pkScript = btc.WitnessScript(0, hash[:])
	}
	s.tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 1}})
	s.tx.AddTxOut(wire.NewTxOut(amount-1000, btc.WitnessScript(0, make([]byte, 20))))
	s.lock(lockTime, sequence)
	return s, nil
}

// lock sets nLockTime and nSequence, which signatures commit to.
func (s *spend) lock(lockTime, sequence uint32) {
	s.tx.LockTime, s.tx.TxIn[0].Sequence = lockTime, sequence
	s.fetch = txscript.NewCannedPrevOutputFetcher(s.pkScript, amount)
	s.hashes = txscript.NewTxSigHashes(s.tx, s.fetch)
}

// after and older are the rules of BIP65 and BIP112 for this transaction.
func (s *spend) after(n uint32) bool {
	return (n < 500_000_000) == (s.tx.LockTime < 500_000_000) && n <= s.tx.LockTime
}

func (s *spend) older(n uint32) bool {
	const kind, mask = 1 << 22, 0xffff
	have := s.tx.TxIn[0].Sequence
	return have&(1<<31) == 0 && n&kind == have&kind && n&mask <= have&mask
}

func (s *spend) sign(key string) ([]byte, error) {
	sig, err := s.newSignature(key)
	s.made[string(sig)] = key
	return sig, err
}

func (s *spend) newSignature(key string) ([]byte, error) {
	private := s.g.privates[key]
	if s.node.Context() != miniscript.Tapscript {
		return txscript.RawTxInWitnessSignature(s.tx, s.hashes, 0, amount, s.script, txscript.SigHashAll, private)
	}
	kind := []txscript.SigHashType{txscript.SigHashDefault, txscript.SigHashAll}[s.g.IntN(2)]
	return txscript.RawTxInTapscriptSignature(s.tx, s.hashes, 0, amount, s.pkScript, txscript.NewBaseTapLeaf(s.script), kind, private)
}

// run executes a witness with every rule of consensus and relay, and returns the most
// elements that were on the stacks.
func (s *spend) run(stack [][]byte) (peak int, err error) {
	witness := append(append(wire.TxWitness{}, stack...), s.script)
	if s.control != nil {
		witness = append(witness, s.control)
	}
	s.tx.TxIn[0].Witness = witness
	engine, err := txscript.NewEngine(s.pkScript, s.tx, 0, txscript.StandardVerifyFlags, nil, s.hashes, amount, s.fetch)
	if err != nil {
		return 0, err
	}
	peak = len(stack)
	programs := 0
	for done := false; !done; {
		if done, err = engine.Step(); err != nil {
			return peak, err
		}
		// The first steps run the output's own script; what counts begins with the witness.
		if programs++; programs > 2 {
			peak = max(peak, len(engine.GetStack())+len(engine.GetAltStack()))
		}
	}
	return peak, engine.CheckErrorCondition(true)
}

// materials gives what the sets name.
func (s *spend) materials(keys, images map[string]bool) miniscript.Materials {
	return miniscript.Materials{
		Sign: func(key string) ([]byte, bool) {
			if !keys[key] {
				return nil, false
			}
			sig, err := s.sign(key)
			return sig, err == nil
		},
		Preimage: func(kind miniscript.HashKind, digest []byte) ([]byte, bool) {
			id := fmt.Sprintf("%s:%x", kind, digest)
			return s.g.images[id], images[id]
		},
		After: s.after,
		Older: s.older,
	}
}

func TestRandomMiniscriptsAreSpentAsPromised(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, ctx := range []miniscript.Context{miniscript.WSH, miniscript.Tapscript} {
		t.Run(ctx.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(ctx)))
			spent := 0
			for i := range rounds {
				g := newGenerator(r, ctx)
				n := g.sane(1 + r.IntN(5))
				did, err := spendInMostWays(g, n)
				if err != nil {
					t.Fatalf("round %d of seed %d: %s: %v", i, seed, n, err)
				}
				spent += did
			}
			t.Logf("%d miniscripts, %d witnesses accepted", rounds, spent)
			if spent < rounds {
				t.Errorf("only %d of %d miniscripts were spent: the test tests little", spent, rounds)
			}
		})
	}
}

var (
	lockTimes = []uint32{0, 1, 99, 800_000, 499_999_999, 500_000_000, 1_700_000_000, 1<<31 - 1}
	sequences = []uint32{0, 1, 143, 65535, 4194305, 1<<22 | 0xffff, 1<<32 - 2}
)

// spendInMostWays checks a miniscript with everything at hand and with random parts of it,
// and then every witness that the enumeration knows. It returns how many were accepted.
func spendInMostWays(g *generator, n *miniscript.Node) (int, error) {
	all, err := newSpend(g, n, 0, 0)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(checkScript(n, true), checkOps(n, all.script)); err != nil {
		return 0, err
	}
	ways, err := n.Enumerate(miniscript.Search{Limit: 400})
	enumerated := err == nil
	accepted := 0
	for range 4 {
		all.lock(lockTimes[g.IntN(len(lockTimes))], sequences[g.IntN(len(sequences))])
		ok, err := all.satisfy(ways, enumerated)
		if err != nil {
			return 0, fmt.Errorf("locktime %d, sequence %d: %w", all.tx.LockTime, all.tx.TxIn[0].Sequence, err)
		}
		if ok {
			accepted++
		}
	}
	for i, w := range append(ways.NonMalleable, ways.Malleable...) {
		if i == 12 {
			break
		}
		if err := all.runSolution(w); err != nil {
			return 0, fmt.Errorf("%s (locktime %d, sequence %d): %w", w.ASM(), w.LockTime, w.Sequence, err)
		}
		accepted++
	}
	return accepted, nil
}

// checkOps counts the opcodes above OP_16 in the script.
func checkOps(n *miniscript.Node, script []byte) error {
	count := 0
	for tok := txscript.MakeScriptTokenizer(0, script); tok.Next(); {
		if tok.Opcode() > txscript.OP_16 {
			count++
		}
	}
	if want := miniscript.StaticOps(n); count != want {
		return fmt.Errorf("the script has %d opcodes, promised were %d", count, want)
	}
	return nil
}

// satisfy satisfies with a random part of the keys and preimages and holds the witness
// against the promised bounds, the plan, the engine and the enumeration.
func (s *spend) satisfy(ways miniscript.Enumeration, enumerated bool) (bool, error) {
	keys, images := map[string]bool{}, map[string]bool{}
	few := s.g.IntN(3) // 0: all of them
	for key := range s.g.privates {
		keys[key] = few == 0 || s.g.IntN(3) > 0
	}
	for id := range s.g.images {
		images[id] = few == 0 || s.g.IntN(2) > 0
	}
	assets := miniscript.Assets{
		CanSign: func(key string) bool { return keys[key] },
		HavePreimage: func(kind miniscript.HashKind, digest []byte) bool {
			return images[fmt.Sprintf("%s:%x", kind, digest)]
		},
		After: s.after, Older: s.older, SchnorrSize: 65,
	}
	if err := miniscript.CheckOffers(s.node, assets); err != nil {
		return false, err
	}
	got, err := s.node.Satisfy(s.materials(keys, images))
	plan, planErr := s.node.Plan(assets)
	if (err == nil) != (planErr == nil) {
		return false, fmt.Errorf("satisfy says %v, plan says %v", err, planErr)
	}
	usable := s.usable(ways, keys, images)
	if err != nil {
		if enumerated && len(usable) > 0 {
			return false, fmt.Errorf("%v, but %s would do", err, usable[0].ASM())
		}
		return false, nil
	}
	if err := s.checkWitness(got, plan); err != nil {
		return false, err
	}
	if enumerated {
		return true, s.checkStranger(got, usable)
	}
	return true, nil
}

// usable lists the ways that need no more than there is in this transaction.
func (s *spend) usable(ways miniscript.Enumeration, keys, images map[string]bool) []miniscript.Solution {
	var out []miniscript.Solution
next:
	for _, w := range append(ways.NonMalleable, ways.Malleable...) {
		if w.LockTime != 0 && !s.after(w.LockTime) || w.Sequence != 0 && !s.older(w.Sequence) {
			continue
		}
		for _, e := range w.Elements {
			if e.Kind == miniscript.ElementSignature && !keys[e.Key] ||
				e.Kind == miniscript.ElementPreimage && !images[fmt.Sprintf("%s:%x", e.Hash.Kind, e.Hash.Digest)] {
				continue next
			}
		}
		out = append(out, w)
	}
	return out
}

func (s *spend) checkWitness(got miniscript.Satisfaction, plan miniscript.Plan) error {
	elements, size, ok := s.node.MaxSatisfaction()
	bytes := 0
	for _, e := range got.Stack {
		bytes += 1 + len(e)
	}
	if !ok || len(got.Stack) > elements || bytes > size {
		return fmt.Errorf("witness of %d elements and %d bytes, promised were at most %d and %d", len(got.Stack), bytes, elements, size)
	}
	if got.Malleable || !got.Signed {
		return errors.New("a malleable or unsigned witness was given")
	}
	if bytes > plan.Size {
		return fmt.Errorf("witness of %d bytes, planned were %d", bytes, plan.Size)
	}
	if got.After != 0 && !s.after(got.After) || got.Older != 0 && !s.older(got.Older) {
		return errors.New("the witness asks for more time than there is")
	}
	peak, err := s.run(got.Stack)
	if err != nil {
		return fmt.Errorf("the engine refuses %x: %w", got.Stack, err)
	}
	if most := s.node.MaxExecStack(); peak > most {
		return fmt.Errorf("%d elements on the stack, promised were at most %d", peak, most)
	}
	return nil
}

// checkStranger makes sure that nobody can build another witness of the signatures in this
// one, of all preimages at hand and of any other bytes.
func (s *spend) checkStranger(got miniscript.Satisfaction, usable []miniscript.Solution) error {
	shown := map[string]bool{}
	for _, e := range got.Stack {
		if key, ok := s.made[string(e)]; ok {
			shown[key] = true
		}
	}
	var other []string
next:
	for _, w := range usable {
		for _, e := range w.Elements {
			if e.Kind == miniscript.ElementSignature && !shown[e.Key] {
				continue next
			}
		}
		other = append(other, w.ASM())
	}
	if len(other) != 1 {
		return fmt.Errorf("of the signatures in the witness, %d witnesses can be built: %q", len(other), other)
	}
	return nil
}

// runSolution fills in a way of the enumeration and runs it in a transaction with exactly the
// locks that it asks for.
func (s *spend) runSolution(w miniscript.Solution) error {
	s.lock(w.LockTime, w.Sequence)
	var stack [][]byte
	for _, e := range w.Elements {
		switch e.Kind {
		case miniscript.ElementZero:
			stack = append(stack, nil)
		case miniscript.ElementOne:
			stack = append(stack, []byte{1})
		case miniscript.ElementPubKey:
			private := s.g.privates[e.Key].PubKey().SerializeCompressed()
			stack = append(stack, private[33-len(e.Key)/2:])
		case miniscript.ElementAnything:
			stack = append(stack, make([]byte, 32))
		case miniscript.ElementPreimage:
			stack = append(stack, s.g.images[fmt.Sprintf("%s:%x", e.Hash.Kind, e.Hash.Digest)])
		case miniscript.ElementSignature:
			sig, err := s.sign(e.Key)
			if err != nil {
				return err
			}
			stack = append(stack, sig)
		}
	}
	_, err := s.run(stack)
	return err
}
