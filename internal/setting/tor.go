package setting

import (
	"context"
	"strings"

	"specter/internal/errs"
)

// Tor is what the owner has decided about the onion service. How the addresses must look is
// remote/tor's matter; here they are words.
type Tor struct {
	On       bool   // the service is wanted
	Control  string // tor's control port; "": where it is as a rule
	Password string // of the control port; "": tor's cookie is used
}

const (
	nameTorOn       = "tor-service"
	nameTorControl  = "tor-control"
	nameTorPassword = "tor-password"
)

func (t Tor) values() map[string]string {
	v := map[string]string{}
	if t.On {
		v[nameTorOn] = "yes"
	}
	if t.Control != "" {
		v[nameTorControl] = t.Control
	}
	if t.Password != "" {
		v[nameTorPassword] = t.Password
	}
	return v
}

// Tor returns what the owner has decided about the onion service.
func (s *Service) Tor(ctx context.Context) (Tor, error) {
	v, err := s.store.Settings(ctx, "")
	if err != nil {
		return Tor{}, err
	}
	return Tor{On: v[nameTorOn] == "yes", Control: v[nameTorControl], Password: v[nameTorPassword]}, nil
}

// ChangeTor is ChangeProgram for the onion service.
func (s *Service) ChangeTor(ctx context.Context, change func(*Tor) error) (Tor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.Tor(ctx)
	if err != nil {
		return before, err
	}
	after := before
	if err := change(&after); err != nil {
		return before, err
	}
	if len(after.Control) > 300 || len(after.Password) > 300 || strings.ContainsAny(after.Password+after.Control, "\r\n\x00") {
		return before, errs.E(errs.Invalid, "the control port and its password are one line of at most 300 letters each")
	}
	return after, s.put(ctx, "", before.values(), after.values())
}
