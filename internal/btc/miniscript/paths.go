package miniscript

// Path is one way to spend.
type Group struct {
	Need int
	Keys []string
}

type Path struct {
	Groups       []Group
	Hashes       []HashLock
	After, Older uint32
}

func (n *Node) Paths(limit int) []Path { return nil }
