package web_test

import (
	"context"
	"slices"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/web"
)

// deskAgents are the agents of the fake, by user.
type deskAgents struct {
	all    map[string][]web.BridgeAgent
	direct []bool // of the codes that were made
}

func (u *usbDesk) Agents(_ context.Context, by auth.Identity) ([]web.BridgeAgent, error) {
	return slices.Clone(u.desks.all[by.User.ID]), nil
}

func (u *usbDesk) PairAgent(_ context.Context, _ auth.Identity, direct bool) (web.BridgePairing, error) {
	u.desks.direct = append(u.desks.direct, direct)
	p := web.BridgePairing{Code: "ONCEANDNEVERAGAIN234567ABC", Until: time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)}
	if direct {
		p.Fingerprint = "FINGERPRINTOFTHEAUTHORITY"
	}
	return p, nil
}

func (u *usbDesk) RevokeAgent(_ context.Context, by auth.Identity, id string) error {
	list := u.desks.all[by.User.ID]
	left := slices.DeleteFunc(slices.Clone(list), func(a web.BridgeAgent) bool { return a.ID == id })
	if len(left) == len(list) {
		return errs.E(errs.NotFound, "there is no such agent")
	}
	u.desks.all[by.User.ID] = left
	return nil
}
