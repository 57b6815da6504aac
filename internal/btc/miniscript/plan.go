package miniscript

// Assets says what will be at hand, without the things themselves. A nil func means that
// there is none of it.
type Assets struct {
	CanSign      func(key string) bool
	HavePreimage func(kind HashKind, digest []byte) bool
	After        func(n uint32) bool // may the spending transaction satisfy CHECKLOCKTIMEVERIFY n?
	Older        func(n uint32) bool // may the spending input satisfy CHECKSEQUENCEVERIFY n?
	// SchnorrSize is the length of a Schnorr signature in bytes: 65 where a sighash byte
	// follows; zero means 64. ECDSA signatures count 72 bytes with their sighash byte.
	SchnorrSize int
}

// ecdsaSize is the length of a low-R ECDSA signature with its sighash byte, and one to spare.
const ecdsaSize = 72

// Plan is the witness that Satisfy would make, before anybody has signed.
type Plan struct {
	Size     int        // bytes of the elements with their length prefixes, without the script
	Elements int        // without the script
	Keys     []string   // that sign, in the order of the miniscript
	Hashes   []HashLock // whose preimages are shown, first the one that the script asks first
	After    uint32     // what nLockTime must reach; 0: nothing
	Older    uint32     // what nSequence must reach (BIP68); 0: nothing
}

// Plan finds the cheapest witness that no stranger can change, out of what will be at hand.
// Code not-satisfiable where there is none.
func (n *Node) Plan(a Assets) (Plan, error) {
	s := supply{ctx: n.ctx, after: orNever(a.After), older: orNever(a.Older)}
	s.sign = func(key string) (int, bool) { return a.signatureSize(n.ctx), a.CanSign != nil && a.CanSign(key) }
	s.preimage = func(h HashLock) bool { return a.HavePreimage != nil && a.HavePreimage(h.Kind, h.Digest) }
	best := s.offers(n).sat
	if !best.ok {
		return Plan{}, tooLittle()
	}
	if best.malleable || !best.signed {
		return Plan{}, strangers()
	}
	list := best.stack.list()
	p := Plan{Size: best.size, Elements: len(list), After: best.locks.after, Older: best.locks.older}
	signs := map[string]bool{}
	for i := len(list) - 1; i >= 0; i-- {
		switch e := list[i]; e.Kind {
		case ElementSignature:
			signs[e.Key] = true
		case ElementPreimage:
			p.Hashes = append(p.Hashes, e.Hash)
		}
	}
	for _, key := range n.Keys() {
		if signs[key] {
			p.Keys = append(p.Keys, key)
			delete(signs, key)
		}
	}
	return p, nil
}

func (a Assets) signatureSize(ctx Context) int {
	switch {
	case ctx != Tapscript:
		return ecdsaSize
	case a.SchnorrSize == 0:
		return 64
	}
	return a.SchnorrSize
}

// Everything returns assets that lack nothing: every key signs, all preimages are known and
// all the time has passed that a script can ask for.
func Everything() Assets {
	always := func(uint32) bool { return true }
	return Assets{
		CanSign:      func(string) bool { return true },
		HavePreimage: func(HashKind, []byte) bool { return true },
		After:        always,
		Older:        always,
	}
}
