package legacy

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/rates"
	"specter/internal/setting"
)

// oldUser is a record of users.json.
type oldUser struct {
	ID       string              `json:"id"`
	Username string              `json:"username"`
	Password map[string]string   `json:"password"`
	Admin    bool                `json:"is_admin"`
	Tokens   map[string]oldToken `json:"jwt_tokens"`
	Secret   json.RawMessage     `json:"encrypted_user_secret"`
	Services json.RawMessage     `json:"services"`
	Config   object              `json:"config,omitempty"`

	more object // what else stood there
}

// MarshalJSON adds what else stood there.
func (u oldUser) MarshalJSON() ([]byte, error) {
	type plain oldUser
	raw, err := json.Marshal(plain(u))
	if err != nil || len(u.more) == 0 {
		return raw, err
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	for key, v := range u.more {
		if _, has := o[key]; !has {
			o[key] = v
		}
	}
	return json.Marshal(o)
}

type oldToken struct {
	JWT         string  `json:"jwt_token"`
	Description string  `json:"jwt_token_description"`
	Life        float64 `json:"jwt_token_life"` // seconds
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// people writes users.json. Users have the ids that they had, new ones get theirs from the name.
func (b *back) people() error {
	var err error
	if b.users, err = b.r.Auth.Users(b.ctx); err != nil {
		return err
	}
	taken := map[string]bool{OwnerID: true}
	b.ids[auth.OwnerID] = OwnerID
	err = b.facts.ImportedOf(b.ctx, "user", func(_, name, ref string, _ []byte) error {
		_, id, _ := strings.Cut(name, "/")
		here := slices.ContainsFunc(b.users, func(u auth.User) bool { return u.ID == ref })
		if here && b.ids[ref] == "" && !taken[id] && ownerOf("wallets_"+id, "wallets") == id {
			b.ids[ref], taken[id] = id, true
		}
		return nil
	})
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	err = b.facts.ImportedOf(b.ctx, kindToken, func(_, name, _ string, value []byte) error {
		_, id, _ := strings.Cut(name, "/")
		tokens[id] = string(value)
		return nil
	})
	if err != nil {
		return err
	}
	list := []oldUser{}
	for _, u := range b.users {
		if b.ids[u.ID] == "" {
			id := strings.ReplaceAll(btc.Slug(u.Name), "/", "_")
			if id == "" || len(id) > 100 {
				id = "user"
			}
			for base, i := id, 2; taken[id]; i++ {
				id = fmt.Sprintf("%s_%d", base, i)
			}
			b.ids[u.ID], taken[id] = id, true
		}
		b.names[u.ID] = u.Name
		o, err := b.user(u, tokens)
		if err != nil {
			return err
		}
		list = append(list, o)
	}
	if err := b.links(); err != nil {
		return err
	}
	return b.json("users.json", list)
}

func (b *back) user(u auth.User, tokens map[string]string) (oldUser, error) {
	id := b.ids[u.ID]
	o := oldUser{ID: id, Username: u.Name, Admin: u.Owner(), Tokens: map[string]oldToken{}, Secret: json.RawMessage("null"), Services: json.RawMessage("[]")}
	salt, hash, known, err := b.r.Auth.OldHash(b.ctx, u.ID)
	if err != nil {
		return o, err
	}
	detail := "logs in with the same password"
	if !known {
		password := rand.Text()
		if salt, hash, err = auth.MakeOldHash(password); err != nil {
			return o, err
		}
		detail = "the old program cannot use the stored form of the password, so nobody can log in as this user; --new-passwords makes one that works once it is told"
		if b.o.Passwords {
			b.made = append(b.made, Password{u.Name, password})
			detail = "with a new password; what extensions had encrypted with the old one does not open"
		}
	}
	o.Password = map[string]string{"salt": salt, "pwdhash": hash}
	wrote := b.wrote("users.json/" + id)
	for name, into := range map[string]*json.RawMessage{"encrypted_user_secret": &o.Secret, "services": &o.Services} {
		file := "users.json/" + id + "/" + name
		if raw := b.kept[file]; json.Valid(raw) {
			*into = raw
		}
		delete(b.kept, file)
	}
	if !known { // it opens with the old password alone, and the old program fails at each login where it does not
		o.Secret = json.RawMessage("null")
	}
	before := wrote.Raw.object("jwt_tokens")
	for name := range before { // those that were not taken, as nobody told the key, are as they were
		if t := before.object(name); tokens[name] == "" && t.text("jwt_token") != "" {
			o.Tokens[name] = oldToken{t.text("jwt_token"), t.text("jwt_token_description"), t.seconds("jwt_token_life")}
		}
	}
	if err := b.tokens(u, tokens, o.Tokens); err != nil {
		return o, err
	}
	o.more = wrote.Raw.without("id", "username", "password", "is_admin", "jwt_tokens", "encrypted_user_secret", "services", "config")
	if !u.Owner() {
		chosen, err := b.r.Settings.User(b.ctx, u.ID)
		if err != nil {
			return o, err
		}
		o.Config = wrote.Raw.object("config")
		minutes, err := b.r.Settings.LogoutAfter(b.ctx, u.ID)
		if err != nil {
			return o, err
		}
		b.choices(o.Config, chosen, minutes, false)
	}
	b.line("user", u.Name, u.Name, Written, "%s", detail)
	return o, nil
}

// tokens writes those that came from an old Specter and were not deleted here.
func (b *back) tokens(u auth.User, known map[string]string, into map[string]oldToken) error {
	list, err := b.r.Auth.Tokens(b.ctx, u.ID)
	if err != nil {
		return err
	}
	left := 0
	for _, t := range list {
		jwt := known[t.ID]
		if jwt == "" {
			left++
			continue
		}
		into[t.ID] = oldToken{jwt, t.Description, t.Life.Seconds()}
		b.line("token", u.Name, t.Description, Written, "good while the old program has the SECRET_KEY of before")
	}
	if left > 0 {
		b.line("token", u.Name, plural(left, "API token", "API tokens"), LeftOut, "made here; the old program signs its own, with another key")
	}
	return nil
}

// links writes the registration links that came from the old program and are still good here. Of
// those made here only the hashes are stored.
func (b *back) links() error {
	list, err := b.r.Auth.Invitations(b.ctx, auth.Identity{User: b.users[0]})
	if err != nil {
		return err
	}
	o := b.keptObject("otps.json")
	was, _ := o.objects("new_user_otps")
	var good []object
	for _, l := range was {
		here, err := b.r.Auth.Waiting(b.ctx, l.text("otp"))
		if err != nil {
			return err
		}
		if here {
			good = append(good, l)
		}
	}
	if left := len(list) - len(good); left > 0 {
		b.line("link", "", plural(left, "registration link", "registration links"), LeftOut, "only their hashes are stored here; make new ones there")
	}
	if len(good) == 0 {
		return nil
	}
	o.put("new_user_otps", good)
	b.line("link", "", plural(len(good), "registration link", "registration links"), Written, "")
	return b.json("otps.json", o)
}

// explorerIDs are the old program's names of explorers.
var explorerIDs = map[string]string{setting.ExplorerMempool: "MEMPOOL_SPACE", setting.ExplorerMempoolOnion: "MEMPOOL_SPACE_ONION",
	setting.ExplorerBlockstream: "BLOCKSTREAM_INFO", setting.ExplorerBlockstreamOnion: "BLOCKSTREAM_INFO_ONION"}

// choices writes a user's settings over a config. A choice that reads the same is left as it
// stands there.
func (b *back) choices(o object, u setting.User, logout int, owner bool) {
	before := settingsOf(o)
	o.put("unit", u.Unit)
	o.put("hide_sensitive_info", u.Hide)
	if u.HideAfter > 0 {
		o.put("autohide_sensitive_info_timeout_minutes", u.HideAfter)
	} else if before.HideAfter > 0 {
		o.put("autohide_sensitive_info_timeout_minutes", nil)
	}
	if was := before.Logout; was != nil && *was != logout || was == nil && logout != setting.DefaultLogoutAfter {
		o.put("autologout_timeout_hours", nil)
		if logout > 0 {
			o.put("autologout_timeout_hours", (logout+59)/60) // it knows whole hours
		}
	}
	o.put("validate_merkle_proofs", u.Proofs)
	switch u.Rates.Fees {
	case rates.FeesMempool:
		o.put("fee_estimator", "mempool")
	case rates.FeesOwn:
		o.put("fee_estimator", "custom")
		if before.FeesURL != u.Rates.FeesURL {
			o.put("fee_estimator_custom_url", u.Rates.FeesURL)
		}
	default:
		if owner || before.FeesURL == "" { // a member's own server is not asked here, and stays chosen there
			o.put("fee_estimator", "bitcoin_core")
		}
	}
	if bridge := u.Bridge; strings.TrimSuffix(bridge, "/") != strings.TrimSuffix(before.Bridge, "/") && (owner || before.Bridge == "" || setting.BridgeInBrowser(before.Bridge)) || !o.has("hwi_bridge_url") {
		if bridge == "" || bridge == setting.AgentBridge {
			bridge = "/hwi/api/"
		}
		o.put("hwi_bridge_url", bridge)
	}
	if before.Price != u.Rates.Price || u.Rates.Price != "" && before.Currency != u.Rates.Currency {
		text := u.Rates.Price + "_" + strings.ToLower(u.Rates.Currency)
		id, currency := provider(text)
		same := id != "" && id == u.Rates.Price && currency == u.Rates.Currency
		o.put("price_check", same)
		if same {
			o.put("price_provider", text)
		}
	}
	urls, ids := o.object("explorers"), o.object("explorer_id")
	for _, n := range []btc.Network{btc.Mainnet, btc.Testnet3, btc.Regtest, btc.Signet} {
		e := u.Explorers[n]
		_, chosen := u.Explorers[n]
		if was, told := before.Explorers[n]; told && was == e || !told && !chosen && urls.has(n.CoreName()) {
			continue // as it was, or one that means nothing here
		}
		urls.put(n.CoreName(), e.URL)
		ids.put(n.CoreName(), "CUSTOM")
		if id := explorerIDs[e.Kind]; id != "" {
			ids.put(n.CoreName(), id)
		}
	}
	o.put("explorers", urls)
	o.put("explorer_id", ids)
}
