package miniscript

// Inspection is everything that "miniscript inspect" prints about a miniscript.
type Inspection struct {
	Type           string // base type and properties, as Type.String prints them
	Sane           bool
	Why            string // why not, a sentence; empty when sane
	NonMalleable   bool
	NeedsSignature bool
	MixesTimelocks bool
	DuplicateKeys  bool
	Satisfiable    bool
	Ops            int    // see Node.Ops; 0 where nothing spends
	MaxStack       int    // witness elements, without the script
	MaxWitnessSize int    // bytes of the witness elements with their length prefixes
	ScriptSize     int    // bytes
	Script         []byte // nil where the keys are not hex
	ASM            string
	Canonical      string // with sugar
	Policy         string // for a person, see Summary
}

// Inspect gathers what there is to know about a miniscript.
func (n *Node) Inspect() Inspection {
	r := Inspection{
		Type: n.typ.String(), Canonical: n.String(), ASM: n.ASM(), ScriptSize: n.length,
		NonMalleable: n.typ.Has(NonMalleable), NeedsSignature: n.typ.Has(Safe), MixesTimelocks: !n.typ.Has(NoMix),
		DuplicateKeys: n.HasDuplicateKeys(), Satisfiable: n.Satisfiable(), Policy: n.Summary(nil, 20),
	}
	if err := n.CheckSane(); err != nil {
		r.Why = err.Error()
	} else {
		r.Sane = true
	}
	if r.Satisfiable {
		r.Ops, r.MaxStack = n.Ops(), n.MaxStack()
		_, r.MaxWitnessSize, _ = n.MaxSatisfaction()
	}
	if script, err := n.Script(nil); err == nil {
		r.Script = script
	}
	return r
}
