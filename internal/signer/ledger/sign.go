package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// maxInputs is the app's limit.
const maxInputs = 512

// Sign signs with the wallet's keys, or, where the wallet is zero, with the keys of this device
// in all wallets that the PSBT tells of: each is a question of its own on the device.
func (s *session) Sign(ctx context.Context, w signer.Wallet, r signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if len(tx.Inputs) > maxInputs || len(tx.Outputs) > maxInputs {
		return nil, signer.E(signer.CodeBadTransaction, "a Ledger signs transactions of at most %d inputs and outputs", maxInputs)
	}
	passes, err := s.passes(ctx, w, r, tx)
	if err != nil {
		return nil, err
	}
	maps, err := read(tx)
	if err != nil {
		return nil, err
	}
	out := tx.Clone()
	for _, p := range passes {
		yielded, err := s.pass(ctx, p, maps)
		if err != nil {
			return nil, err
		}
		for _, y := range yielded {
			if err := add(out, y); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// onePass is a policy to sign for, and the device's proof of it.
type onePass struct {
	policy *policy
	proof  hash
}

// passes lists the policies in the order legacy, nested segwit, segwit, taproot.
func (s *session) passes(ctx context.Context, w signer.Wallet, r signer.Registration, tx *psbt.Packet) ([]onePass, error) {
	if w.Descriptor != nil {
		p, proof, err := s.choose(w, r)
		return []onePass{{p, proof}}, err
	}
	known, err := s.withAccounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	spends, err := signer.WalletsOf(known, s.info.Fingerprint, s.o.Network.IsMain())
	if err != nil {
		return nil, err
	}
	if len(spends) == 0 {
		return nil, signer.E(signer.CodeBadTransaction, "the transaction names no key of this Ledger (%s); take a PSBT with key origins", s.info.Fingerprint)
	}
	var out []onePass
	for _, spend := range spends {
		p, proof, err := s.choose(spend.Wallet, signer.Registration{})
		if signer.CodeOf(err) == signer.CodeNotRegistered && err != nil {
			var made signer.Registration
			if made, err = s.Register(ctx, spend.Wallet); err == nil {
				p, proof, err = s.choose(spend.Wallet, made)
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, onePass{p, proof})
	}
	slices.SortStableFunc(out, func(a, b onePass) int { return a.policy.priority - b.policy.priority })
	return out, nil
}

// withAccounts adds the extended keys of the standard accounts whose keys the inputs name: a
// PSBT of a single key need not tell them, and the device knows them.
func (s *session) withAccounts(ctx context.Context, tx *psbt.Packet) (*psbt.Packet, error) {
	out := tx.Clone()
	have := map[string]bool{}
	for _, x := range tx.XPubs {
		if x.Origin.Fingerprint == s.info.Fingerprint {
			have[x.Origin.Path.String()] = true
		}
	}
	for i := range tx.Inputs {
		for _, path := range s.paths(&tx.Inputs[i]) {
			if !singleAccount(path, s.o.Network) || have[path[:3].String()] {
				continue
			}
			have[path[:3].String()] = true
			key, err := s.XPub(ctx, path[:3])
			if err != nil {
				return nil, err
			}
			if key.Depth != 3 || key.ChildIndex != path[2] {
				return nil, signer.E(signer.CodeUnknown, "the Ledger gave another key than the one at %s; do not use it", path[:3].Full())
			}
			if err := out.AddXPub(key, btc.KeyOrigin{Fingerprint: s.info.Fingerprint, Path: path[:3]}); err != nil {
				return nil, signer.E(signer.CodeBadTransaction, "the PSBT's keys contradict the Ledger's: %w", err)
			}
		}
	}
	return out, nil
}

// paths lists those of an input's keys that are the device's.
func (s *session) paths(in *psbt.Input) []btc.Path {
	var out []btc.Path
	for _, d := range in.Derivations {
		if d.Origin.Fingerprint == s.info.Fingerprint {
			out = append(out, d.Origin.Path)
		}
	}
	for _, d := range in.TapDerivations {
		if d.Origin.Fingerprint == s.info.Fingerprint {
			out = append(out, d.Origin.Path)
		}
	}
	return out
}

func singleAccount(p btc.Path, n btc.Network) bool {
	if len(p) != 5 || p[1] != btc.Hardened+n.CoinType() || p[2] < btc.Hardened || p[2] > btc.Hardened+100 {
		return false
	}
	return slices.Contains([]uint32{44, 49, 84, 86}, p[0]-btc.Hardened)
}

// pass asks the device to sign for one policy.
func (s *session) pass(ctx context.Context, p onePass, m *maps) ([]result, error) {
	c := p.policy.clerk()
	c.addMap(m.global)
	inputs, outputs := commitments(c, m.inputs), commitments(c, m.outputs)
	c.budget(len(inputs), len(outputs), 64*len(inputs))
	inRoot, outRoot, id := c.addList(inputs), c.addList(outputs), p.policy.id()
	data := slices.Concat(commitment(m.global), compactSize(len(inputs)), inRoot[:], compactSize(len(outputs)), outRoot[:], id[:], p.proof[:])
	s.o.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	detail, sw, err := s.ask(ctx, insSign, data, c, "the signature")
	if err != nil {
		return nil, err
	}
	if sw != swOK {
		return nil, signFault(sw, detail)
	}
	var out []result
	for _, y := range c.yielded {
		r, err := parseYield(y, len(inputs))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, signer.E(signer.CodeBadTransaction, "the Ledger found nothing to sign in the transaction")
	}
	return out, nil
}

func commitments(c *clerk, list [][]pair) [][]byte {
	out := make([][]byte, len(list))
	for i, m := range list {
		c.addMap(m)
		out[i] = commitment(m)
	}
	return out
}

// signReasons are the app's numbers behind status 6a80 and 6a82 of SIGN_PSBT (from 2.3 on).
var signReasons = map[uint16]string{
	0x0000: "the wallet must be registered on the Ledger first",
	0x0002: "none of the wallet's keys is this Ledger's",
	0x0003: "an input does not tell the coin it spends",
	0x0004: "the previous transaction of an input is not the one it spends from",
	0x0005: "an input tells its coin in two ways that differ",
	0x0006: "a legacy input lacks its previous transaction",
	0x0007: "a segwit input does not tell the coin it spends",
	0x0008: "an input signs for an output that is not there (SIGHASH_SINGLE)",
	0x0009: "it has more than ten change outputs",
	0x000a: "a witness script is not the wallet's",
	0x000b: "a redeem script is not the wallet's",
	0x000c: "the wallet has too many keys of this Ledger",
}

func signFault(sw uint16, detail []byte) error {
	if sw != swBadData && sw != swUnsupported {
		return fault(sw, "the signature")
	}
	if len(detail) == 2 {
		if reason, ok := signReasons[binary.BigEndian.Uint16(detail)]; ok {
			if code := binary.BigEndian.Uint16(detail); code == 0 {
				return errUnregistered()
			}
			return signer.E(signer.CodeBadTransaction, "the Ledger does not sign this transaction: %s", reason)
		}
	}
	if sw == swUnsupported {
		return signer.E(signer.CodeBadTransaction, "the Ledger does not sign this transaction: it has an output, a signature type or a size that the Bitcoin app does not support")
	}
	return signer.E(signer.CodeBadTransaction, "the Ledger does not sign this transaction: it found no input of the wallet, or what the PSBT says of one does not fit")
}

// result is one signature.
type result struct {
	input  int
	pubkey []byte // 33, or 32 in taproot
	leaf   []byte // 32 for a leaf, nil else
	sig    []byte
}

// parseYield reads <input> <length> <key, and leaf hash> <signature>; nothing else is a result.
func parseYield(b []byte, inputs int) (result, error) {
	n, rest, ok := readSize(b)
	if ok && n > 0xffff {
		return result{}, signer.E(signer.CodeUnavailable, "the Ledger answers with a step of MuSig2, which this program does not sign with a Ledger")
	}
	if !ok || n >= uint64(inputs) || len(rest) < 1 || len(rest) < 1+int(rest[0]) {
		return result{}, malformed("a signature for no input")
	}
	r := result{input: int(n), pubkey: rest[1 : 1+rest[0]], sig: rest[1+rest[0]:]}
	switch {
	case len(r.pubkey) == 33 && len(r.sig) >= 9 && len(r.sig) <= 73 && r.sig[0] == 0x30:
	case len(r.pubkey) == 32 && (len(r.sig) == 64 || len(r.sig) == 65):
	case len(r.pubkey) == 64 && (len(r.sig) == 64 || len(r.sig) == 65):
		r.pubkey, r.leaf = r.pubkey[:32], r.pubkey[32:]
	default:
		return result{}, malformed("a signature of %d bytes by a key of %d", len(r.sig), len(r.pubkey))
	}
	return r, nil
}

// add puts a signature into its place. One that the packet had stays.
func add(tx *psbt.Packet, r result) error {
	in := &tx.Inputs[r.input]
	coin, err := tx.PrevOut(r.input)
	if err != nil {
		return signer.E(signer.CodeBadTransaction, "input %d: %w", r.input, err)
	}
	version, program, segwit := btc.WitnessProgram(coin.PkScript)
	taproot := segwit && version == 1 && len(program) == 32
	foreign := signer.E(signer.CodeUnknown, "the Ledger signed input %d with a key that is not the input's; nothing was taken over", r.input)
	switch {
	case taproot != (len(r.pubkey) == 32):
		return foreign
	case !taproot:
		if !slices.ContainsFunc(in.Derivations, func(d psbt.Derivation) bool { return bytes.Equal(d.PubKey, r.pubkey) }) {
			return foreign
		}
		if !slices.ContainsFunc(in.PartialSigs, func(p psbt.PartialSig) bool { return bytes.Equal(p.PubKey, r.pubkey) }) {
			in.PartialSigs = append(slices.Clip(in.PartialSigs), psbt.PartialSig{PubKey: r.pubkey, Signature: r.sig})
		}
	case r.leaf == nil:
		if !bytes.Equal(program, r.pubkey) && !bytes.Equal(in.TapInternalKey, r.pubkey) {
			return foreign
		}
		if in.TapKeySig == nil {
			in.TapKeySig = r.sig
		}
	default:
		if !slices.ContainsFunc(in.TapDerivations, func(d psbt.TapDerivation) bool { return bytes.Equal(d.XOnly[:], r.pubkey) }) {
			return foreign
		}
		s := psbt.TapScriptSig{XOnly: [32]byte(r.pubkey), LeafHash: hash(r.leaf), Signature: r.sig}
		if !slices.ContainsFunc(in.TapScriptSigs, func(t psbt.TapScriptSig) bool { return t.XOnly == s.XOnly && t.LeafHash == s.LeafHash }) {
			in.TapScriptSigs = append(slices.Clip(in.TapScriptSigs), s)
		}
	}
	return nil
}

// maps are those of a PSBT as the device reads them.
type maps struct {
	global  []pair
	inputs  [][]pair
	outputs [][]pair
}

// read makes the maps of a version 2 PSBT for the app. It takes the fallback locktime as the
// transaction's (its source says so), wants the coin of segwit inputs in their witness UTXO and
// that of legacy inputs only in the previous transaction; what it does not read is left out, for
// each field costs several questions over a slow line.
func read(tx *psbt.Packet) (*maps, error) {
	bad := func(err error) error {
		return signer.E(signer.CodeBadTransaction, "the PSBT cannot be signed: %w", err)
	}
	lock, err := tx.LockTime()
	if err != nil {
		return nil, bad(err)
	}
	p, err := tx.Convert(2)
	if err != nil {
		return nil, bad(err)
	}
	p = p.Clone()
	p.FallbackLockTime, p.XPubs, p.Unknown, p.Modifiable = lock, nil, nil, nil
	for i := range p.Inputs {
		if err := trim(p, i); err != nil {
			return nil, err
		}
	}
	for i := range p.Outputs {
		p.Outputs[i].Unknown, p.Outputs[i].MuSig2Participants = nil, nil
	}
	raw, err := p.Serialize()
	if err != nil {
		return nil, bad(err)
	}
	return split(raw, len(p.Inputs), len(p.Outputs))
}

// trim readies one input.
func trim(p *psbt.Packet, i int) error {
	in := &p.Inputs[i]
	coin, err := p.PrevOut(i)
	if err != nil {
		return signer.E(signer.CodeBadTransaction, "input %d does not tell the coin it spends; a Ledger needs that of every input: %w", i, err)
	}
	if segwit(coin, in) {
		in.WitnessUTXO = coin
	} else {
		in.WitnessUTXO = nil
		if in.NonWitnessUTXO == nil {
			return signer.E(signer.CodeBadTransaction, "input %d is a legacy one without its previous transaction, which a Ledger wants to see", i)
		}
	}
	in.PartialSigs, in.TapKeySig, in.TapScriptSigs = nil, nil, nil
	in.FinalScriptSig, in.FinalScriptWitness = nil, nil
	in.MuSig2Participants, in.MuSig2Nonces, in.MuSig2PartialSigs = nil, nil, nil
	in.RequiredHeight, in.RequiredTime = 0, 0 // said by the fallback locktime now
	in.Unknown, in.ReserveProof, in.Preimages = nil, nil, nil
	return nil
}

// segwit reports whether a coin is spent with a witness.
func segwit(coin *wire.TxOut, in *psbt.Input) bool {
	if _, _, ok := btc.WitnessProgram(coin.PkScript); ok {
		return true
	}
	_, _, ok := btc.WitnessProgram(in.RedeemScript)
	return ok
}

// split takes a serialised PSBT apart.
func split(raw []byte, inputs, outputs int) (*maps, error) {
	rest := raw[len("psbt\xff"):]
	next := func() (m []pair, err error) {
		for {
			var key, value []byte
			if key, rest, err = chunk(rest); err != nil || len(key) == 0 {
				return m, err
			}
			if value, rest, err = chunk(rest); err != nil {
				return nil, err
			}
			m = append(m, pair{key, value})
		}
	}
	out := &maps{}
	var err error
	if out.global, err = next(); err != nil {
		return nil, err
	}
	for i := range inputs + outputs {
		m, err := next()
		if err != nil {
			return nil, err
		}
		if i < inputs {
			out.inputs = append(out.inputs, m)
		} else {
			out.outputs = append(out.outputs, m)
		}
	}
	return out, nil
}

func chunk(b []byte) (piece, rest []byte, err error) {
	n, rest, ok := readSize(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, signer.E(signer.CodeBadTransaction, "the PSBT breaks off")
	}
	return rest[:n], rest[n:], nil
}
