package web

import "net/http"

type welcomePage struct{ page }

// Empty tells that the owner has nothing here yet and may bring something along.
func (p welcomePage) Empty() bool { return p.IsOwner() && !p.HasDevice() && !p.HasWallet() && !p.Demo }

// Connected, HasDevice and HasWallet tick the checklist.
func (p welcomePage) Connected() bool { return p.Node.Active }

// HasDevice ticks the second step.
func (p welcomePage) HasDevice() bool { return len(p.Devices) > 0 }

// HasWallet ticks the third step.
func (p welcomePage) HasWallet() bool { return len(p.Wallets) > 0 }

func (s *Server) getWelcome(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Welcome to Specter"))
	if err != nil {
		return err
	}
	p.Section = "welcome"
	return s.render(w, r, http.StatusOK, "welcome", welcomePage{p})
}
