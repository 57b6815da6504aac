package v1_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	v1 "specter/internal/api/v1"
	"specter/internal/errs"
)

// movers takes over what a test says.
type movers struct {
	asked v1.ImportRequest
	took  bool
	state v1.Import
	err   error
}

func (m *movers) Import(_ context.Context, q v1.ImportRequest, take bool) error {
	if m.err == nil {
		m.asked, m.took, m.state = q, take, v1.Import{From: q.Name, Running: true, Dry: !take, Done: 5, Total: 10}
	}
	return m.err
}

func (m *movers) Imported() v1.Import { return m.state }

func TestAnOldSpecterIsTakenOverByTheOwnerAlone(t *testing.T) {
	h := newHouse(t)
	m := h.movers
	if v := h.ok(h.owner, "GET", "/program/import", ""); v.str("state") != "idle" || v.str("from") != "" {
		t.Errorf("from the start %s", v.body)
	}
	for _, bad := range []string{`{}`, `{"folder":"/a","file":"eA=="}`, `{"file":"?"}`, `{"folder":"` + strings.Repeat("a", 5000) + `"}`} {
		if a := h.do(h.owner, "POST", "/program/import", bad); a.status != 422 {
			t.Errorf("%.40s answers %d", bad, a.status)
		}
	}
	a := h.do(h.owner, "POST", "/program/import", `{"folder":"/home/ann/.specter","secret_key":"k"}`)
	if a.status != 202 || a.str("state") != "running" || a.json["dry_run"] != true || fmt.Sprint(a.json["transactions_done"]) != "5" || m.took || m.asked.SecretKey != "k" || strings.Contains(string(a.body), `"k"`) {
		t.Errorf("a look: %d %s %+v", a.status, a.body, m)
	}
	h.do(h.owner, "POST", "/program/import", `{"file":"`+base64.StdEncoding.EncodeToString([]byte("PK"))+`","file_name":"x.zip","take":true,"again":true}`)
	if !m.took || !m.asked.Again || string(m.asked.Data) != "PK" || m.asked.Name != "x.zip" {
		t.Errorf("taken: %+v", m)
	}
	m.state = v1.Import{From: "x.zip", Lines: []v1.ImportLine{{Kind: "wallet", Name: "Savings", Outcome: "taken"}}, Problems: []string{"one"}, Trouble: errs.E(errs.Unavailable, "the disk is full")}
	if v := h.ok(h.owner, "GET", "/program/import", ""); v.str("state") != "failed" || v.str("trouble") != "the disk is full" || len(v.json["lines"].([]any)) != 1 {
		t.Errorf("it says %s", v.body)
	}
	m.err = errs.E(errs.Conflict, "one is under way")
	if a := h.do(h.owner, "POST", "/program/import", `{"folder":"/a"}`); a.status != 409 {
		t.Errorf("a second one: %d", a.status)
	}
	for _, method := range []string{"GET", "POST"} {
		if a := h.do(h.member, method, "/program/import", `{"folder":"/a"}`); a.status != 403 {
			t.Errorf("a member gets %d", a.status)
		}
	}
}
