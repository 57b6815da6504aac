package coretest

import "time"

// SetTime sets the node's clock; the zero time gives it its own clock back. Blocks and wallets
// take their times from it.
func (n *Node) SetTime(t time.Time) {
	n.t.Helper()
	sec := int64(0)
	if !t.IsZero() {
		sec = t.Unix()
	}
	n.mustRPC("", "setmocktime", nil, sec)
}

// MineEvery mines blocks to nobody whose times begin after from and are a step apart, as on a real
// chain. The node's clock stays at the last one.
func (n *Node) MineEvery(blocks int, from time.Time, step time.Duration) time.Time {
	n.t.Helper()
	for range blocks {
		from = from.Add(step)
		n.SetTime(from)
		n.Mine(1)
	}
	return from
}
