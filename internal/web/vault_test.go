package web

import (
	"testing"
	"time"
)

func TestAVaultForgetsInTimeAndNeverGrows(t *testing.T) {
	now := time.Unix(1000, 0)
	v := newVault[int](func() time.Time { return now }, time.Minute)
	first := v.put(1)
	if got, ok := v.get(first); !ok || got != 1 {
		t.Fatalf("get gives %d, %v", got, ok)
	}
	if got, ok := v.take(first); !ok || got != 1 {
		t.Fatalf("take gives %d, %v", got, ok)
	}
	if _, ok := v.take(first); ok {
		t.Error("a taken value is still there")
	}
	old := v.put(2)
	now = now.Add(61 * time.Second)
	if _, ok := v.get(old); ok {
		t.Error("an old value is still there")
	}
	oldest := v.put(3)
	for i := range 2 * maxKept {
		now = now.Add(time.Millisecond)
		v.put(i)
	}
	if len(v.kept) > maxKept {
		t.Errorf("%d values are kept", len(v.kept))
	}
	if _, ok := v.get(oldest); ok {
		t.Error("the oldest value was kept in place of newer ones")
	}
}
