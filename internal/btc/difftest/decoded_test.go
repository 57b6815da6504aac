package difftest_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

// decoded is what we compare of decodepsbt.
type decoded struct {
	Tx struct {
		TxID     string
		Version  int32
		LockTime uint32
	}
	Unknown map[string]string
	Fee     json.Number
	Inputs  []decodedInput
	Outputs []decodedOutput
}

type decodedInput struct {
	PartialSigs   map[string]string `json:"partial_signatures"`
	Sighash       string
	RedeemScript  struct{ Hex string } `json:"redeem_script"`
	WitnessScript struct{ Hex string } `json:"witness_script"`
	Derivations   []decodedOrigin      `json:"bip32_derivs"`
	KeySig        string               `json:"taproot_key_path_sig"`
	LeafSigs      []decodedLeafSig     `json:"taproot_script_path_sigs"`
	Leaves        []decodedLeaf        `json:"taproot_scripts"`
	TapOrigins    []decodedOrigin      `json:"taproot_bip32_derivs"`
	InternalKey   string               `json:"taproot_internal_key"`
	MerkleRoot    string               `json:"taproot_merkle_root"`
}

type decodedOutput struct {
	RedeemScript  struct{ Hex string } `json:"redeem_script"`
	WitnessScript struct{ Hex string } `json:"witness_script"`
	Derivations   []decodedOrigin      `json:"bip32_derivs"`
	TapOrigins    []decodedOrigin      `json:"taproot_bip32_derivs"`
	InternalKey   string               `json:"taproot_internal_key"`
	Tree          []decodedTreeLeaf    `json:"taproot_tree"`
}

type decodedTreeLeaf struct {
	Depth   int
	Version int `json:"leaf_ver"`
	Script  string
}

type decodedOrigin struct {
	PubKey, Fingerprint, Path string
	LeafHashes                []string
}

// UnmarshalJSON reads an origin under any of the names the node has for it, with h for '.
func (o *decodedOrigin) UnmarshalJSON(b []byte) error {
	var v struct {
		PubKey      string
		Fingerprint string   `json:"master_fingerprint"`
		Path        string   `json:"path"`
		LeafHashes  []string `json:"leaf_hashes"`
	}
	err := json.Unmarshal(b, &v)
	*o = decodedOrigin{v.PubKey, v.Fingerprint, strings.ReplaceAll(v.Path, "'", "h"), v.LeafHashes}
	return err
}

type decodedLeafSig struct {
	PubKey   string
	LeafHash string `json:"leaf_hash"`
	Sig      string
}

type decodedLeaf struct {
	Script  string
	Version int      `json:"leaf_ver"`
	Blocks  []string `json:"control_blocks"`
}

// describe tells a packet in the node's words, lists in the node's order.
func (w *world) describe(p *psbt.Packet) (d decoded) {
	w.Helper()
	id, err := p.TxID()
	w.must(err)
	d.Tx.TxID, d.Tx.Version = id.String(), p.TxVersion
	d.Tx.LockTime, err = p.LockTime()
	w.must(err)
	d.Unknown = map[string]string{}
	for _, u := range p.Unknown {
		d.Unknown[hex.EncodeToString(u.Key)] = hex.EncodeToString(u.Value)
	}
	fee, err := p.Fee()
	w.must(err)
	d.Fee = json.Number(btc.FormatBTC(fee))
	for i := range p.Inputs {
		d.Inputs = append(d.Inputs, describeInput(&p.Inputs[i]))
	}
	for i := range p.Outputs {
		d.Outputs = append(d.Outputs, describeOutput(&p.Outputs[i]))
	}
	return d
}

func describeInput(in *psbt.Input) (d decodedInput) {
	for _, s := range in.PartialSigs {
		if d.PartialSigs == nil {
			d.PartialSigs = map[string]string{}
		}
		d.PartialSigs[hex.EncodeToString(s.PubKey)] = hex.EncodeToString(s.Signature)
	}
	if in.SighashType != nil {
		d.Sighash, _ = psbt.SighashName(*in.SighashType)
	}
	d.RedeemScript.Hex, d.WitnessScript.Hex = hex.EncodeToString(in.RedeemScript), hex.EncodeToString(in.WitnessScript)
	d.Derivations, d.TapOrigins = origins(in.Derivations), tapOrigins(in.TapDerivations)
	d.KeySig, d.InternalKey, d.MerkleRoot = hex.EncodeToString(in.TapKeySig), hex.EncodeToString(in.TapInternalKey), hex.EncodeToString(in.TapMerkleRoot)
	for _, s := range in.TapScriptSigs {
		d.LeafSigs = append(d.LeafSigs, decodedLeafSig{hex.EncodeToString(s.XOnly[:]), hex.EncodeToString(s.LeafHash[:]), hex.EncodeToString(s.Signature)})
	}
	for _, l := range in.TapLeaves {
		d.Leaves = append(d.Leaves, decodedLeaf{hex.EncodeToString(l.Script), int(l.Version), []string{hex.EncodeToString(l.ControlBlock)}})
	}
	d.sort()
	return d
}

// sort puts lists in one order; the node sorts some by what is not shown.
func (d *decodedInput) sort() {
	slices.SortFunc(d.LeafSigs, func(a, b decodedLeafSig) int { return cmp.Compare(a.PubKey+a.LeafHash, b.PubKey+b.LeafHash) })
	slices.SortFunc(d.Leaves, func(a, b decodedLeaf) int { return cmp.Compare(a.Script, b.Script) })
	sortOrigins(d.Derivations)
	sortOrigins(d.TapOrigins)
}

// UnmarshalJSON reads the node's words and sorts them.
func (d *decodedInput) UnmarshalJSON(b []byte) error {
	type plain decodedInput
	err := json.Unmarshal(b, (*plain)(d))
	d.sort()
	return err
}

// UnmarshalJSON reads the node's words and sorts them.
func (d *decodedOutput) UnmarshalJSON(b []byte) error {
	type plain decodedOutput
	err := json.Unmarshal(b, (*plain)(d))
	sortOrigins(d.Derivations)
	sortOrigins(d.TapOrigins)
	return err
}

func describeOutput(out *psbt.Output) (d decodedOutput) {
	d.RedeemScript.Hex, d.WitnessScript.Hex = hex.EncodeToString(out.RedeemScript), hex.EncodeToString(out.WitnessScript)
	d.Derivations, d.TapOrigins = origins(out.Derivations), tapOrigins(out.TapDerivations)
	d.InternalKey = hex.EncodeToString(out.TapInternalKey)
	for _, l := range out.TapTree {
		d.Tree = append(d.Tree, decodedTreeLeaf{int(l.Depth), int(l.Version), hex.EncodeToString(l.Script)})
	}
	sortOrigins(d.Derivations)
	sortOrigins(d.TapOrigins)
	return d
}

func sortOrigins(list []decodedOrigin) {
	slices.SortFunc(list, func(a, b decodedOrigin) int { return cmp.Compare(a.PubKey, b.PubKey) })
}

func origins(from []psbt.Derivation) (list []decodedOrigin) {
	for _, o := range from {
		list = append(list, decodedOrigin{hex.EncodeToString(o.PubKey), o.Origin.Fingerprint.String(), o.Origin.Path.Full(), nil})
	}
	return list
}

func tapOrigins(from []psbt.TapDerivation) (list []decodedOrigin) {
	for _, o := range from {
		d := decodedOrigin{hex.EncodeToString(o.XOnly[:]), o.Origin.Fingerprint.String(), o.Origin.Path.Full(), []string{}}
		for _, h := range o.LeafHashes {
			d.LeafHashes = append(d.LeafHashes, hex.EncodeToString(h[:]))
		}
		slices.Sort(d.LeafHashes)
		list = append(list, d)
	}
	return list
}
