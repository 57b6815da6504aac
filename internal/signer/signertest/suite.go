package signertest

import "testing"

// Run holds a family of devices to what all of them must do.
func Run(t *testing.T, f Family) {
	t.Helper()
	if f.Driver == nil || f.Serve == nil {
		t.Fatal("the family has no driver or no software device")
	}
}
