package signertest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/raced"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

func toyFamily(bad faults) signertest.Family {
	return signertest.Family{
		Driver:    toyDriver{bad},
		Port:      signer.Port{Path: "toy0", Way: signer.Serial, Vendor: 0x1234},
		Serve:     serveToy,
		Scripts:   append(append([]string{}, signertest.SingleKinds...), signertest.MultiKinds...),
		Registers: true,
		Messages:  true,
	}
}

func TestAGoodFamilyPassesTheSuite(t *testing.T) { signertest.Run(t, toyFamily(faults{})) }

// badFamilies are mistakes of drivers and the part of the suite that must find each.
var badFamilies = map[string]struct {
	family func() signertest.Family
	part   string // the name of the part, as go test prints it
	trust  bool   // without the checks between suite and driver
}{
	"swallows refusals":    {func() signertest.Family { return toyFamily(faults{SwallowsRefusal: true}) }, "refusals", false},
	"cannot be cancelled":  {func() signertest.Family { return toyFamily(faults{IgnoresCancel: true}) }, "nobody_answers", false},
	"hides a cut cable":    {func() signertest.Family { return toyFamily(faults{IgnoresCut: true}) }, "the_cable_is_pulled_out", false},
	"shows no address":     {func() signertest.Family { return toyFamily(faults{NeverShows: true}) }, "addresses", false},
	"changes what it gets": {func() signertest.Family { return toyFamily(faults{ChangesTx: true}) }, "signing/", true},
	"takes anybody":        {func() signertest.Family { return toyFamily(faults{TakesAnybody: true}) }, "strangers", false},
	"asks twice":           {func() signertest.Family { return toyFamily(faults{AsksAgain: true}) }, "addresses", false},
	"takes every port":     {func() signertest.Family { return toyFamily(faults{MatchesAll: true}) }, "it_is_found", false},
	"is slow":              {func() signertest.Family { return toyFamily(faults{Slow: true}) }, "a_hundred_inputs", false},
	"trusts an address":    {func() signertest.Family { return toyFamily(faults{}) }, "lies/another_address", true},
	"trusts signatures":    {func() signertest.Family { return toyFamily(faults{}) }, "lies/other_amounts", true},
	"signs for no wallet": {func() signertest.Family {
		f := toyFamily(faults{})
		f.Serve = func(ctx context.Context, c signer.Conn, d signertest.Device) error {
			d.Lie.Signature = true
			return serveToy(ctx, c, d)
		}
		return f
	}, "signing/", false},
	"has other keys": {func() signertest.Family {
		f := toyFamily(faults{})
		f.Serve = func(ctx context.Context, c signer.Conn, d signertest.Device) error {
			d.Master, _ = btc.NewMaster([]byte("sixteen bytes at least"), false)
			return serveToy(ctx, c, d)
		}
		return f
	}, "keys", false},
}

const badFamily = "SPECTER_BAD_FAMILY"

// TestTheSuiteFindsBadFamilies runs the suite on each of them in a process of its own, which has
// to fail in the part that is meant.
func TestTheSuiteFindsBadFamilies(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for drivers that hang")
	}
	for name, bad := range badFamilies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "is slow" && raced.On {
				t.Skip("nothing is measured under the race detector")
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestABadFamily$/"+strings.TrimSuffix(bad.part, "/"), "-test.v")
			cmd.Env = append(os.Environ(), badFamily+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestABadFamily/"+bad.part) {
				t.Errorf("the suite passes a family that %s: %v\n%s", name, err, tail(string(out)))
			}
		})
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// TestABadFamily is run by TestTheSuiteFindsBadFamilies alone.
func TestABadFamily(t *testing.T) {
	bad, asked := badFamilies[os.Getenv(badFamily)]
	if !asked {
		t.Skip("only run by TestTheSuiteFindsBadFamilies")
	}
	if bad.trust {
		signertest.Trust()
	}
	signertest.Run(t, bad.family())
}
