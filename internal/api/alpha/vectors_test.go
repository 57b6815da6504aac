package alpha

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/golang-jwt/jwt/v5"

	"specter/internal/auth"
	"specter/internal/store"
	"specter/internal/vectors"
	"specter/internal/wallet"
)

// restCase is a case of the public vectors of the REST API.
type restCase struct {
	ID      string
	Request struct {
		Method, Path string
		Auth         *string
		Body         json.RawMessage
	}
	Expect restExpect
}

type restExpect struct {
	Status            int
	JSON              json.RawMessage
	JSONContains      map[string]any `json:"json_contains"`
	JSONType          string         `json:"json_type"`
	MessageStartsWith string         `json:"message_startswith"`
	MessageContains   string         `json:"message_contains"`
	Keys              []string
	Truthy            []string
	Remember          map[string]string
	ResultContains    map[string]any `json:"result_contains"`
	ResultTruthy      []string       `json:"result_truthy"`
	ResultEquals      map[string]any `json:"result_equals"`
	ResultApprox      map[string]any `json:"result_approx"`
	AlsoRight         int            `json:"status_also_right"`
}

// play asks what a case asks and holds the answer to what it expects. fill replaces what stands
// in braces.
func (h *house) play(c *restCase, fill *strings.Replacer) error {
	who := ""
	if c.Request.Auth != nil {
		scheme, rest, _ := strings.Cut(fill.Replace(*c.Request.Auth), " ")
		if who = rest; scheme == "Basic" && rest == "(empty)" {
			who = ":"
		}
	}
	var what any
	if len(c.Request.Body) > 0 {
		what = []byte(c.Request.Body)
	}
	a := h.ask(c.Request.Method, fill.Replace(c.Request.Path), who, what)
	if a.status == 308 {
		a = h.ask(c.Request.Method, a.header.Get("Location"), who, what)
	}
	h.last = a
	e := &c.Expect
	if a.status != e.Status && (e.AlsoRight == 0 || a.status != e.AlsoRight) {
		return fmt.Errorf("status %d, want %d: %.200s", a.status, e.Status, a.body)
	}
	if a.status != e.Status {
		return nil
	}
	body := decode(h.t, a.body)
	if _, list := body.([]any); (e.JSONType == "array") != list {
		return fmt.Errorf("array is %v: %.100s", list, a.body)
	}
	object, _ := body.(map[string]any)
	if e.JSON != nil {
		if err := same("answer", decode(h.t, e.JSON), body); err != nil {
			return err
		}
	}
	return e.check(object, fill)
}

// check holds an answer's members to what a case says of them.
func (e *restExpect) check(object map[string]any, fill *strings.Replacer) error {
	if m, _ := object["message"].(string); !strings.HasPrefix(m, e.MessageStartsWith) || !strings.Contains(m, e.MessageContains) {
		return fmt.Errorf("message %q", m)
	}
	for k, v := range e.JSONContains {
		if fmt.Sprint(object[k]) != fmt.Sprint(v) {
			return fmt.Errorf("%s is %v, want %v", k, object[k], v)
		}
	}
	for _, k := range append(slices.Clone(e.Keys), e.Truthy...) {
		if v, has := object[fill.Replace(k)]; !has || slices.Contains(e.Truthy, k) && (v == nil || v == "") {
			return fmt.Errorf("%s is %v", k, v)
		}
	}
	result, _ := object["result"].(map[string]any)
	for k, v := range e.ResultContains {
		text, _ := json.Marshal(v)
		if err := same(k, decodeText(text), result[k]); err != nil {
			return err
		}
	}
	for _, k := range e.ResultTruthy {
		if v := result[k]; v == nil || v == "" || fmt.Sprint(v) == "0" {
			return fmt.Errorf("result.%s is %v", k, v)
		}
	}
	for k, v := range e.ResultEquals {
		if fmt.Sprint(result[k]) != fmt.Sprint(v) {
			return fmt.Errorf("result.%s is %v, want %v", k, result[k], v)
		}
	}
	for k, v := range e.ResultApprox {
		if k == "tolerance" {
			continue
		}
		got, ok := new(big.Rat).SetString(fmt.Sprint(result[k]))
		want, _ := new(big.Rat).SetString(fmt.Sprint(v))
		if !ok {
			return fmt.Errorf("result.%s is %v", k, result[k])
		}
		off := new(big.Rat).Sub(got, want)
		if off.Abs(off).Cmp(want.Mul(want, big.NewRat(1, 100))) > 0 {
			return fmt.Errorf("result.%s is %v, want %v within 1 %%", k, result[k], v)
		}
	}
	return nil
}

func decodeText(text []byte) any {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

func TestVectorsOfTheAPI(t *testing.T) {
	h := newHouse(t)
	full := h.create("admin", "Full", "wpkh", "alice")
	h.fund(full.Ref(), 5*btcutil.SatoshiPerBitcoin, 15*btcutil.SatoshiPerBitcoin)
	h.create("admin", "Empty", "wpkh", "bob")
	h.create(h.member, "Theirs", "wpkh", "carol")
	owner, member := h.token(auth.OwnerID, auth.Scope{}), h.token(h.member, auth.Scope{})
	fill := strings.NewReplacer("{wallet of someuser}", "theirs", "{token of admin}", owner, "{token of someuser}", member, "{token of owner}", owner, "{wallet}", "full", "{empty wallet}", "empty")
	vectors.Each(t, "rest/api.json", nil, func(c vectors.Case) error {
		var r restCase
		c.Decode(&r)
		if c.ID == "readyness-not" {
			return h.brokenStore().play(&r, fill)
		}
		return h.play(&r, fill)
	})
}

// brokenStore is the API with a database that cannot be read.
func (h *house) brokenStore() *house {
	h.t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(h.t.TempDir(), "other.db"))
	must(h.t, err)
	must(h.t, db.Close())
	other := *h
	c := h.api.c
	c.Wallets = wallet.New(wallet.Config{Store: db, Sources: h.nodes})
	other.api, err = New(c)
	must(h.t, err)
	return &other
}

func TestVectorsOfTheTokenFlow(t *testing.T) {
	h := newHouse(t)
	pairs := []string{}
	for text, c := range h.forgeries() {
		pairs = append(pairs, text, c)
	}
	vectors.Each(t, "rest/token_flow.json", nil, func(c vectors.Case) error {
		var r restCase
		c.Decode(&r)
		fill := strings.NewReplacer(pairs...)
		if err := h.play(&r, fill); err != nil {
			return err
		}
		if len(r.Expect.Remember) > 0 { // the token outlives a restart
			for name, key := range r.Expect.Remember {
				pairs = append(pairs, "{"+name+"}", fmt.Sprint(h.last.object()[key]))
			}
			h.enrol()
			h.open()
		}
		return nil
	})
}

// forgeries are tokens that are well signed with the program's own key and yet nobody's.
func (h *house) forgeries() map[string]string {
	h.t.Helper()
	ctx := context.Background()
	stored, err := h.db.Setting(ctx, "", "token-key")
	must(h.t, err)
	key, err := base64.RawURLEncoding.DecodeString(stored)
	must(h.t, err)
	sign := func(id any) string {
		claims := jwt.MapClaims{"username": "someuser", "jwt_token_description": "x", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
		if id != nil {
			claims["jwt_token_id"] = id
		}
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
		must(h.t, err)
		return text
	}
	return map[string]string{
		"{HS256 by the app key, username someuser, fresh id, not registered}": sign("11111111-2222-4333-8444-555555555555"),
		"{HS256 by the app key, no jwt_token_id}":                             sign(nil),
		"{HS256 by the app key, jwt_token_id a list}":                         sign([]string{"a"}),
	}
}
