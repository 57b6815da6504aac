package descriptor_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// numsKey is BIP341's point without a private key.
const numsKey = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// testKey is private key number n.
func testKey(n int) *btcec.PrivateKey {
	seed := chainhash.DoubleHashB([]byte{byte(n)})
	k, _ := btcec.PrivKeyFromBytes(seed)
	return k
}

func testWIF(n int) string {
	return base58.CheckEncode(append(testKey(n).Serialize(), 1), 0x80)
}

// withKeys replaces K1, K2… by private keys.
func withKeys(template string) string {
	return keyName.ReplaceAllStringFunc(template, func(name string) string { return testWIF(int(name[1] - '0')) })
}

var keyName = regexp.MustCompile(`\bK[1-9]\b`)

// spender spends an output with the test keys through txscript and miniscript.
type spender struct {
	t      *testing.T
	out    *descriptor.Output
	tx     *wire.MsgTx
	hashes *txscript.TxSigHashes
	prev   txscript.PrevOutputFetcher
	signs  map[int]bool // which keys sign; nil: all
	pad    int          // bytes that the ECDSA signatures lack of 72 each
	older  uint32
}

const spentAmount = 100_000

func newSpender(t *testing.T, out *descriptor.Output, signs map[int]bool, older uint32) *spender {
	tx := wire.NewMsgTx(2)
	in := wire.NewTxIn(&wire.OutPoint{Hash: chainhash.HashH([]byte("coin")), Index: 1}, nil, nil)
	in.Sequence = 0xfffffffd
	if older > 0 {
		in.Sequence = older
	}
	tx.AddTxIn(in)
	tx.AddTxOut(wire.NewTxOut(spentAmount-1000, []byte{0x51}))
	prev := txscript.NewCannedPrevOutputFetcher(out.Script, spentAmount)
	return &spender{t: t, out: out, tx: tx, hashes: txscript.NewTxSigHashes(tx, prev), prev: prev, signs: signs, older: older}
}

// key finds the private key of a public key in hex, x-only or not.
func (s *spender) key(pub string) (*btcec.PrivateKey, bool) {
	for n := 1; n <= 9; n++ {
		k := testKey(n)
		if strings.HasSuffix(hex.EncodeToString(k.PubKey().SerializeCompressed()), pub) {
			return k, s.signs == nil || s.signs[n]
		}
	}
	return nil, false
}

// satisfy makes the witness of a script; sign signs it with one key.
func (s *spender) satisfy(script []byte, ctx miniscript.Context, sign func(k *btcec.PrivateKey) ([]byte, error)) [][]byte {
	s.t.Helper()
	node, err := miniscript.FromScript(script, ctx, s.keyByHash(ctx))
	if err != nil {
		s.t.Fatalf("%x: %v", script, err)
	}
	got, err := node.Satisfy(miniscript.Materials{
		Sign: func(pub string) ([]byte, bool) {
			k, ok := s.key(pub)
			if !ok {
				return nil, false
			}
			sig, err := sign(k)
			if err != nil {
				s.t.Fatal(err)
			}
			return sig, true
		},
		Older: func(n uint32) bool { return s.older >= n },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range got.Stack {
		if ctx == miniscript.WSH && len(e) > 60 && e[0] == 0x30 {
			s.pad += 72 - len(e)
		}
	}
	return got.Stack
}

func (s *spender) keyByHash(ctx miniscript.Context) func([20]byte) ([]byte, bool) {
	return func(h [20]byte) ([]byte, bool) {
		for n := 1; n <= 9; n++ {
			pub := testKey(n).PubKey().SerializeCompressed()
			if ctx == miniscript.Tapscript {
				pub = pub[1:]
			}
			if [20]byte(address.Hash160(pub)) == h {
				return pub, true
			}
		}
		return nil, false
	}
}

func (s *spender) legacy(script []byte) [][]byte {
	return s.satisfy(script, miniscript.WSH, func(k *btcec.PrivateKey) ([]byte, error) {
		return txscript.RawTxInSignature(s.tx, 0, script, txscript.SigHashAll, k)
	})
}

func (s *spender) segwit(script []byte) [][]byte {
	return s.satisfy(script, miniscript.WSH, func(k *btcec.PrivateKey) ([]byte, error) {
		return txscript.RawTxInWitnessSignature(s.tx, s.hashes, 0, spentAmount, script, txscript.SigHashAll, k)
	})
}

// spend fills in scriptSig and witness; leaf chooses a taproot leaf, -1 the key path.
func (s *spender) spend(leaf int) {
	s.t.Helper()
	in, o := s.tx.TxIn[0], s.out
	version, program, segwit := btc.WitnessProgram(o.Script)
	if o.RedeemScript != nil {
		version, program, segwit = btc.WitnessProgram(o.RedeemScript)
	}
	switch {
	case o.Taproot != nil:
		s.spendTaproot(leaf)
	case !segwit:
		script := o.Script
		if o.RedeemScript != nil {
			script = o.RedeemScript
		}
		in.SignatureScript = pushes(s.legacy(script))
	case version == 0 && len(program) == 20:
		code := btc.PayToPubKeyHash(program)
		in.Witness = s.segwit(code)
	default:
		in.Witness = append(s.segwit(o.WitnessScript), o.WitnessScript)
	}
	if o.RedeemScript != nil {
		in.SignatureScript = append(in.SignatureScript, pushes([][]byte{o.RedeemScript})...)
	}
}

func (s *spender) spendTaproot(leaf int) {
	in, tr := s.tx.TxIn[0], s.out.Taproot
	if leaf < 0 {
		k, _ := s.key(hex.EncodeToString(tr.InternalKey[:]))
		sig, err := txscript.RawTxInTaprootSignature(s.tx, s.hashes, 0, spentAmount, s.out.Script, tr.MerkleRoot, txscript.SigHashDefault, k)
		if err != nil {
			s.t.Fatal(err)
		}
		in.Witness = wire.TxWitness{sig}
		return
	}
	l := tr.Leaves[leaf]
	stack := s.satisfy(l.Script, miniscript.Tapscript, func(k *btcec.PrivateKey) ([]byte, error) {
		return txscript.RawTxInTapscriptSignature(s.tx, s.hashes, 0, spentAmount, s.out.Script, txscript.NewBaseTapLeaf(l.Script), txscript.SigHashDefault, k)
	})
	in.Witness = append(stack, l.Script, l.ControlBlock)
}

func pushes(stack [][]byte) []byte {
	var out []byte
	for _, e := range stack {
		switch {
		case len(e) < 76:
			out = append(out, byte(len(e)))
		case len(e) < 256:
			out = append(out, 0x4c, byte(len(e)))
		default:
			out = append(out, 0x4d, byte(len(e)), byte(len(e)>>8))
		}
		out = append(out, e...)
	}
	return out
}

// weight runs the spend through the script engine and returns the input's weight, as it were
// if every ECDSA signature had 72 bytes.
func (s *spender) weight() btc.Weight {
	s.t.Helper()
	vm, err := txscript.NewEngine(s.out.Script, s.tx, 0, txscript.StandardVerifyFlags, nil, s.hashes, spentAmount, s.prev)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := vm.Execute(); err != nil {
		s.t.Fatalf("the spend is refused: %v", err)
	}
	in := s.tx.TxIn[0]
	if len(in.Witness) == 0 {
		size := len(in.SignatureScript) + s.pad
		return btc.Weight(4 * (40 + wire.VarIntSerializeSize(uint64(size)) + size))
	}
	return btc.Weight(4*in.SerializeSize() + in.Witness.SerializeSize() + s.pad)
}

func TestInputWeightsAreWhatSpendsWeigh(t *testing.T) {
	for _, c := range []struct {
		desc   string
		leaf   int
		weight btc.Weight // where the number is known from elsewhere
	}{
		{"pk(K1)", -1, 0},
		{"pkh(K1)", -1, 592},
		{"wpkh(K1)", -1, 272},
		{"sh(wpkh(K1))", -1, 364},
		{"multi(2,K1,K2,K3)", -1, 0},
		{"sh(pkh(K1))", -1, 0},
		{"sh(sortedmulti(2,K1,K2,K3))", -1, 0},
		{"sh(multi(9,K1,K2,K3,K4,K5,K6,K7,K8,K9))", -1, 0},
		{"wsh(pk(K1))", -1, 0},
		{"wsh(pkh(K1))", -1, 0},
		{"wsh(sortedmulti(2,K1,K2,K3))", -1, 418},
		{"wsh(multi(3,K1,K2,K3,K4,K5,K6,K7,K8,K9))", -1, 0},
		{"sh(wsh(multi(2,K1,K2)))", -1, 0},
		{"tr(K1)", -1, 230},
		{"tr(K1,{pk(K2),multi_a(2,K3,K4)})", -1, 230},
		{"tr(NUMS,multi_a(2,K1,K2,K3))", 0, 0},
		{"tr(NUMS,sortedmulti_a(2,K1,K2,K3))", 0, 0},
		{"tr(NUMS,{multi_a(3,K1,K2,K3),pk(K4)})", 1, 0},
		{"tr(NUMS,{{multi_a(2,K2,K3),pk(K1)},multi_a(3,K1,K2,K3)})", 1, 0},
	} {
		t.Run(c.desc, func(t *testing.T) {
			d, err := parsePrivate(t, withKeys(strings.ReplaceAll(c.desc, "NUMS", numsKey)), "main")
			if err != nil {
				t.Fatal(err)
			}
			out, err := d.Derive(0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.MaxInputWeight()
			if err != nil {
				t.Fatal(err)
			}
			plan, err := d.Plan(descriptor.Assets{})
			if err != nil {
				t.Fatal(err)
			}
			s := newSpender(t, out, nil, 0)
			s.spend(c.leaf)
			if want := s.weight(); got != want || c.weight != 0 && got != c.weight || plan.Weight != want || plan.Leaf != c.leaf {
				t.Errorf("MaxInputWeight %d, plan %+v; the spend has %d, the books say %d", got, plan, want, c.weight)
			}
		})
	}
}

// Every path that the assets allow is weighed as it comes out.
func TestPlansWeighTheirPath(t *testing.T) {
	const inherit = "wsh(or_d(pk(K1),and_v(v:multi(2,K2,K3,K4),older(100))))"
	for _, c := range []struct {
		name, desc string
		signs      []int
		older      uint32
		leaf       int
		keys       string // places of the signing keys
	}{
		{"the owner", inherit, []int{1}, 0, -1, "[0]"},
		{"the heirs in time", inherit, []int{2, 4}, 100, -1, "[1 3]"},
		{"two of three", "wsh(sortedmulti(2,K1,K2,K3))", []int{1, 3}, 0, -1, "[0 2]"},
		{"the key path", "tr(K1,pk(K2))", []int{1, 2}, 0, -1, "[0]"},
		{"a leaf instead", "tr(K1,{pk(K2),multi_a(2,K3,K4)})", []int{2, 3}, 0, 0, "[1]"},
		{"the deeper leaf", "tr(K1,{pk(K2),{multi_a(2,K3,K4,K5),pk(K6)}})", []int{3, 5}, 0, 1, "[2 4]"},
		{"a miniscript leaf", "tr(K1,{pk(K2),and_v(v:pkh(K3),older(9))})", []int{3}, 9, 1, "[2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := parsePrivate(t, withKeys(c.desc), "main")
			if err != nil {
				t.Fatal(err)
			}
			out, err := d.Derive(0)
			if err != nil {
				t.Fatal(err)
			}
			signs := make(map[int]bool)
			for _, n := range c.signs {
				signs[n] = true
			}
			plan, err := d.Plan(descriptor.Assets{
				CanSign: func(k descriptor.Key) bool {
					for n := range signs {
						if k.TextPrivate() == testWIF(n) {
							return true
						}
					}
					return false
				},
				Older: func(n uint32) bool { return c.older >= n },
			})
			if err != nil {
				t.Fatal(err)
			}
			s := newSpender(t, out, signs, c.older)
			s.spend(c.leaf)
			if want := s.weight(); plan.Weight != want || plan.Leaf != c.leaf || fmt.Sprint(plan.Keys) != c.keys || plan.Older != c.older {
				t.Errorf("plan %+v; the spend has %d", plan, want)
			}
			worst, err := d.MaxInputWeight()
			if err == nil && d.Type() == "wsh" && worst < plan.Weight {
				t.Errorf("the worst case %d is better than the plan %d", worst, plan.Weight)
			}
		})
	}
}

func TestPlansThatNothingAllows(t *testing.T) {
	nobody := descriptor.Assets{CanSign: func(descriptor.Key) bool { return false }}
	for _, desc := range []string{"wpkh(K1)", "wsh(multi(1,K1,K2))", "tr(K1,pk(K2))", "rawtr(K1)", "wsh(and_v(v:pk(K1),older(5)))", "tr(NUMS)"} {
		a := nobody
		if strings.Contains(desc, "NUMS") || strings.Contains(desc, "older") {
			a = descriptor.Assets{} // everybody signs, and yet
		}
		d, err := parsePrivate(t, withKeys(strings.ReplaceAll(desc, "NUMS", numsKey)), "main")
		if err != nil {
			t.Fatal(err)
		}
		if plan, err := d.Plan(a); errs.CodeOf(err) != errs.NotSatisfiable {
			t.Errorf("%s: %+v (%v)", desc, plan, err)
		}
	}
	d, _ := descriptor.Parse("raw(51)", descriptor.Options{})
	if _, err := d.MaxInputWeight(); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("raw() was weighed (%v)", err)
	}
}
