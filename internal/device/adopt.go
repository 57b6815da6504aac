package device

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Adopt stores a device that another program knew: its alias where that is free, the type as it
// stood there (one that is unknown here counts as "other"), and its keys as typed, maybe none.
// A number goes to a name that is taken.
func (s *Service) Adopt(ctx context.Context, d Device) (Device, error) {
	if d.Hot() {
		return Device{}, errs.E(errs.Invalid, "a software key is made of seed words")
	}
	if len(d.Type) > 40 || strings.Trim(d.Type, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		d.Type = "other"
	}
	if TypeOf(d.Type).Hot {
		d.Type = "other"
	}
	name, err := cleanName(strings.ToValidUTF8(d.Name, "?"))
	if err != nil {
		if name, err = cleanName(d.Alias); err != nil {
			name = "Device"
		}
	}
	existing, err := s.c.Store.Devices(ctx, d.Owner)
	if err != nil {
		return Device{}, err
	}
	d.ID, d.Name, d.Created = 0, name, s.c.Now()
	for i := 2; slices.ContainsFunc(existing, func(o Device) bool { return strings.EqualFold(o.Name, d.Name) }); i++ {
		d.Name = fmt.Sprintf("%s %d", name, i)
	}
	if d.Alias == "" || len(d.Alias) > 100 || !btc.IsAlias(d.Alias) {
		d.Alias = btc.Slug(name)
	}
	d.Alias = freeAlias(d.Alias, func(a string) bool {
		return slices.ContainsFunc(existing, func(o Device) bool { return o.Alias == a })
	})
	return d, s.c.Store.PutDevice(ctx, &d)
}
