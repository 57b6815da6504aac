package miniscript

import "specter/internal/errs"

var errUnbuilt = errs.Bad(errs.Unsupported, "not built yet")

// Materials is what a satisfier may use. nil funcs mean "none".
type Materials struct {
	Sign     func(key string) (sig []byte, ok bool)
	PubKey   func(key string) ([]byte, error) // key bytes for pk_h; nil: keys are hex text
	Preimage func(kind HashKind, digest []byte) ([]byte, bool)
	After    func(n uint32) bool
	Older    func(n uint32) bool
}

// Satisfaction is a witness.
type Satisfaction struct {
	Stack        [][]byte
	Malleable    bool
	HasSig       bool
	After, Older uint32
}

func (n *Node) Satisfy(m Materials) (Satisfaction, error) { return Satisfaction{}, errUnbuilt }

// Assets says what is available.
type Assets struct {
	CanSign       func(key string) bool
	HavePreimage  func(kind HashKind, digest []byte) bool
	After         func(n uint32) bool
	Older         func(n uint32) bool
	SchnorrSigLen int // 0: 64
}

// Plan is the cheapest spend that assets allow.
type Plan struct {
	Size         int // bytes of the witness elements with their length prefixes, script not included
	Elements     int
	Keys         []string // that sign
	Hashes       []HashLock
	After, Older uint32
}

// HashLock is a digest whose preimage is asked for.
type HashLock struct {
	Kind   HashKind
	Digest []byte
}

func (n *Node) Plan(a Assets) (Plan, error) { return Plan{}, errUnbuilt }

// Group is a threshold of keys.
type Group struct {
	Need int
	Keys []string
}

// Path is one way to spend.
type Path struct {
	Groups       []Group
	Hashes       []HashLock
	After, Older uint32
}

func (n *Node) Paths(limit int) []Path { return nil }
