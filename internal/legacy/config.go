package legacy

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/node"
	"specter/internal/rates"
	"specter/internal/setting"
)

// Settings are a user's choices in our words. nil and "" mean: as by default.
type Settings struct {
	Unit      string
	Hide      bool
	HideAfter int // minutes
	Proofs    bool
	Fees      string // of rates
	FeesURL   string
	Price     string // provider
	Currency  string
	Explorers map[btc.Network]setting.Explorer
	Told      bool   // there was anything to read
	Bridge    string // address of the USB bridge; "": this server's own
	Logout    *int   // minutes until somebody who is away is logged out; 0: never
}

// config reads config.json: what is the program's, and what is the owner's own.
func (f *Found) config(s *Source) {
	var o object
	if _, ok := f.decode(s, "config.json", &o, nil); !ok {
		return
	}
	if uid := strings.ToLower(o.text("uid")); node.ValidUID(uid) {
		f.UID = uid
	} else if o.has("uid") {
		f.problem("config.json", "the uid is no hexadecimal number; wallets inside the node are not found again by it")
	}
	f.login(o)
	f.Active = o.text("active_node_alias")
	f.Program.Proxy, f.Program.OnlyTor = o.text("proxy_url"), o.yes("only_tor")
	f.user(OwnerID).Settings = settingsOf(o)
	f.oldNodes(o)
}

// login reads how people logged in. The oldest folders have one word there.
func (f *Found) login(o object) {
	method := o.text("auth")
	hours, least := int64(1), int64(0)
	if method == "" {
		a := o.object("auth")
		method = a.text("method")
		hours = a.whole("registration_link_timeout", -1<<31, 1<<31, 1)
		least = a.whole("password_min_chars", 0, 1000, 0)
	}
	switch m := auth.Method(method); m {
	case auth.MethodNone, auth.MethodPassword, auth.MethodRPC, auth.MethodUsers:
		f.Login = &Login{Method: m, MinPassword: int(least), InvitationHours: int(max(hours, 0))}
	case "":
	default:
		f.problem("config.json", "the way of logging in is not known: "+clip(method, 40))
	}
}

// settingsOf reads the choices that the owner's and everybody else's config have in common.
func settingsOf(o object) Settings {
	v := Settings{Told: len(o) > 0, Explorers: map[btc.Network]setting.Explorer{}}
	if o.text("unit") == "sat" {
		v.Unit = "sat"
	}
	v.Hide = o.yes("hide_sensitive_info")
	v.HideAfter = int(o.whole("autohide_sensitive_info_timeout_minutes", 0, setting.MaxHideAfter, 0))
	v.Proofs = o.yes("validate_merkle_proofs")
	switch o.text("fee_estimator") {
	case "mempool":
		v.Fees = rates.FeesMempool
	case "custom":
		if u, err := rates.CleanURL(o.text("fee_estimator_custom_url")); err == nil {
			v.Fees, v.FeesURL = rates.FeesOwn, u
		}
	}
	if o.yes("price_check") {
		v.Price, v.Currency = provider(o.text("price_provider"))
	}
	if u := o.text("hwi_bridge_url"); strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
		v.Bridge = u
	}
	v.Logout = logoutOf(o)
	explorers, ids := o.object("explorers"), o.object("explorer_id")
	for _, n := range btc.Networks() {
		if e, ok := explorer(n, ids.text(n.CoreName()), explorers.text(n.CoreName())); ok {
			v.Explorers[n] = e
		}
	}
	return v
}

// logoutOf reads after how many hours somebody is logged out; null is never. Where nobody logs in,
// the old program wrote null by itself, which is nobody's choice.
func logoutOf(o object) *int {
	const key = "autologout_timeout_hours"
	raw, told := o[key]
	hours := o.whole(key, 1, setting.MaxLogoutAfter/60, 0)
	never := hours == 0 && string(bytes.TrimSpace(raw)) == "null"
	open := o.text("auth") == string(auth.MethodNone) || o.object("auth").text("method") == string(auth.MethodNone)
	if !told || hours == 0 && !never || never && open {
		return nil
	}
	minutes := int(hours) * 60
	return &minutes
}

// provider reads "bitstamp_usd" and "spotbit_coinbase_eur". Metals and the spotbit servers, which
// are no more, come to the exchange that they stood for, or to nothing.
func provider(text string) (id, currency string) {
	text = strings.TrimPrefix(strings.ToLower(text), "spotbit_")
	id, currency, _ = strings.Cut(text, "_")
	if id == "coindesk" { // gave its service up
		id = "coinbase"
	}
	p, known := rates.ProviderOf(id)
	if !known || !p.Outside || id == "own" || len(currency) != 3 {
		return "", ""
	}
	return id, strings.ToUpper(currency)
}

// explorer reads an explorer by its id, else by its address.
func explorer(n btc.Network, id, url string) (setting.Explorer, bool) {
	kinds := map[string]string{"MEMPOOL_SPACE": setting.ExplorerMempool, "MEMPOOL_SPACE_ONION": setting.ExplorerMempoolOnion,
		"BLOCKSTREAM_INFO": setting.ExplorerBlockstream, "BLOCKSTREAM_INFO_ONION": setting.ExplorerBlockstreamOnion}
	e := setting.Explorer{Kind: kinds[id]}
	if e.Kind == "" {
		e = setting.Explorer{Kind: setting.ExplorerOwn, URL: url}
	}
	if e.Kind == setting.ExplorerOwn && url == "" {
		return e, false
	}
	e, err := e.Check(n)
	return e, err == nil
}

// small reads the small files beside the config.
func (f *Found) small(s *Source) {
	var bridge object
	if _, ok := f.decode(s, "hwi_bridge_config.json", &bridge, nil); ok {
		f.Program.Whitelist = strings.Join(strings.Fields(clip(bridge.text("whitelisted_domains"), maxSmall)), "\n")
	}
	if text, ok := f.smallText(s, "onion.txt"); ok && strings.HasSuffix(text, ".onion") && len(text) < 100 {
		f.Program.Onion = text
	}
	if text, ok := f.smallText(s, ".tor_service_key"); ok {
		body, is := strings.CutPrefix(text, "ED25519-V3:")
		if raw, err := base64.StdEncoding.DecodeString(body); is && err == nil && len(raw) == 64 {
			f.Program.OnionKey = text
		} else {
			f.problem(".tor_service_key", "it holds no key of an onion service; it is left out")
		}
	}
	cert, hasCert := f.smallText(s, "cert.pem")
	key, hasKey := f.smallText(s, "key.pem")
	switch c, _ := pem.Decode([]byte(cert)); {
	case !hasCert || !hasKey:
	case c == nil || c.Type != "CERTIFICATE":
		f.problem("cert.pem", "it holds no certificate; it is left out")
	default:
		if k, _ := pem.Decode([]byte(key)); k == nil || !strings.HasSuffix(k.Type, "PRIVATE KEY") {
			f.problem("key.pem", "it holds no private key; certificate and key are left out")
			return
		}
		f.Program.Certificate, f.Program.Key = []byte(cert+"\n"), []byte(key+"\n")
	}
}

func (f *Found) smallText(s *Source, name string) (string, bool) {
	if !s.Has(name) && !s.Has(name+bkp) {
		return "", false
	}
	b, err := s.read(name, maxSmall)
	if (err != nil || len(strings.TrimSpace(string(b))) == 0) && s.Has(name+bkp) {
		f.problem(name, "it is missing, empty or cannot be read; its copy "+name+bkp+" is used")
		b, err = s.read(name+bkp, maxSmall)
	}
	if err != nil {
		f.problem(name, "it cannot be read ("+why(err)+"); it is left out")
		return "", false
	}
	return strings.TrimSpace(string(b)), true
}
