package psbt

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
)

// keyOrder remembers the keys of a map in the order in which they were read, so that a map
// whose set of keys has not changed is written in the same order.
type keyOrder [][]byte

// has reports whether a field without key data was written, which matters for fields that
// have a default and need not be written.
func (o keyOrder) has(typ byte) bool {
	for _, k := range o {
		if len(k) == 1 && k[0] == typ {
			return true
		}
	}
	return false
}

// arrange puts pairs (in canonical order) into the remembered order if the keys are the same.
func (o keyOrder) arrange(pairs []KeyValue) []KeyValue {
	if len(o) != len(pairs) {
		return pairs
	}
	same := true
	for i := range o {
		if same = bytes.Equal(o[i], pairs[i].Key); !same {
			break
		}
	}
	if same {
		return pairs
	}
	index := make(map[string]KeyValue, len(pairs))
	for _, kv := range pairs {
		index[string(kv.Key)] = kv
	}
	out := make([]KeyValue, len(o))
	for i, key := range o {
		kv, ok := index[string(key)]
		if !ok {
			return pairs
		}
		out[i] = kv
	}
	return out
}

// sortFields puts the pairs of a map into canonical order: known fields by type and key, then
// proprietary, then unknown ones. known counts the pairs in front that this package wrote.
func sortFields(pairs []KeyValue, known int) []KeyValue {
	slices.SortStableFunc(pairs[:known], func(a, b KeyValue) int {
		return cmp.Or(cmp.Compare(a.Key[0], b.Key[0]), bytes.Compare(a.Key, b.Key))
	})
	slices.SortStableFunc(pairs[known:], func(a, b KeyValue) int {
		return cmp.Or(cmp.Compare(unknownRank(a), unknownRank(b)), bytes.Compare(a.Key, b.Key))
	})
	return pairs
}

func unknownRank(kv KeyValue) int {
	if kv.Key[0] == typeProprietary {
		return 0
	}
	return 1
}

// sortPartialSigs orders signatures as Bitcoin Core writes them: by the hash160 of the key.
func sortPartialSigs(pairs []KeyValue) {
	if len(pairs) < 2 {
		return
	}
	hashes := make(map[string][]byte, len(pairs))
	for _, kv := range pairs {
		hashes[string(kv.Key)] = address.Hash160(kv.Key[1:])
	}
	slices.SortFunc(pairs, func(a, b KeyValue) int {
		return bytes.Compare(hashes[string(a.Key)], hashes[string(b.Key)])
	})
}
