package web

import (
	"testing"
	"time"
)

func TestScansAreBoundedAndTheirOwners(t *testing.T) {
	now := time.Unix(1, 0)
	v := newScans(func() time.Time { return now })
	id, mine := v.open("", "alice")
	if again, same := v.open(id, "alice"); again != id || same != mine {
		t.Error("a scan is not found again")
	}
	if other, theirs := v.open(id, "bob"); other == id || theirs == mine {
		t.Error("a scan is open to another user")
	}
	for range 20 {
		now = now.Add(time.Second)
		v.open("", "alice")
	}
	if _, s := v.open(id, "alice"); s == mine || len(v.byID) > maxScansEach+1 {
		t.Errorf("%d scans are kept for two users", len(v.byID))
	}
	for i := range 200 {
		now = now.Add(time.Second)
		_, s := v.open("", string(rune('a'+i%100)))
		if err := v.take(s, maxScanBytes/2); err != nil && v.bytes+maxScanBytes/2 <= maxScansBytes {
			t.Fatal(err)
		}
		if len(v.byID) > maxScans || v.bytes > maxScansBytes {
			t.Fatalf("%d scans with %d bytes", len(v.byID), v.bytes)
		}
	}
	_, s := v.open("", "zoe")
	if v.take(s, maxScanBytes+1) == nil {
		t.Error("a scan takes more than its bound")
	}
	now = now.Add(scanLife + time.Second)
	last, _ := v.open("", "zoe")
	if len(v.byID) != 1 || v.bytes != 0 {
		t.Errorf("%d old scans with %d bytes are left", len(v.byID)-1, v.bytes)
	}
	v.close(last)
	if len(v.byID) != 0 {
		t.Error("a closed scan stays")
	}
}
