package web_test

import (
	"context"
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func (h wallets) Registrations(_ context.Context, ref wallet.Ref) ([]wallet.Registration, error) {
	if _, err := h.find(ref); err != nil {
		return nil, err
	}
	return h.told[ref.Alias], nil
}

func (h wallets) KeepRegistration(_ context.Context, ref wallet.Ref, r wallet.Registration) error {
	w, err := h.find(ref)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(w.Cosigners, func(c wallet.Cosigner) bool { return c.Fingerprint == r.Fingerprint }) {
		return errs.E(errs.Invalid, "no key of this wallet is of the device %s", r.Fingerprint)
	}
	h.told[ref.Alias] = append(h.told[ref.Alias], r)
	return nil
}

func (h wallets) ForgetRegistration(_ context.Context, ref wallet.Ref, fp btc.Fingerprint, kind string) error {
	h.told[ref.Alias] = slices.DeleteFunc(h.told[ref.Alias], func(r wallet.Registration) bool { return r.Fingerprint == fp && r.Kind == kind })
	return nil
}
