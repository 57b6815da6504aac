package raced

import (
	"slices"
	"testing"
)

func TestSamplesAreSpreadOverTheList(t *testing.T) {
	list := make([]int, 41)
	for i := range list {
		list[i] = i
	}
	starts := map[int]bool{}
	for _, name := range []string{"ledger", "trezor", "jade", "keepkey", "coldcard", "bitbox02"} {
		got := sample(name, 10, list)
		if len(got) < 10 || len(got) > 11 || !slices.IsSorted(got) || got[len(got)-1]-got[0] < 35 {
			t.Errorf("%s: %v", name, got)
		}
		starts[got[0]] = true
	}
	if len(starts) < 2 {
		t.Error("everybody begins at the same place")
	}
	if got := Sample("", 100, list); len(got) != len(list) {
		t.Errorf("of a short list %d are left out", len(list)-len(got))
	}
	if n, m := len(Sample("", 4, list)), Some(40, 4); On != (n < 41) || On != (m == 4) {
		t.Errorf("race detector %v: %d of the list, some are %d", On, n, m)
	}
}
