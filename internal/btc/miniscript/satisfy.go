package miniscript

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/address/v2"
	//lint:ignore SA1019 scripts hash with it
	"golang.org/x/crypto/ripemd160"
	"specter/internal/errs"
)

// Materials is what a satisfier may use. A nil func means that there is none of it; a nil
// PubKey, that the keys of the miniscript are hex.
type Materials struct {
	// Sign gives the signature by a key, as the miniscript names it, with its sighash byte
	// (which a Schnorr signature may lack). It is asked once per key.
	Sign     func(key string) (sig []byte, ok bool)
	PubKey   func(key string) ([]byte, error) // 33 bytes, or 32 in tapscript; only pk_h needs it
	Preimage func(kind HashKind, digest []byte) ([]byte, bool)
	After    func(n uint32) bool // may the spending transaction satisfy CHECKLOCKTIMEVERIFY n?
	Older    func(n uint32) bool // may the spending input satisfy CHECKSEQUENCEVERIFY n?
}

// Satisfaction is a complete witness without the script (and without a control block).
type Satisfaction struct {
	Stack     [][]byte // bottom first
	Malleable bool     // a stranger could change it; never set by Satisfy
	Signed    bool     // holds a signature; always set by Satisfy
	After     uint32   // greatest number of a CHECKLOCKTIMEVERIFY that is run; 0: none
	Older     uint32   // greatest number of a CHECKSEQUENCEVERIFY that is run; 0: none
}

// Satisfy returns the cheapest witness that no stranger can change (BIP379). Code
// not-satisfiable where there is none; malformed where a signature or preimage is wrong in
// form.
func (n *Node) Satisfy(m Materials) (Satisfaction, error) {
	s, err := n.SatisfyAny(m)
	if err != nil {
		return Satisfaction{}, err
	}
	if s.Malleable || !s.Signed {
		return Satisfaction{}, strangers()
	}
	return s, nil
}

// SatisfyAny is Satisfy that takes a malleable or unsigned witness where there is no other.
func (n *Node) SatisfyAny(m Materials) (Satisfaction, error) {
	f := filler{m: m, ctx: n.ctx, sigs: map[string][]byte{}, preimages: map[string][]byte{}}
	best := f.supply().offers(n).sat
	if f.err != nil {
		return Satisfaction{}, f.err
	}
	if !best.ok {
		return Satisfaction{}, tooLittle()
	}
	out := Satisfaction{Malleable: best.malleable, Signed: best.signed, After: best.locks.after, Older: best.locks.older}
	for _, e := range best.stack.list() {
		b, err := f.fill(e)
		if err != nil {
			return Satisfaction{}, err
		}
		out.Stack = append(out.Stack, b)
	}
	return out, nil
}

func tooLittle() error {
	return errs.Bad(errs.NotSatisfiable, "there are not enough signatures, preimages or time passed to spend this")
}

func strangers() error {
	return errs.Bad(errs.NotSatisfiable, "with what is at hand, every witness could be made or changed by a stranger")
}

// filler answers a supply's questions from materials, remembering what it was given.
type filler struct {
	m         Materials
	ctx       Context
	sigs      map[string][]byte // nil where there is none
	preimages map[string][]byte
	err       error // the first thing that was wrong in form
}

func (f *filler) supply() *supply {
	return &supply{ctx: f.ctx, sign: f.sign, preimage: f.preimage, after: orNever(f.m.After), older: orNever(f.m.Older)}
}

func orNever(f func(uint32) bool) func(uint32) bool {
	if f == nil {
		return func(uint32) bool { return false }
	}
	return f
}

func (f *filler) sign(key string) (int, bool) {
	sig, asked := f.sigs[key]
	if !asked && f.m.Sign != nil {
		if given, ok := f.m.Sign(key); ok {
			sig = given
			f.checkSignature(key, sig)
		}
		f.sigs[key] = sig
	}
	return len(sig), sig != nil
}

// checkSignature refuses signatures of impossible length: their sizes decide what is cheapest.
func (f *filler) checkSignature(key string, sig []byte) {
	good := len(sig) >= 9 && len(sig) <= 73
	if f.ctx == Tapscript {
		good = len(sig) == 64 || len(sig) == 65
	}
	if !good && f.err == nil {
		f.err = errs.Bad(errs.Malformed, "the signature by %.120s has %d bytes, which no signature here has", key, len(sig))
	}
}

func (f *filler) preimage(h HashLock) bool {
	id := h.String()
	p, asked := f.preimages[id]
	if !asked && f.m.Preimage != nil && h.Digest != nil {
		if given, ok := f.m.Preimage(h.Kind, h.Digest); ok {
			p = given
			if !h.Opens(p) && f.err == nil {
				f.err = errs.Bad(errs.Mismatch, "what was given as the preimage of %s is not it", h)
			}
		}
		f.preimages[id] = p
	}
	return p != nil
}

// Opens reports whether b is the lock's preimage: 32 bytes with the right digest.
func (h HashLock) Opens(b []byte) bool {
	if len(b) != 32 {
		return false
	}
	once := sha256.Sum256(b)
	switch h.Kind {
	case SHA256:
		return bytes.Equal(once[:], h.Digest)
	case HASH256:
		twice := sha256.Sum256(once[:])
		return bytes.Equal(twice[:], h.Digest)
	case HASH160:
		return bytes.Equal(address.Hash160(b), h.Digest)
	case RIPEMD160:
		sum := ripemd160.New()
		sum.Write(b)
		return bytes.Equal(sum.Sum(nil), h.Digest)
	}
	return false
}

// fill returns the bytes of a witness element.
func (f *filler) fill(e Element) ([]byte, error) {
	switch e.Kind {
	case ElementOne:
		return []byte{1}, nil
	case ElementSignature:
		return f.sigs[e.Key], nil
	case ElementPubKey:
		return pubKey(e.Key, f.ctx, f.m.PubKey)
	case ElementPreimage:
		return f.preimages[e.Hash.String()], nil
	case ElementAnything:
		return make([]byte, 32), nil
	}
	return []byte{}, nil
}
