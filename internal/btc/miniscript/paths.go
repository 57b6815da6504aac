package miniscript

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Group is a set of keys of which a number must sign.
type Group struct {
	Need int
	Keys []string
}

// Path is one way to spend, as a person thinks of it: all groups sign, all preimages are
// shown, all time has passed.
type Path struct {
	Groups []Group
	Hashes []HashLock
	After  uint32 // nLockTime as in after(); 0: none
	Older  uint32 // nSequence as in older(); 0: none
}

// Paths lists the ways to spend, at most limit of them. Of each threshold those come first that
// take the most of its plain keys; the rest keep the order of the miniscript. A threshold of
// keys is one path, not one for every choice of keys.
func (n *Node) Paths(limit int) []Path {
	f := pathFinder{limit: limit, steps: pathSteps}
	all := f.paths(n.lift())
	return all[:min(len(all), max(limit, 0))]
}

// Keys returns all keys that may sign on this path.
func (p Path) Keys() []string {
	var keys []string
	for _, g := range p.Groups {
		keys = append(keys, g.Keys...)
	}
	return keys
}

// Text says the path in words: "2 of 3 of A, B, C", "after 52,560 blocks D alone". name gives
// the name of a key; nil: the key's text.
func (p Path) Text(name func(key string) string) string {
	var parts []string
	if p.Older != 0 {
		parts = append(parts, olderText(p.Older))
	}
	if p.After != 0 {
		parts = append(parts, afterText(p.After))
	}
	var who []string
	for _, g := range p.Groups {
		who = append(who, g.Text(name))
	}
	if len(who) == 1 && len(p.Groups[0].Keys) == 1 {
		who[0] += " alone"
	}
	if len(who) == 0 {
		who = []string{"anybody"}
	}
	parts = append(parts, strings.Join(who, " and "))
	for i, h := range p.Hashes {
		word := "with the preimage of "
		if i > 0 {
			word = "and of "
		}
		parts = append(parts, word+h.Kind.String()+" "+h.argument())
	}
	return strings.Join(parts, " ")
}

// Text says a group in words: "A", "A and B", "1 of 2 of A, B".
func (g Group) Text(name func(key string) string) string {
	names := g.Keys
	if name != nil {
		names = make([]string, len(g.Keys))
		for i, key := range g.Keys {
			names[i] = name(key)
		}
	}
	if last := len(names) - 1; g.Need == len(names) {
		if last == 0 {
			return names[0]
		}
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("%d of %d of %s", g.Need, len(names), strings.Join(names, ", "))
}

// olderText says a relative timelock (BIP68): blocks, or units of 512 seconds, since the coin
// was confirmed.
func olderText(n uint32) string {
	count := n & sequenceMask
	if n&sequenceTimeFlag == 0 {
		if count == 1 {
			return "after 1 block"
		}
		return "after " + grouped(count) + " blocks"
	}
	return "after " + duration(time.Duration(count)*512*time.Second)
}

// afterText says an absolute timelock (BIP65): a block height or a median time past.
func afterText(n uint32) string {
	if n < lockTimeThreshold {
		return "from block " + grouped(n) + " on"
	}
	return "from " + time.Unix(int64(n), 0).UTC().Format("2006-01-02 15:04") + " UTC on"
}

// duration says a time in its two largest units, rounded down: "9 days 11 hours".
func duration(d time.Duration) string {
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	var words []string
	for _, u := range units {
		count := d / u.length
		d -= count * u.length
		if count == 0 {
			if len(words) > 0 {
				break
			}
			continue
		}
		word := fmt.Sprintf("%d %s", count, u.name)
		if count > 1 {
			word += "s"
		}
		if words = append(words, word); len(words) == 2 {
			break
		}
	}
	if len(words) == 0 {
		return "0 seconds"
	}
	return strings.Join(words, " ")
}

// grouped prints a number with commas between thousands.
func grouped(n uint32) string {
	digits := strconv.FormatUint(uint64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Summary says what the miniscript asks for, one way to spend after the other: "2 of 3 of
// A, B, C; or after 52,560 blocks D alone". name is as in Path.Text; more ways than limit are
// only hinted at.
func (n *Node) Summary(name func(key string) string, limit int) string {
	limit = max(limit, 1)
	paths := n.Paths(limit + 1)
	if len(paths) == 0 {
		return "nobody can spend this"
	}
	var parts []string
	for i, p := range paths {
		if i == limit {
			parts = append(parts, "in further ways")
			break
		}
		parts = append(parts, p.Text(name))
	}
	return strings.Join(parts, "; or ")
}
