package legacy_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer/hot"
)

// maker writes random data folders as the original does, in every form that the contract has.
type maker struct {
	t     testing.TB
	r     *rand.Rand
	files map[string]string
	uid   string
	nth   int
}

// The kinds of device of the original, and some that nobody knows.
var madeTypes = []string{"trezor", "ledger", "bitbox02", "keepkey", "specter", "coldcard", "keystone", "cobo", "passport", "keycardshell", "jade", "seedsigner",
	"bitcoincore", "bitcoincore_watchonly", "elementscore", "other", "electrum", "somebodys_device"}

// madeScripts are the scripts of wallets: the original's words, and where their keys lie.
var madeScripts = []struct {
	form, path, kind, address, words string
	multi                            bool
}{
	{"pkh(%s)", "44h/%dh/0h", "", "legacy", "Legacy", false},
	{"wpkh(%s)", "84h/%dh/0h", "wpkh", "bech32", "Segwit", false},
	{"sh(wpkh(%s))", "49h/%dh/0h", "sh-wpkh", "p2sh-segwit", "Nested", false},
	{"tr(%s)", "86h/%dh/0h", "tr", "taproot", "Taproot", false},
	{"sh(sortedmulti(%s))", "45h/%dh/0h", "", "legacy", "Legacy", true},
	{"wsh(sortedmulti(%s))", "48h/%dh/0h/2h", "wsh", "bech32", "Segwit", true},
	{"sh(wsh(sortedmulti(%s)))", "48h/%dh/0h/1h", "sh-wsh", "p2sh-segwit", "Nested", true},
}

var madeLabels = []string{"salary march", `from Bob, "cash" & co`, "Unused – für Müller", "two\nlines", "🙂 日本", "'single', [list]", "=1+1", "  spaces around  ", "Address #5", strings.Repeat("long ", 150)}

func (m *maker) one(list ...string) string { return list[m.r.IntN(len(list))] }

func (m *maker) json(name string, v any) {
	b, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		m.t.Fatal(err)
	}
	m.files[name] = string(b)
}

// madeKey is a cosigner's key with its seed.
type madeKey struct {
	seed   []byte
	object map[string]any
	text   string // in descriptors
	device string
}

func (m *maker) key(seed []byte, script int, n btc.Network) madeKey {
	s, coin := madeScripts[script], 1
	if n.IsMain() {
		coin = 0
	}
	path := fmt.Sprintf(s.path, coin)
	master, err := btc.NewMaster(seed, n.IsMain())
	if err != nil {
		m.t.Fatal(err)
	}
	p, err := btc.ParsePath("m/" + path)
	if err != nil {
		m.t.Fatal(err)
	}
	x, err := master.Derive(p)
	if err != nil {
		m.t.Fatal(err)
	}
	xpub, fp := x.Public().String(), master.Fingerprint().String()
	original := xpub
	if s.kind != "" && m.r.IntN(2) == 0 {
		original = x.Public().Encode(btc.VersionFor(s.kind, n.IsMain(), false).Bytes)
	}
	return madeKey{seed: seed, text: "[" + fp + "/" + path + "]" + xpub, object: map[string]any{"original": original, "fingerprint": fp,
		"derivation": "m/" + path, "type": s.kind, "purpose": m.one("#0 Single Sig (Segwit)", "Multisig (Segwit)", "General", "my own words, really"), "xpub": xpub}}
}

// folder writes the whole.
func (m *maker) folder() {
	users := []string{"", "_ann", "_bob_builder"}[:1+m.r.IntN(3)]
	config := map[string]any{"auth": map[string]any{"method": m.one("none", "passwordonly", "usernamepassword", "rpcpasswordaspin"), "password_min_chars": 6 + m.r.IntN(5), "rate_limit": m.one("10", "7"), "registration_link_timeout": 1 + m.r.IntN(48)},
		"explorers":    map[string]any{"main": m.one("", "https://mempool.space/"), "test": "", "regtest": m.one("", "http://explorer.local:3000/"), "signet": ""},
		"explorer_id":  map[string]any{"main": m.one("CUSTOM"), "test": "CUSTOM", "regtest": "CUSTOM", "signet": m.one("CUSTOM", "MEMPOOL_SPACE")},
		"asset_labels": map[string]any{"liquidv1": map[string]any{strings.Repeat("ab", 32): "my asset"}}, "active_node_alias": "home", "proxy_url": "socks5h://localhost:9050", "only_tor": m.r.IntN(2) == 0,
		"tor_control_port": "9051", "tor_status": false, "tor_type": m.one("disabled", "builtin", "custom"), "torrc_password": "torrc secret", "hwi_bridge_url": m.one("/hwi/api/", "http://127.0.0.1:25441/hwi/api/"), "uid": m.uid, "unit": m.one("btc", "sat"),
		"price_check": m.r.IntN(2) == 0, "alt_rate": 1, "alt_symbol": m.one("BTC", "€"), "price_provider": m.one("", "bitstamp_eur", "spotbit_coinbase_usd"), "weight_unit": m.one("oz", "kg"), "validate_merkle_proofs": m.r.IntN(2) == 0,
		"fee_estimator": m.one("bitcoin_core", "mempool", "custom"), "fee_estimator_custom_url": m.one("", "https://fees.example/api"), "hide_sensitive_info": m.r.IntN(2) == 0, "autohide_sensitive_info_timeout_minutes": []any{nil, 20, 5}[m.r.IntN(3)],
		"autologout_timeout_hours": []any{nil, 4, 1}[m.r.IntN(3)], "testing": map[string]any{"allow_threading_for_testing": false}, "bitcoind": false, "services": []string{"swan"}}
	m.json("config.json", config)
	m.people(users)
	m.nodes()
	m.json("otps.json", map[string]any{"new_user_otps": []any{map[string]any{"otp": "kQ3kQ3kQ3kQ3kQ3kQ3kQ3g", "created_at": 1700000000.1, "expiry": 0}, map[string]any{"otp": "kQ4kQ3kQ3kQ3kQ3kQ3kQ3g", "created_at": 1700000000.1, "expiry": 4100000000.5}}})
	m.json("hwi_bridge_config.json", map[string]any{"whitelisted_domains": "http://127.0.0.1:25441/\nhttps://box.example/\n", "bitbox02_pairing_code": "AB CD"})
	m.json("migration_data.json", map[string]any{"events": []any{map[string]any{"timestamp": "2024-03-21 17:05:09.123456", "version": "2.1.1"}}, "migration_executions": []any{}})
	m.files[".tor_service_key"] = "ED25519-V3:" + strings.Repeat("eHh4", 21) + "eA=="
	m.files["onion.txt"] = "specterexampleonionaddress.onion"
	m.json("extensions/swan/state.json", map[string]any{"seen": []int{1, 2}})
	for _, u := range users {
		for range 1 + m.r.IntN(2) {
			m.json("devices"+u+"/"+m.alias("spare")+".json", m.device("Spare", nil))
		}
		for _, n := range []btc.Network{btc.Mainnet, btc.Testnet3, btc.Regtest, btc.Signet} {
			for range m.r.IntN(3) {
				m.wallet(u, n)
			}
		}
		m.json("wallets"+u+"/liquidv1/assets.json", map[string]any{"name": "Assets", "alias": "assets", "recv_descriptor": "blinded(slip77(L1),wpkh(x/0/*))", "change_descriptor": "blinded(slip77(L1),wpkh(x/1/*))"})
		m.files["wallets"+u+"/liquidv1/assets_addr.csv"] = "address,index,change,label,used,service_id\r\nlq1qq,0,False,confidential,,\r\n"
		m.json("wallets"+u+"/assets_swan.json", map[string]any{"addrs": map[string]any{"a": map[string]any{}}, "txs": map[string]any{}})
	}
	m.wallet("", btc.Regtest)
}

func (m *maker) alias(base string) string {
	m.nth++
	return fmt.Sprintf("%s_%d", base, m.nth)
}

func (m *maker) people(users []string) {
	password := map[string]any{"salt": salt, "pwdhash": hash}
	secret := map[string]any{"token": "gAAAAABlU_EABwcHBwcHBwcHBwcHBwcHB_YZosrkVd2SN_ro9pOasf_I", "salt": "AAECAwQFBgcICQoLDA0ODw==", "iterations": 390000}
	list := []any{map[string]any{"id": "admin", "username": m.one("admin", "Alice"), "password": password, "is_admin": true, "services": []string{"swan"}, "encrypted_user_secret": secret,
		"jwt_tokens": map[string]any{"0b7c1d5e-6f70-4a81-9b32-4c5d6e7f8091": map[string]any{"jwt_token": "a.b.c", "jwt_token_description": "watchtower", "jwt_token_life": 187200}}}}
	m.json("admin_services.json", map[string]any{"swan": "gAAAAA", "encrypted_storage_version": 1})
	m.json("Ann_unencrypted_services.json", map[string]any{"swan": `{"wallet": "savings"}`})
	for _, u := range users[1:] {
		name := map[string]string{"_ann": "Ann", "_bob_builder": "Bob Builder"}[u]
		list = append(list, map[string]any{"id": u[1:], "username": name, "password": password, "is_admin": false, "jwt_tokens": map[string]any{}, "encrypted_user_secret": nil, "services": []string{},
			"config": map[string]any{"explorers": map[string]any{"main": "", "test": "", "regtest": "", "signet": ""}, "explorer_id": map[string]any{"main": "CUSTOM", "test": "CUSTOM", "regtest": "CUSTOM", "signet": "CUSTOM"},
				"hwi_bridge_url": "/hwi/api/", "unit": m.one("btc", "sat"), "fee_estimator": m.one("bitcoin_core", "custom"), "fee_estimator_custom_url": "https://fees.example/api", "weight_unit": "g", "alt_rate": 2.5, "asset_labels": map[string]any{"liquidv1": map[string]any{}},
				"validate_merkle_proofs": false, "hide_sensitive_info": true, "price_check": false}})
	}
	m.json("users.json", list)
}

func (m *maker) nodes() {
	port := any(18443)
	if m.r.IntN(2) == 0 {
		port = "18443"
	}
	m.json("nodes/home.json", map[string]any{"python_class": "cryptoadvance.specter.node.Node", "fullpath": "/x/nodes/home.json", "name": "Home Node", "alias": "home", "autodetect": false, "datadir": m.one("", "/home/x/.bitcoin"),
		"user": "rpcjoe", "password": "s3cr3t, \"quoted\"", "port": port, "host": "192.168.1.20", "protocol": m.one("http", "https"), "node_type": "BTC"})
	m.json("nodes/managed.json", map[string]any{"python_class": "cryptoadvance.specter.internal_node.InternalNode", "fullpath": "/x/nodes/managed.json", "name": "Specter Bitcoin", "alias": "managed", "autodetect": false, "datadir": "/x/.bitcoin-main",
		"user": "bitcoin", "password": "p", "port": 8332, "host": "localhost", "protocol": "http", "node_type": "BTC", "bitcoind_path": "/x/bitcoind", "bitcoind_network": "main", "version": "0.21.1"})
	m.json("nodes/spectrum_node.json", map[string]any{"python_class": "cryptoadvance.specterext.spectrum.spectrum_node.SpectrumNode", "name": "Spectrum Node", "alias": "spectrum_node", "host": "electrum.example", "port": 50002, "ssl": true})
	m.json("nodes/liquid.json", map[string]any{"python_class": "cryptoadvance.specter.node.Node", "name": "Blockstream Liquid", "alias": "liquid", "host": "localhost", "port": 7041, "user": "", "password": "", "protocol": "http", "node_type": "ELM"})
}

func (m *maker) device(name string, keys []any) map[string]any {
	if keys == nil {
		keys = []any{m.key(m.seed(), m.r.IntN(len(madeScripts)), btc.Regtest).object}
		if m.r.IntN(3) == 0 {
			keys = append(keys, map[string]any{"original": "not a key that anybody can read", "fingerprint": "", "derivation": "", "type": "wpkh", "purpose": "?", "xpub": ""})
		}
	}
	blinding := ""
	if m.r.IntN(3) == 0 {
		blinding = "cQtaywTgNMEZUsnjJbmVfyFYPG5T1gJtzBdKvDWvVGMfsJ3uvbWD"
	}
	return map[string]any{"name": name + " " + fmt.Sprint(m.nth), "alias": "whatever", "type": madeTypes[m.r.IntN(len(madeTypes))], "keys": keys, "blinding_key": blinding, "fullpath": "/x"}
}

func (m *maker) seed() []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(m.r.IntN(256))
	}
	return b
}

// wallet writes a wallet with its devices, addresses, transactions, frozen coins and drafts.
func (m *maker) wallet(user string, n btc.Network) {
	script := m.r.IntN(len(madeScripts))
	s := madeScripts[script]
	count, need := 1, 1
	if s.multi {
		count = 2 + m.r.IntN(3)
		need = 1 + m.r.IntN(count)
	}
	var keys []madeKey
	var objects, aliases []any
	var texts []string
	for range count {
		k := m.key(m.seed(), script, n)
		k.device = m.alias("device")
		m.json("devices"+user+"/"+k.device+".json", m.device(fmt.Sprintf("Device %s", k.device), []any{k.object}))
		keys, objects, aliases, texts = append(keys, k), append(objects, k.object), append(aliases, k.device), append(texts, k.text+"/0/*")
	}
	inner, words := texts[0], fmt.Sprintf("Single (%s)", s.words)
	if s.multi {
		inner, words = fmt.Sprintf("%d,%s", need, strings.Join(texts, ",")), fmt.Sprintf("%d of %d Multisig (%s)", need, count, s.words)
	}
	recv := fmt.Sprintf(s.form, inner)
	branch := [2]*descriptor.Descriptor{m.parse(recv, n), m.parse(strings.ReplaceAll(recv, "/0/*", "/1/*"), n)}
	alias := m.alias(m.one("savings", "geschäft", "familie"))
	w := madeWallet{m: m, n: n, branch: branch, keys: keys, file: path.Join("wallets"+user, n.CoreName(), alias)}
	index := m.r.IntN(15)
	frozen, pending := w.money(index)
	m.json(w.file+".json", map[string]any{"name": "Wallet " + alias, "alias": alias, "description": words, "address_type": s.address, "address": w.address(0, index), "address_index": index,
		"change_address": w.address(1, 3), "change_index": 3, "keypool": 20 + index, "change_keypool": 20, "recv_descriptor": branch[0].String(), "change_descriptor": branch[1].String(),
		"keys": objects, "devices": aliases, "sigs_required": need, "blockheight": 100 + m.r.IntN(1000), "pending_psbts": pending, "frozen_utxo": frozen, "last_block": strings.Repeat("0a", 32), "fullpath": "/x/w.json"})
}

func (m *maker) parse(text string, n btc.Network) *descriptor.Descriptor {
	d, err := descriptor.Parse(text, descriptor.Options{Network: &n})
	if err != nil {
		m.t.Fatal(text, err)
	}
	return d
}

type madeWallet struct {
	m      *maker
	n      btc.Network
	branch [2]*descriptor.Descriptor
	keys   []madeKey
	file   string
}

func (w madeWallet) out(branch, index int) *descriptor.Output {
	o, err := w.branch[branch].Derive(uint32(index))
	if err != nil {
		w.m.t.Fatal(err)
	}
	return o
}

func (w madeWallet) address(branch, index int) string {
	a, ok := btc.AddressOf(w.out(branch, index).Script, w.n)
	if !ok {
		w.m.t.Fatal("no address")
	}
	return a
}

// money writes the tables, and returns frozen coins and pending payments.
func (w madeWallet) money(index int) (frozen []string, pending map[string]any) {
	m := w.m
	var addresses, txs strings.Builder
	addresses.WriteString("address,index,change,label,used,service_id\r\n")
	txs.WriteString("txid,fee,blockhash,blockheight,time,blocktime,bip125-replaceable,conflicts,vsize,address,category,flow_amount,utxo_amount,ismine\r\n")
	row := func(address, index, change, label, used, service string) {
		if strings.ContainsAny(label, ",\"\n") {
			label = `"` + strings.ReplaceAll(label, `"`, `""`) + `"`
		}
		fmt.Fprintf(&addresses, "%s,%s,%s,%s,%s,%s\r\n", address, index, change, label, used, service)
	}
	frozen, pending = []string{}, map[string]any{}
	for i := range 20 + index {
		label, used := "", m.one("", "False")
		if m.r.IntN(4) == 0 {
			label = madeLabels[m.r.IntN(len(madeLabels))]
		}
		if i < index && m.r.IntN(2) == 0 {
			used = "True"
			tx := w.payment(i)
			id := tx.TxHash().String()
			var b bytes.Buffer
			if err := tx.Serialize(&b); err != nil {
				m.t.Fatal(err)
			}
			m.files[w.file+"_txs_raw/"+id+".bin"] = b.String()
			fmt.Fprintf(&txs, "%s,%s,%064x,%d,%d,%d,%s,%s,%s,%s,receive,0.001,%s,True\r\n", id, m.one("", "0"), m.nth*1000+i+1, 200+i, 1700000000+i, 1700000000+i, m.one("yes", "no"), m.one("[]", "\"['aa', 'bb']\"", `"[""aa""]"`), m.one("", "141"),
				m.one(w.address(0, i), `"['a', 'b']"`), m.one("", "0.001"))
			switch m.r.IntN(3) {
			case 0:
				frozen = append(frozen, id+":0")
			case 1:
				w.draft(tx, i, pending)
			}
		}
		row(w.address(0, i), fmt.Sprint(i), "False", label, used, m.one("", "", "swan"))
	}
	for i := range 20 {
		row(w.address(1, i), fmt.Sprint(i), "True", "", "", "")
	}
	foreign, _ := btc.AddressOf(append([]byte{0, 20}, m.seed()[:20]...), w.n)
	row(foreign, "", "", "somebody, else", "", "")
	row("not an address of anybody", "", "", "kept all the same", "", "")
	m.files[w.file+"_addr.csv"], m.files[w.file+"_txs.csv"] = addresses.String(), txs.String()
	return frozen, pending
}

// payment pays to an address of the wallet.
func (w madeWallet) payment(i int) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	from := chainhash.HashH(w.m.seed())
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&from, 0), nil, nil))
	tx.AddTxOut(wire.NewTxOut(100_000, w.out(0, i).Script))
	return tx
}

// draft is a pending payment of that coin, signed by some or none.
func (w madeWallet) draft(prev *wire.MsgTx, i int, pending map[string]any) {
	m := w.m
	tx := wire.NewMsgTx(2)
	id := prev.TxHash()
	in := wire.NewTxIn(wire.NewOutPoint(&id, 0), nil, nil)
	in.Sequence = 0xfffffffd
	tx.AddTxIn(in)
	tx.AddTxOut(wire.NewTxOut(50_000, append([]byte{0, 20}, m.seed()[:20]...)))
	tx.AddTxOut(wire.NewTxOut(49_000, w.out(1, 2).Script))
	p, err := psbt.New(tx)
	if err == nil {
		err = p.UpdateInput(0, prev, prev.TxOut[0], w.out(0, i))
	}
	if err == nil {
		err = p.UpdateOutput(1, w.out(1, 2))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	for _, k := range w.keys[:m.r.IntN(len(w.keys)+1)] {
		keys, err := hot.FromSeed(k.seed)
		if err == nil {
			_, err = keys.Sign(p)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	text, err := p.Base64()
	if err != nil {
		m.t.Fatal(err)
	}
	pending[tx.TxHash().String()] = map[string]any{"base64": text, "time": 1700000000.5 + float64(i), "sigs_count": 0, "fee": 1e-5, "fee_sat": 1000, "devices_signed": []string{}, "address": []string{"x"}, "amount": []float64{0.0005}}
}

// write writes what was made and returns the folder.
func (m *maker) write() string {
	dir := filepath.Join(m.t.TempDir(), "old")
	for name, text := range m.files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	return dir
}

func made(t testing.TB, seed uint64) (*maker, string) {
	m := &maker{t: t, r: rand.New(rand.NewPCG(seed, 1)), files: map[string]string{}}
	m.uid = hex.EncodeToString(m.seed()[:8])
	m.folder()
	return m, m.write()
}
