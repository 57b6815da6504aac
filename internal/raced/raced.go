// Package raced tells tests whether the race detector is on, and how much they then do. What
// computes (signatures, scripts, key stretching) takes ten times as long under it and shows it
// nothing new by repetition: there a test runs the same cases on less volume. Tests alone
// import it.
package raced

import "hash/fnv"

// Some is how many of something a test makes: plain, and few under the race detector.
func Some(plain, few int) int {
	if On {
		return few
	}
	return plain
}

// Sample is list in a plain run. Under the race detector it is about few of it at equal
// distances, beginning at a place that name decides, so that tests that share a list take
// different ones.
func Sample[T any](name string, few int, list []T) []T {
	if !On || few < 1 || few >= len(list) {
		return list
	}
	return sample(name, few, list)
}

func sample[T any](name string, few int, list []T) (out []T) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	stride := len(list) / few
	for i := int(h.Sum32() % uint32(stride)); i < len(list); i += stride {
		out = append(out, list[i])
	}
	return out
}
