package signer_test

import (
	"context"
	"strings"
	"testing"

	"specter/internal/signer"
)

// A device that is there and waits to be unlocked or paired may be the one that is meant: another
// one is not used in its place.
func TestADeviceThatIsNotReadyIsNotPassedOver(t *testing.T) {
	m := masters(t)
	unpaired := signer.E(signer.CodeNotReady, "not paired with this program yet")
	newHub := func(t *testing.T, bad error) (*desk, *thing) {
		other := &thing{kind: "onekey", master: m[0], locked: true, trouble: bad}
		return newDesk(t, map[string]*thing{"vault0": {kind: "vault", master: m[1]}, "onekey0": other}), other
	}
	t.Run("nothing was selected", func(t *testing.T) {
		d, _ := newHub(t, unpaired)
		err := d.Do(t.Context(), signer.Select{}, regtest, func(context.Context, signer.Signer) error {
			t.Error("a device was used")
			return nil
		})
		if signer.CodeOf(err) != signer.CodeNoKind || !strings.Contains(err.Error(), "2 devices are connected") || !strings.Contains(err.Error(), "onekey at onekey0") {
			t.Errorf("%v (code %d)", err, signer.CodeOf(err))
		}
	})
	t.Run("its path was", func(t *testing.T) {
		d, _ := newHub(t, unpaired)
		if err := d.Do(t.Context(), signer.Select{Path: "vault0"}, regtest, nothing); err != nil {
			t.Error(err)
		}
	})
	t.Run("its fingerprint was, and it is paired in this call", func(t *testing.T) {
		d, other := newHub(t, unpaired)
		err := d.Do(t.Context(), signer.Select{Fingerprint: m[0].Fingerprint(), Known: true}, regtest, func(ctx context.Context, s signer.Signer) error {
			other.locked, other.trouble = false, nil
			fp, err := s.Fingerprint(ctx)
			if fp != m[0].Fingerprint() {
				t.Errorf("%s is used", fp)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("one that was never set up is no candidate", func(t *testing.T) {
		d, _ := newHub(t, signer.E(signer.CodeNotInitialized, "not set up"))
		if err := d.Do(t.Context(), signer.Select{}, regtest, nothing); err != nil {
			t.Error(err)
		}
	})
}
