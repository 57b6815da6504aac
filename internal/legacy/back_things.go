package legacy

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"specter/internal/auth"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/setting"
)

// oldTypes are the kinds of device that the old program knows.
var oldTypes = []string{"bitbox02", "bitcoincore", "bitcoincore_watchonly", "cobo", "coldcard", "elementscore", "electrum", "jade", "keepkey",
	"keycardshell", "keystone", "ledger", "other", "passport", "seedsigner", "specter", "trezor"}

// nodes writes the connections.
func (b *back) nodes() error {
	list, err := b.r.Nodes.List(b.ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.Kind != node.Core {
			b.line("node", "", n.Name, LeftOut, "the old program has no such node")
			continue
		}
		alias, detail := b.oldAlias("node", auth.OwnerID, n.ID, "nodes", n.Alias), ""
		name := "nodes/" + alias + ".json"
		b.aliases["node "+n.Alias] = alias
		wrote := b.wrote(name)
		auto, datadir := n.Autodetect, n.Datadir
		if !auto && n.User == "" && n.CookieFile != "" {
			auto, datadir = true, filepath.Dir(n.CookieFile)
			detail = "the old program finds name and password in the node's folder by itself"
		}
		class := "cryptoadvance.specter.node.Node"
		if wrote.Raw.has("external_node") && !wrote.Raw.yes("external_node") {
			class = "cryptoadvance.specter.internal_node.InternalNode"
		}
		for key, v := range map[string]any{"python_class": class, "node_type": "BTC"} {
			if !wrote.Raw.has(key) {
				wrote.put(key, v)
			}
		}
		for key, v := range map[string]any{"fullpath": b.at(name), "name": n.Name, "alias": alias,
			"autodetect": auto, "datadir": datadir, "user": n.User, "password": n.Password.Reveal(), "port": strconv.Itoa(n.Port), "host": n.Host, "protocol": n.Protocol} {
			wrote.put(key, v)
		}
		if err := b.json(name, wrote.Raw); err != nil {
			return err
		}
		b.line("node", "", n.Name, Written, "%s", detail)
	}
	return nil
}

// at is where a file will lie.
func (b *back) at(name string) string { return filepath.Join(b.rep.From, filepath.FromSlash(name)) }

func (b *back) devices() error {
	for _, u := range b.users {
		list, err := b.r.Devices.List(b.ctx, u.ID)
		if err != nil {
			return err
		}
		for _, d := range list {
			typ, detail := d.Type, ""
			alias := b.oldAlias("device", u.ID, d.ID, b.folder("devices", u.ID), d.Alias)
			switch {
			case typ != "" && b.wrote(path.Join(b.folder("devices", u.ID), alias+".json")).Here["type"] == typ: // as it was
			case typ == "hot":
				typ, detail = "other", "its keys alone: seeds of software keys stay here"
			case !slices.Contains(oldTypes, typ):
				typ, detail = "other", "the old program does not know this kind of device and calls it another"
			}
			b.aliases["device "+strconv.FormatInt(d.ID, 10)] = alias
			if err := b.device(u.ID, alias, d.Name, typ, d.Keys); err != nil {
				return err
			}
			b.line("device", u.Name, d.Name, Written, "%s", detail)
		}
	}
	return nil
}

func (b *back) device(userID, alias, name, typ string, keys []device.Key) error {
	file := path.Join(b.folder("devices", userID), alias+".json")
	kept, wrote := b.keptObject(file), b.wrote(file)
	before, _ := wrote.Raw.objects("keys")
	wrote.Raw.put("keys", keysAsWritten(before, keys))
	if !wrote.Raw.has("blinding_key") {
		wrote.put("blinding_key", kept.text("blinding_key"))
	}
	for key, v := range map[string]any{"name": name, "alias": alias, "type": typ, "fullpath": b.at(file)} {
		wrote.put(key, v)
	}
	if b.pages != nil && strings.HasSuffix(wrote.Raw.text("type"), "core") { // a backup signs nothing, as there
		wrote.Raw["type"] = json.RawMessage(`"bitcoincore_watchonly"`)
	}
	return b.json(file, wrote.Raw)
}

// keysAsWritten are the keys that a device has here: those that the old program wrote as they stood
// there, without those that were removed here, and with those that it could read and we cannot.
func keysAsWritten(before []object, keys []device.Key) []object {
	out, left := []object{}, slices.Clone(keys)
	for _, o := range before {
		k, err := readKey(o)
		if err != nil {
			if len(o) > 0 {
				out = append(out, o)
			}
			continue
		}
		i := slices.IndexFunc(left, func(l device.Key) bool {
			return l.Original == k.Original && l.XPub == k.XPub && l.ScriptType == k.ScriptType
		})
		if i < 0 {
			continue
		}
		if left[i].Purpose != k.Purpose {
			o.put("purpose", left[i].Purpose)
		}
		out, left = append(out, o), slices.Delete(left, i, i+1)
	}
	for _, k := range left {
		out = append(out, keyObject(k))
	}
	return out
}

// keyObject is a key as the old program writes it.
func keyObject(k device.Key) object {
	o := object{}
	fingerprint, derivation := "", ""
	if k.HasOrigin {
		fingerprint, derivation = k.Fingerprint.String(), k.Path.Full()
	}
	for key, v := range map[string]any{"original": k.Original, "fingerprint": fingerprint, "derivation": derivation, "type": k.ScriptType, "purpose": k.Purpose, "xpub": k.XPub} {
		o.put(key, v)
	}
	return o
}

// oldConfig is what the old program has in config.json where nothing was chosen.
const oldConfig = `{"auth": {"method": "none", "password_min_chars": 6, "rate_limit": 10, "registration_link_timeout": 1},
"explorers": {"main": "", "test": "", "regtest": "", "signet": ""}, "explorer_id": {"main": "CUSTOM", "test": "CUSTOM", "regtest": "CUSTOM", "signet": "CUSTOM"},
"asset_labels": {"liquidv1": {}}, "active_node_alias": null, "proxy_url": "socks5h://localhost:9050", "only_tor": false, "tor_control_port": "", "tor_status": false,
"hwi_bridge_url": "/hwi/api/", "uid": "", "unit": "btc", "price_check": false, "alt_rate": 1, "alt_symbol": "BTC", "price_provider": "", "weight_unit": "oz",
"validate_merkle_proofs": false, "fee_estimator": "bitcoin_core", "fee_estimator_custom_url": "", "hide_sensitive_info": false,
"autohide_sensitive_info_timeout_minutes": null, "autologout_timeout_hours": 4, "testing": {"allow_threading_for_testing": false}, "bitcoind": false}`

// config writes config.json: what stood there before, and over it what holds here now.
func (b *back) config() error {
	o := b.keptObject("config.json")
	if len(o) == 0 {
		if err := unmarshal([]byte(oldConfig), &o, nil); err != nil {
			return err
		}
	}
	for _, old := range []string{"rpc", "internal_node"} { // nodes have files of their own now
		delete(o, old)
	}
	l, login := b.r.Auth.Settings(), o.object("auth")
	method := l.Method
	if method == auth.MethodUnset {
		method = auth.MethodNone
	}
	login.put("method", method)
	login.put("password_min_chars", l.MinPassword)
	login.put("registration_link_timeout", l.InvitationHours)
	if !login.has("rate_limit") {
		login.put("rate_limit", 10)
	}
	o.put("auth", login)
	o.put("uid", b.uid)
	active := o.text("active_node_alias") // it stays where it names a node that only the old program can use
	if b.kept["nodes/"+active+".json"] == nil {
		o.put("active_node_alias", nil)
	}
	if n, err := b.r.Nodes.Active(b.ctx); err == nil && n.Kind == node.Core {
		o.put("active_node_alias", b.aliases["node "+n.Alias])
	}
	u, err := b.r.Settings.User(b.ctx, auth.OwnerID)
	if err != nil {
		return err
	}
	logout, err := b.r.Settings.LogoutAfter(b.ctx, auth.OwnerID)
	if err != nil {
		return err
	}
	b.choices(o, u, logout, true)
	p, err := b.r.Settings.Program(b.ctx)
	if err != nil {
		return err
	}
	o.put("only_tor", p.ProxyOnly)
	if p.Proxy != "" && !strings.HasSuffix(o.text("proxy_url"), "://"+p.Proxy) {
		o.put("proxy_url", "socks5h://"+p.Proxy)
	}
	b.line("settings", "", "config.json", Written, "")
	return b.json("config.json", o)
}

// program writes the small files beside the config.
func (b *back) program() error {
	bridge, err := b.r.Settings.Bridge(b.ctx)
	if err != nil {
		return err
	}
	had := b.kept["hwi_bridge_config.json"] != nil
	o := b.keptObject("hwi_bridge_config.json")
	if !o.has("bitbox02_pairing_code") {
		o.put("bitbox02_pairing_code", "")
	}
	var lines strings.Builder
	for _, origin := range bridge.Origins {
		if origin != "*" {
			origin = strings.TrimSuffix(origin, "/") + "/"
		}
		fmt.Fprintln(&lines, origin)
	}
	o.put("whitelisted_domains", lines.String())
	if len(bridge.Origins) != 1 || bridge.Origins[0] != setting.DefaultOrigin || had {
		if err := b.json("hwi_bridge_config.json", o); err != nil {
			return err
		}
		b.line("program", "", "whitelist of the bridge", Written, "")
	}
	onion := ""
	if b.r.Files != nil {
		if key, err := b.r.Files.Read(fileOnionKey); err == nil {
			onion = strings.TrimSpace(string(key))
		}
	}
	for _, w := range []struct{ name, file, label, first string }{
		{SettingOnionKey, ".tor_service_key", "key of the onion service", onion}, {SettingOnion, "onion.txt", "address of the onion service", ""},
		{SettingCertificate, "cert.pem", "TLS certificate", ""}, {SettingKey, "key.pem", "key of the TLS certificate", ""},
	} {
		value := w.first
		if value == "" {
			if value, err = b.r.Words.Setting(b.ctx, "", w.name); err != nil {
				return err
			}
		}
		if value == "" {
			continue
		}
		if err := b.file(w.file, []byte(value)); err != nil {
			return err
		}
		b.line("program", "", w.label, Written, "")
	}
	return nil
}

// The old program's last changes of its own folder, which it makes where its diary does not name
// them; the second one takes every connection without an old mark for a node that it started
// itself. What is written here has the newest form.
const (
	fileHistory  = "migration_data.json"
	newestForm   = "v2.1.11"
	lastChange   = 2
	historyStamp = "2006-01-02 15:04:05.000000"
)

// history writes the old program's diary of versions and changes: the one that came from there, or
// one that says that the folder is new.
func (b *back) history() error {
	old := object{}
	if raw := b.kept[fileHistory]; raw != nil && json.Unmarshal(raw, &old) != nil {
		delete(b.kept, fileHistory)
		old = object{}
	}
	events, _ := old.objects("events")
	done, _ := old.objects("migration_executions")
	if len(events) > 0 && strings.HasPrefix(strings.TrimPrefix(events[0].text("version"), "v"), "2.") {
		return nil // it makes no changes to a folder of that version; rest writes it as it was
	}
	now := b.r.Now().UTC().Format(historyStamp)
	if len(events) == 0 {
		o := object{}
		o.put("timestamp", now)
		o.put("version", newestForm)
		events = []object{o}
	}
	for id := int64(1); id <= lastChange; id++ {
		if slices.ContainsFunc(done, func(o object) bool { return o.whole("migration_id", 0, 1000, -1) == id }) {
			continue
		}
		o := object{}
		o.put("timestamp", now)
		o.put("migration_id", id)
		o.put("status", "completed")
		o.put("executing_version", newestForm)
		done = append(done, o)
	}
	delete(b.kept, fileHistory)
	old.put("events", events)
	old.put("migration_executions", done)
	return b.json(fileHistory, old)
}
