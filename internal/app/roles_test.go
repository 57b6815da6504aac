package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/api/alpha"
	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/node"
	"specter/internal/testkit"
	"specter/internal/wallet"
)

// The table of rights: for every route of the pages and of both APIs, what each kind of visitor
// gets when the route is asked with the things of one member, Alice.
//
//	nobody   is not logged in and shows no token
//	other    is a member, and not Alice
//	member   is Alice herself
//	owner    is the owner, whose role gives nobody else's wallets, devices or tokens
//
//	+  is let in; what is answered names nothing of Alice's, unless it is Alice who asks
//	*  is let in and may see Alice's names
//	-  is refused: 401, 403, 404 or the way to the login, and the answer names nothing of Alice's
//
// A route without a row fails the test, and so does a row without a route. The rows themselves
// are in roles_table_test.go. What comes after the marks is sent as the body (of a page that is
// looked at: as its query), so that a request fails for who asks and not for what is asked.
type rolesRow struct {
	method, path string
	marks        map[string]byte
	body         string
}

var visitors = []string{"nobody", "other", "owner", "member"} // Alice last: she may delete what the others must not reach

func readRoles(t *testing.T) map[string]rolesRow {
	t.Helper()
	rows := map[string]rolesRow{}
	for _, line := range strings.Split(rolesTable, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 6 {
			t.Fatalf("a row of %d words: %s", len(f), line)
		}
		row := rolesRow{method: f[0], path: f[1], marks: map[string]byte{}, body: strings.Join(f[6:], " ")}
		for i, who := range []string{"nobody", "other", "member", "owner"} {
			if len(f[2+i]) != 1 || !strings.Contains("+*-", f[2+i]) {
				t.Fatalf("what is %q? %s", f[2+i], line)
			}
			row.marks[who] = f[2+i][0]
		}
		key := row.method + " " + row.path
		if _, twice := rows[key]; twice {
			t.Fatalf("two rows for %s", key)
		}
		rows[key] = row
	}
	return rows
}

// asked is a route under test and how it wants to know who asks.
type asked struct {
	method, path string
	login        string // "cookie", "bearer", "basic"; "" asks nobody
}

// everyRoute lists what the three tables hold.
func everyRoute(t *testing.T, h *house) []asked {
	t.Helper()
	pages, err := h.pages(btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	var out []asked
	for _, r := range pages.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		out = append(out, asked{method, path, "cookie"})
	}
	old, err := alpha.New(alpha.Config{Auth: h.auth, Wallets: h.wallets, Devices: h.devices, Nodes: h.nodes, Settings: h.db})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range old.Routes() {
		out = append(out, asked{r.Method, r.Pattern, r.Login})
	}
	for _, r := range v1.Routes() {
		out = append(out, asked{r.Method, r.FullPattern(), "bearer"})
	}
	return out
}

// stage is the house with everybody in it, and with things that may be broken.
type stage struct {
	*house
	alices int
	alice  member
	bob    member
	owner  member // only user, password, browser and token
	victim auth.User
	invite auth.Invitation
}

func newStage(t *testing.T) *stage {
	t.Helper()
	ctx := context.Background()
	s := &stage{house: owned(t, Config{Demo: &Demo{}, API: yes()})}
	admin, err := s.auth.User(ctx, auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	s.owner = member{user: admin, password: "correct horse battery"}
	_, s.owner.jwt, err = s.auth.NewToken(ctx, auth.Identity{User: admin}, auth.TokenRequest{Description: "the owner's", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.bob = s.member("Bob", "letter advice cage absurd amount doctor acoustic avoid letter advice cage above")
	s.newAlice()
	return s
}

// newAlice brings a fresh Alice, after the last one has broken her things.
func (s *stage) newAlice() {
	s.t.Helper()
	s.alices++
	s.alice = s.member(fmt.Sprintf("Alice%dx", s.alices), "legal winner thank year wave sausage worth useful legal winner thank yellow")
}

// mend puts back what an owner may have removed: a node, a user, an invitation.
func (s *stage) mend() {
	s.t.Helper()
	ctx := context.Background()
	by := auth.Identity{User: s.owner.user}
	check := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := s.nodes.Get(ctx, "spare"); err != nil {
		_, err := s.nodes.Save(ctx, node.Node{Name: "spare", Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 1, User: "u", Password: node.NewSecret("p")})
		check(err)
	}
	if n, err := s.nodes.Active(ctx); err != nil || n.Alias != "demo_chain" {
		check(s.nodes.Activate(ctx, "demo_chain"))
	}
	if u, err := s.auth.User(ctx, s.victim.ID); err != nil || u.ID == "" {
		s.victim, err = s.auth.AddUser(ctx, by, fmt.Sprintf("Victim%d", time.Now().UnixNano()), "correct horse battery")
		check(err)
	}
	list, err := s.auth.Invitations(ctx, by)
	check(err)
	if !slices.ContainsFunc(list, func(i auth.Invitation) bool { return i.ID == s.invite.ID }) {
		s.invite, _, err = s.auth.Invite(ctx, by, 1)
		check(err)
	}
}

// paths fills a pattern with Alice's things; for another member also mixed with that member's
// own wallet, so that an id alone opens nothing.
func (s *stage) paths(pattern, who string) []string {
	m := s.alice
	id := fmt.Sprint(m.draft.ID)
	alias := m.ref.Alias
	switch {
	case strings.Contains(pattern, "/tokens/") || strings.Contains(pattern, "/token/"):
		id = m.token.ID
	case strings.Contains(pattern, "/agents/"):
		id = m.agent.ID
	case strings.Contains(pattern, "/sessions/"):
		id = fmt.Sprint(m.session.ID)
	case strings.Contains(pattern, "/invitations/"):
		id = fmt.Sprint(s.invite.ID)
	case strings.Contains(pattern, "/users/"):
		id = s.victim.ID
	}
	switch {
	case strings.Contains(pattern, "/devices/"):
		alias = m.device.Alias
	case strings.Contains(pattern, "/nodes/"):
		alias = "spare"
	}
	fill := func(alias string) string {
		arg := alias
		if strings.Contains(pattern, "/token/") {
			arg = id
		}
		return strings.NewReplacer("{$}", "", "{file...}", "nothing.css", "{alias}", alias, "{id}", id, "{txid}", m.txid, "{address}", m.address, "{arg}", arg,
			"{xpub}", m.device.Keys[0].XPub, "{format}", s.format(pattern), "{kind}", "single", "{fingerprint}", "01020304", "{name}", "tablet", "{type}", "coldcard", "{way}", "child").Replace(pattern)
	}
	out := []string{fill(alias)}
	mixed := strings.Contains(pattern, "{id}") || strings.Contains(pattern, "{txid}") || strings.Contains(pattern, "{address}")
	if who == "other" && mixed && strings.Contains(pattern, "/wallets/{alias}") {
		out = append(out, fill(s.bob.ref.Alias))
	}
	return out
}

// format is one that the route knows.
func (s *stage) format(pattern string) string {
	if strings.Contains(pattern, "label") {
		return "bip329"
	}
	return "descriptor"
}

// body fills a row's body with Alice's things, and with what a visitor knows of itself.
func (s *stage) body(rt asked, text, name string) string {
	m := s.alice
	self, device := s.owner, "red_key"
	if who := s.who(name); who != nil {
		self = *who
	}
	if self.device.Alias != "" {
		device = self.device.Alias
	}
	pairs := []string{"$address", m.address, "$coin", m.coin, "$xpub", m.device.Keys[0].XPub, "$deviceid", fmt.Sprint(m.device.ID), "$psbt", base64.StdEncoding.EncodeToString(m.draft.PSBT),
		"$signed", base64.StdEncoding.EncodeToString(m.signed), "$foreign", nobodys, "$mydevice", device, "$mypassword", self.password, "$myname", self.user.Name}
	if rt.login == "cookie" {
		for i := 1; i < len(pairs); i += 2 {
			pairs[i] = url.QueryEscape(pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (s *stage) who(name string) *member {
	switch name {
	case "other":
		return &s.bob
	case "member":
		return &s.alice
	case "owner":
		return &s.owner
	}
	return nil
}

// send asks one route as one visitor. Streams are read for a moment.
func (s *stage) send(rt asked, row rolesRow, path, name string) (int, string, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	text := s.body(rt, row.body, name)
	if rt.login == "cookie" && rt.method == http.MethodGet && text != "" {
		path, text = path+"?"+text, ""
	}
	r, err := http.NewRequestWithContext(ctx, rt.method, strings.TrimSuffix(s.URL(), "/")+path, strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case rt.login == "cookie" && rt.method == http.MethodPost:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case text != "":
		r.Header.Set("Content-Type", "application/json")
	}
	v := newVisitor(s.t)
	if m := s.who(name); m != nil {
		switch rt.login {
		case "cookie":
			s.awake(m)
			v = m.browser
		case "bearer":
			r.Header.Set("Authorization", "Bearer "+m.jwt)
		case "basic":
			r.SetBasicAuth(m.user.Name, m.password)
		}
	}
	resp, err := v.http.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s as %s: %v", rt.method, path, name, err)
	}
	defer resp.Body.Close()
	if strings.HasSuffix(path, "/events") {
		time.AfterFunc(400*time.Millisecond, cancel)
	}
	body, _ := io.ReadAll(resp.Body) // a stream ends when it is cut
	return resp.StatusCode, resp.Header.Get("Location"), string(body) + " " + resp.Header.Get("Content-Disposition")
}

// awake logs a visitor in again whose session has ended by what was asked before.
func (s *stage) awake(m *member) {
	s.t.Helper()
	if m.browser.http != nil {
		base, err := url.Parse(s.URL())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, c := range m.browser.http.Jar.Cookies(base) {
			if strings.HasPrefix(c.Name, "specter_session") {
				if _, err := s.auth.Session(context.Background(), c.Value, "127.0.0.1", ""); err == nil {
					return
				}
			}
		}
	}
	m.browser, m.session = s.logIn(m.user, m.password)
}

// refusedBy reports whether an answer keeps somebody out.
func refusedBy(status int, location string) bool {
	return status == 401 || status == 403 || status == 404 || status == 303 && strings.HasPrefix(location, "/auth/login")
}

// damage holds Alice's things against what they were; "" when nothing has changed.
func (s *stage) damage() string {
	s.t.Helper()
	ctx := context.Background()
	m := s.alice
	if u, err := s.auth.User(ctx, m.user.ID); err != nil || u.Name != m.user.Name {
		return fmt.Sprintf("she is called %q (%v)", u.Name, err)
	}
	if w, err := s.wallets.Get(ctx, m.ref); err != nil || w.Name != m.user.Name+" wallet" {
		return fmt.Sprintf("her wallet is %q (%v)", w.Name, err)
	}
	if d, err := s.wallets.Draft(ctx, m.ref, m.draft.ID); err != nil || d.State != m.draft.State || d.Note != m.user.Name+" note" {
		return fmt.Sprintf("her draft is %s %q (%v)", d.State, d.Note, err)
	}
	if list, err := s.wallets.Drafts(ctx, m.ref); err != nil || len(list) != 1 {
		return fmt.Sprintf("she has %d drafts (%v)", len(list), err)
	}
	if a, err := s.wallets.AddressInfo(ctx, m.ref, m.address); err != nil || a.Label != m.user.Name+" label" {
		return fmt.Sprintf("her label is %q (%v)", a.Label, err)
	}
	if page, err := s.wallets.Coins(ctx, m.ref, wallet.Query{Filter: "frozen", Size: 10}); err != nil || len(page.Rows) != 0 {
		return fmt.Sprintf("%d of her coins are frozen (%v)", len(page.Rows), err)
	}
	if d, err := s.devices.Get(ctx, m.user.ID, m.device.Alias); err != nil || d.Name != m.device.Name || len(d.Keys) != len(m.device.Keys) {
		return fmt.Sprintf("her device is %q (%v)", d.Name, err)
	}
	if _, err := s.auth.Token(ctx, m.user.ID, m.token.ID); err != nil {
		return "her token is gone"
	}
	return ""
}

// heal puts back what Alice has changed; when that does not do, another Alice comes.
func (s *stage) heal() {
	s.t.Helper()
	ctx := context.Background()
	m := &s.alice
	_ = s.auth.RenameUser(ctx, m.user.ID, m.user.Name)
	_ = s.wallets.Rename(ctx, m.ref, m.user.Name+" wallet")
	_ = s.wallets.SetLabel(ctx, m.ref, wallet.LabelAddress, m.address, m.user.Name+" label")
	_, _ = s.devices.Rename(ctx, m.user.ID, m.device.Alias, m.device.Name)
	if out, err := wire.NewOutPointFromString(m.coin); err == nil {
		_ = s.wallets.Freeze(ctx, m.ref, []wire.OutPoint{*out}, false)
	}
	drafts, err := s.wallets.Drafts(ctx, m.ref)
	if err == nil {
		for _, d := range drafts {
			_ = s.wallets.DeleteDraft(ctx, m.ref, d.ID)
		}
		s.newDraft(m)
	}
	if _, err := s.auth.Token(ctx, m.user.ID, m.token.ID); err != nil {
		s.newToken(m)
	}
	if s.damage() != "" {
		s.newAlice()
	}
}

// loggedOut reports whether Alice's session is gone.
func (s *stage) loggedOut() bool {
	list, err := s.auth.Sessions(context.Background(), s.alice.user.ID)
	return err != nil || !slices.ContainsFunc(list, func(x auth.Session) bool { return x.ID == s.alice.session.ID })
}

// TestNobodyReachesWhatIsAnothersByAnyRoute sends every route as every visitor.
func TestNobodyReachesWhatIsAnothersByAnyRoute(t *testing.T) {
	s := newStage(t)
	rows := readRoles(t)
	routes := everyRoute(t, s.house)
	for _, rt := range routes {
		if _, ok := rows[rt.method+" "+rt.path]; !ok {
			t.Errorf("no row says who may: %s %s", rt.method, rt.path)
		}
	}
	if n := len(rows); n > len(routes) {
		t.Errorf("%d rows for %d routes: some rows are of the past", n, len(routes))
	}
	requests := 0
	for _, name := range visitors {
		for _, rt := range routes {
			row, ok := rows[rt.method+" "+rt.path]
			if !ok {
				continue
			}
			s.mend()
			for _, path := range s.paths(rt.path, name) {
				status, location, text := s.send(rt, row, path, name)
				requests++
				s.judge(rt, row.marks[name], path, s.body(rt, row.body, name), name, status, location, text)
			}
			damage := s.damage()
			if name != "member" && (damage != "" || s.loggedOut()) {
				t.Errorf("%s sent %s %s, and Alice has lost something: %s", name, rt.method, rt.path, damage)
			}
			switch {
			case damage != "":
				s.heal()
			case s.loggedOut():
				s.alice.browser, s.alice.session = s.logIn(s.alice.user, s.alice.password)
			}
		}
	}
	t.Logf("%d routes, %d requests", len(routes), requests)
}

// judge holds one answer against the table.
func (s *stage) judge(rt asked, mark byte, path, sent, name string, status int, location, text string) {
	s.t.Helper()
	what := fmt.Sprintf("%s %s as %s (%s)", rt.method, rt.path, name, path)
	if status >= 500 && status != http.StatusServiceUnavailable {
		s.t.Errorf("%s: %d %.300s", what, status, text)
	}
	if refused := refusedBy(status, location); refused != (mark == '-') {
		s.t.Errorf("%s: answers %d %s, the table says %c: %.200s", what, status, location, mark, text)
	}
	if seen := s.alice.tells(text, path+sent); seen != "" && name != "member" && mark != '*' {
		s.t.Errorf("%s: the answer names %q", what, seen)
	}
}
