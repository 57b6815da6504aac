package miniscript

import "specter/internal/errs"

type hexDigest []byte
type cost struct{}

var errUnbuilt = errs.Bad(errs.Unsupported, "not built yet")

// Parse reads a miniscript and checks its types.
func Parse(expr string, ctx Context) (*Node, error) { return nil, errUnbuilt }

// FromScript finds the miniscript of a script.
func FromScript(script []byte, ctx Context, keyByHash func([20]byte) ([]byte, bool)) (*Node, error) {
	return nil, errUnbuilt
}
func (n *Node) String() string                                        { return "" }
func (n *Node) MapKeys(f func(key string) (string, error)) (*Node, error) { return nil, errUnbuilt }
func (n *Node) Script(pub func(key string) ([]byte, error)) ([]byte, error) {
	return nil, errUnbuilt
}
func (n *Node) CheckTop() error  { return errUnbuilt }
func (n *Node) CheckSane() error { return errUnbuilt }

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

func (n *Node) Plan(a Assets) (Plan, error)                 { return Plan{}, errUnbuilt }
func (n *Node) MaxSatisfaction() (elements, bytes int, ok bool) { return 0, 0, false }

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
