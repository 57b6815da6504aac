package alpha

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// noToken is what is said of an id that is unknown, or another user's.
const noToken = "Token does not exist, make sure to enter correct token id"

// seconds prints a span as JSON: a whole number, or a decimal down to the microsecond.
func seconds(d time.Duration) json.RawMessage {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	text := sign + strconv.FormatInt(int64(d/time.Second), 10)
	if micro := int64(d % time.Second / time.Microsecond); micro > 0 {
		text += "." + strings.TrimRight(strconv.FormatInt(1_000_000+micro, 10)[1:], "0")
	}
	return json.RawMessage(text)
}

type tokenLine struct {
	Description string          `json:"jwt_token_description"`
	Life        json.RawMessage `json:"jwt_token_life"`
	Remaining   json.RawMessage `json:"jwt_token_remaining_life"`
}

func (s *Server) getTokens(w http.ResponseWriter, r *http.Request, c call) error {
	list, err := s.c.Auth.Tokens(r.Context(), c.User.ID)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return refuse(http.StatusNotFound, "Tokens does not exist")
	}
	now := s.c.Now()
	tokens := make(map[string]tokenLine, len(list))
	for _, t := range list {
		tokens[t.ID] = tokenLine{t.Description, seconds(t.Life), seconds(t.Remaining(now))}
	}
	s.json(w, r, http.StatusOK, struct {
		Message string               `json:"message"`
		Tokens  map[string]tokenLine `json:"jwt_tokens"`
	}{"Tokens exist", tokens})
	return nil
}

func (s *Server) postToken(w http.ResponseWriter, r *http.Request, c call) error {
	f, err := fields(w, r, "jwt_token_description", "jwt_token_life")
	if err != nil {
		return err
	}
	description, life := f["jwt_token_description"], f["jwt_token_life"]
	if description == nil || life == nil {
		return errs.E(errs.Invalid, "jwt_token_description and jwt_token_life are needed")
	}
	span, err := auth.ParseSpan(*life)
	if err != nil {
		return err
	}
	t, token, err := s.c.Auth.NewToken(r.Context(), c.Identity, auth.TokenRequest{Description: *description, Life: span})
	if errs.Is(err, errs.Conflict) {
		return refuse(http.StatusBadRequest, err.Error()) // the sentence that the old Specter says, too
	}
	if err != nil {
		return err
	}
	s.json(w, r, http.StatusCreated, struct {
		Message     string          `json:"message"`
		ID          string          `json:"jwt_token_id"`
		Token       string          `json:"jwt_token"`
		Description string          `json:"jwt_token_description"`
		Life        json.RawMessage `json:"jwt_token_life"`
	}{"Token generated", t.ID, token, t.Description, seconds(t.Life)})
	return nil
}

func (s *Server) getToken(w http.ResponseWriter, r *http.Request, c call) error {
	t, err := s.c.Auth.Token(r.Context(), c.User.ID, c.arg)
	if err != nil {
		return tokenError(err)
	}
	remaining, status := t.Remaining(s.c.Now()), "Valid"
	if remaining <= 0 {
		status = "Expired"
	}
	s.json(w, r, http.StatusOK, struct {
		Message     string          `json:"message"`
		Description string          `json:"jwt_token_description"`
		Life        json.RawMessage `json:"jwt_token_life"`
		Remaining   json.RawMessage `json:"jwt_token_life_remaining"`
		Status      string          `json:"expiry_status"`
	}{"Token exists", t.Description, seconds(t.Life), seconds(remaining), status})
	return nil
}

func (s *Server) deleteToken(w http.ResponseWriter, r *http.Request, c call) error {
	if err := s.c.Auth.DeleteToken(r.Context(), c.User.ID, c.arg); err != nil {
		return tokenError(err)
	}
	s.message(w, r, http.StatusOK, "Token deleted")
	return nil
}

func tokenError(err error) error {
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
		return refuse(http.StatusNotFound, noToken)
	}
	return err
}
