package setting

import (
	"context"
	"strconv"

	"specter/internal/errs"
)

// nameLogout is the user's wish when to be logged out: whole minutes, "0" for never.
const nameLogout = "auto-logout"

// DefaultLogoutAfter holds where nobody has chosen, as in the old Specter; MaxLogoutAfter is a
// month. Both are minutes.
const (
	DefaultLogoutAfter = 4 * 60
	MaxLogoutAfter     = 30 * 24 * 60
)

// LogoutAfter is how many minutes a user may be away before the session ends; 0 for never.
func (s *Service) LogoutAfter(ctx context.Context, userID string) (minutes int, err error) {
	stored, err := s.store.Settings(ctx, userID)
	if err != nil {
		return 0, err
	}
	if minutes, err = strconv.Atoi(stored[nameLogout]); err != nil || minutes < 0 {
		return DefaultLogoutAfter, nil
	}
	return min(minutes, MaxLogoutAfter), nil
}

// SetLogoutAfter stores the wish; errs.Invalid for what is no number of minutes up to a month.
func (s *Service) SetLogoutAfter(ctx context.Context, userID string, minutes int) error {
	if minutes < 0 || minutes > MaxLogoutAfter {
		return errs.E(errs.Invalid, "one is logged out after 1 to %d minutes, or with 0 never", MaxLogoutAfter)
	}
	return s.store.PutSettings(ctx, userID, map[string]string{nameLogout: strconv.Itoa(minutes)})
}
