package wallet

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Registration is what a signing device answered when it was told of the wallet. It is kept with
// the wallet, so that nobody approves the same wallet twice.
type Registration struct {
	Fingerprint btc.Fingerprint // of the device's master key: one of the wallet's cosigners
	Kind        string          // the device's family: ledger, bitbox02, jade…
	Name        string          // under which the device knows the wallet; at most 100 bytes
	ID          []byte          // of the policy, where the family has such; at most 64 bytes
	Proof       []byte          // where the family gives one (Ledger); at most 128 bytes
	At          time.Time       // when
}

// RegistrationStore keeps registrations.
type RegistrationStore interface {
	Registrations(ctx context.Context, id ID) ([]Registration, error) // by fingerprint and kind
	PutRegistration(ctx context.Context, id ID, r Registration) error // over one of the same device
	DropRegistration(ctx context.Context, id ID, fp btc.Fingerprint, kind string) error
}

// Bounds of what a device may leave with a wallet, in bytes.
const (
	maxRegisteredName = 100
	maxPolicyID       = 64
	maxProof          = 128
)

// Registrations lists the devices that know the wallet.
func (s *Service) Registrations(ctx context.Context, ref Ref) ([]Registration, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.c.Store.Registrations(ctx, r.ID)
}

// KeepRegistration notes that a device knows the wallet. errs.Invalid where no key of the wallet
// is that device's, or where a field is not one that devices answer.
func (s *Service) KeepRegistration(ctx context.Context, ref Ref, reg Registration) error {
	r, err := s.holder(ctx, ref, reg.Fingerprint)
	if err != nil {
		return err
	}
	plain := func(c rune) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	switch {
	case reg.Kind == "" || len(reg.Kind) > 20 || strings.TrimFunc(reg.Kind, plain) != "":
		return errs.E(errs.Invalid, "%.40q is no kind of device", reg.Kind)
	case reg.Name == "" || len(reg.Name) > maxRegisteredName || strings.ContainsFunc(reg.Name, unicode.IsControl):
		return errs.E(errs.Invalid, "the name under which the device knows the wallet must have 1 to %d bytes", maxRegisteredName)
	case len(reg.ID) > maxPolicyID || len(reg.Proof) > maxProof:
		return errs.E(errs.Invalid, "the device's proof is longer than devices give")
	}
	reg.At = s.c.Now()
	return s.c.Store.PutRegistration(ctx, r.ID, reg)
}

// ForgetRegistration drops what is kept of a device, so that it is told of the wallet again: after
// it was reset, or its person deleted the wallet there. What is not there is no error.
func (s *Service) ForgetRegistration(ctx context.Context, ref Ref, fp btc.Fingerprint, kind string) error {
	r, err := s.holder(ctx, ref, fp)
	if err != nil {
		return err
	}
	return s.c.Store.DropRegistration(ctx, r.ID, fp, kind)
}

// holder finds the wallet, of which one key must come from a device.
func (s *Service) holder(ctx context.Context, ref Ref, fp btc.Fingerprint) (Record, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return r, err
	}
	if !slices.ContainsFunc(r.Cosigners, func(c Cosigner) bool { return c.Fingerprint == fp }) || fp.IsZero() {
		return r, errs.E(errs.Invalid, "no key of this wallet is of the device %s", fp)
	}
	return r, nil
}
