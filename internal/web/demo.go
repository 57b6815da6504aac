package web

import (
	"net/http"

	"specter/internal/errs"
)

// postFaucet sends play money to an address; there is no such thing on a real chain.
func (s *Server) postFaucet(w http.ResponseWriter, r *http.Request) error {
	if s.c.Demo == nil {
		return errs.E(errs.NotFound, "only the demo has a faucet")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	amount, err := parseAmount(r.FormValue("amount"), unitBTC)
	if err != nil {
		return err
	}
	if err := s.c.Demo.Faucet(r.Context(), r.FormValue("address"), amount); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The faucet sent its coins. They arrive at once and confirm with the next block.")
	return s.back(w, r, "/")
}

// postMine adds a block to the demo chain.
func (s *Server) postMine(w http.ResponseWriter, r *http.Request) error {
	if s.c.Demo == nil {
		return errs.E(errs.NotFound, "only the demo's chain can be mined here")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := s.c.Demo.Mine(r.Context(), 1); err != nil {
		return err
	}
	s.say(w, r, flashOK, "A block was mined.")
	return s.back(w, r, "/")
}
