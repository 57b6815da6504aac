package legacy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/interop"
)

// Bounds of one wallet.
const (
	maxFrozen = 100_000
	maxDrafts = 10_000
	maxIndex  = 99_999
	maxLabel  = 1000 // bytes; longer ones are cut when they are stored
)

// chains are the names of the folders below a user's wallets.
func (s *Source) chains(dir string) []string {
	seen := map[string]bool{}
	var out []string
	for n := range s.files {
		parts := strings.SplitN(n, "/", 3)
		if len(parts) == 3 && parts[0] == dir && !seen[parts[1]] && !strings.HasSuffix(parts[1], "_txs_raw") {
			seen[parts[1]] = true
			out = append(out, parts[1])
		}
	}
	sort.Strings(out)
	return out
}

// wallets reads the wallets of all users and chains.
func (f *Found) wallets(s *Source, fallback *btc.Network) {
	users, dirs := s.folders("wallets")
	for _, user := range users {
		for _, chain := range s.chains(dirs[user]) {
			f.walletsIn(s, user, chain, path.Join(dirs[user], chain), fallback)
		}
		f.loose(s, user, dirs[user], fallback)
	}
}

func (f *Found) walletsIn(s *Source, user, chain, dir string, fallback *btc.Network) {
	list := s.stems(dir)
	if len(list) > maxThings {
		f.problem(dir, "there are more wallets than can be; they are left out")
		return
	}
	n, err := btc.ParseNetwork(chain)
	for _, alias := range list {
		file := path.Join(dir, alias)
		if err != nil || chain != n.CoreName() && chain != n.String() {
			kind := "wallet of the chain " + clip(chain, 40)
			if strings.HasPrefix(chain, "liquid") || strings.HasPrefix(chain, "elements") {
				kind = "Liquid wallet"
			}
			f.user(user)
			f.keepWallet(s, kind, user, alias, file)
			continue
		}
		f.wallet(s, user, chain, &n, alias, file)
	}
}

// loose reads what lies beside the chains' folders: the wallets of a backup, which tells no
// chain, and what extensions noted on wallets.
func (f *Found) loose(s *Source, user, dir string, fallback *btc.Network) {
	for _, alias := range s.stems(dir) {
		file := path.Join(dir, alias)
		var o object
		if _, ok := s.sound(file+".json", &o); ok && !o.has("recv_descriptor") {
			f.user(user)
			f.keep(s, "notes of a service on a wallet", user, alias, file+".json")
			continue
		}
		f.wallet(s, user, "", fallback, alias, file)
	}
}

// keepWallet keeps a wallet that this program has no place for, with the tables beside it.
func (f *Found) keepWallet(s *Source, kind, user, alias, file string) {
	f.keep(s, kind, user, alias, file+".json")
	for _, t := range [][2]string{{"_addr.csv", "labels of a "}, {"_txs.csv", "history of a "}} {
		if s.Has(file+t[0]) || s.Has(file+t[0]+bkp) {
			f.keep(s, t[1]+kind, user, alias, file+t[0])
		}
	}
}

// wallet reads a wallet's file and the tables beside it. A nil network is found out.
func (f *Found) wallet(s *Source, user, chain string, n *btc.Network, alias, file string) {
	var o object
	check := func() error {
		if o.text("recv_descriptor") == "" {
			return errs.E(errs.Invalid, "it has no descriptor")
		}
		return nil
	}
	if _, ok := f.decode(s, file+".json", &o, check); !ok {
		return
	}
	w := Wallet{User: user, Chain: chain, Alias: alias, Name: o.text("name"), Devices: signersOf(o), file: file, raw: o.without("labels")}
	if w.Name == "" {
		w.Name = alias
	}
	var err error
	if w.Descriptor, err = joined(o); err != nil {
		f.problem(file+".json", "its descriptors cannot be used ("+clip(err.Error(), 200)+"); the wallet is left out, and kept for the way back")
		f.user(user)
		f.keepWallet(s, "wallet that cannot be used", user, w.Name, file)
		return
	}
	if n == nil {
		n = f.guessNetwork(file, o)
	}
	w.Network = *n
	if w.Chain == "" {
		w.Chain = n.CoreName()
	}
	w.Descriptor = sorted(w.Descriptor, *n, o)
	w.Height = int32(o.whole("blockheight", 0, 1<<30, 0))
	w.Next[0] = uint32(o.whole("address_index", 0, maxIndex, -1) + 1) // that one is shown as the current
	w.Next[1] = uint32(o.whole("change_index", 0, maxIndex, 0))       // that one is given to the next payment
	if h, err := chainhash.NewHashFromStr(o.text("last_block")); err == nil && len(o.text("last_block")) == 64 {
		w.lastBlock = h.String()
	}
	for b, key := range []string{"keypool", "change_keypool"} {
		w.Ahead[b] = uint32(o.whole(key, 0, maxIndex, 0))
	}
	f.frozen(file, o, &w)
	f.drafts(file, o, &w)
	f.user(user)
	f.exported(o, &w)
	if err = s.addresses(&w); err != nil {
		f.problem(file+"_addr.csv", "the table of addresses cannot be read to its end ("+why(err)+"); labels may be missing")
	}
	if err == nil && (s.Has(file+"_addr.csv") || s.Has(file+"_addr.csv"+bkp)) {
		w.tabled = true
	}
	if w.services {
		f.keep(s, "addresses of services in a wallet", user, alias, file+"_addr.csv")
	}
	w.Txs = s.countTxs(&w)
	f.Wallets = append(f.Wallets, w)
}

// signersOf are a wallet's devices by alias. The oldest versions named them, one in "device", more
// as objects with a name.
func signersOf(o object) []string {
	list := o.texts("devices")
	if objects, _ := o.objects("devices"); len(list) == 0 {
		for _, d := range objects {
			if name := d.text("name"); name != "" {
				list = append(list, name)
			}
		}
	}
	if name := o.text("device"); len(list) == 0 && name != "" {
		list = []string{name}
	}
	return list
}

// sorted is a wallet's descriptor with the keys in the order that its addresses have: versions
// before 0.5 wrote multi(…) and sorted the keys of each address all the same. The address that
// stands in the file tells; without one, the old form of the devices does.
func sorted(text string, n btc.Network, o object) string {
	other := strings.ReplaceAll(strings.Split(text, "#")[0], "(multi(", "(sortedmulti(")
	if !strings.Contains(text, "(multi(") {
		return text
	}
	devices, _ := o.objects("devices")
	old := len(devices) > 0 && len(o.texts("devices")) == 0
	if want := o.text("address"); want != "" {
		at := txgraph.Place{Index: uint32(o.whole("address_index", 0, maxIndex, 0))}
		old = addressAt(text, n, at) != want && addressAt(other, n, at) == want
	}
	if old {
		return other
	}
	return text
}

// addressAt is an address of a descriptor, "" where there is none.
func addressAt(text string, n btc.Network, at txgraph.Place) string {
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		return ""
	}
	return addressOf(d, n, at)
}

func addressOf(d *descriptor.Descriptor, n btc.Network, at txgraph.Place) string {
	branch, err := d.Branch(int(at.Branch))
	if err != nil {
		return ""
	}
	out, err := branch.Derive(at.Index)
	if err != nil {
		return ""
	}
	address, _ := out.Address(n)
	return address
}

// joined is the wallet's descriptor of both branches.
func joined(o object) (string, error) {
	found := []string{o.text("recv_descriptor")}
	if c := o.text("change_descriptor"); c != "" {
		found = append(found, c)
	}
	for _, d := range found {
		if len(d) > 100_000 {
			return "", errs.E(errs.Invalid, "the descriptor is too long")
		}
	}
	return interop.JoinBranches(found)
}

// guessNetwork tells the network of a wallet that lies in no chain's folder, by its address.
func (f *Found) guessNetwork(file string, o object) *btc.Network {
	for _, key := range []string{"address", "change_address"} {
		if a := o.text(key); a != "" {
			for _, n := range []btc.Network{btc.Mainnet, btc.Regtest, btc.Testnet3} {
				if _, err := btc.ParseAddress(a, n); err == nil {
					if n == btc.Testnet3 {
						f.problem(file+".json", "it does not tell its test network; testnet3 is taken, --network tells another")
					}
					return &n
				}
			}
		}
	}
	n := btc.Mainnet
	if strings.Contains(o.text("recv_descriptor"), "tpub") {
		n = btc.Testnet3
		f.problem(file+".json", "it does not tell its test network; testnet3 is taken, --network tells another")
	}
	return &n
}

// outpoints lists what stands in a list of coins: texts, objects with txid and vout, or lists of
// the two. What is none of these is an empty text.
func (o object) outpoints(key string) (out []string) {
	var raw []json.RawMessage
	if json.Unmarshal(o[key], &raw) != nil {
		return nil
	}
	for _, r := range raw {
		var text string
		var in object
		var pair []json.RawMessage
		switch {
		case json.Unmarshal(r, &text) == nil:
		case json.Unmarshal(r, &in) == nil:
			text = in.text("txid") + ":" + in.text("vout")
		case json.Unmarshal(r, &pair) == nil && len(pair) == 2:
			p := object{"0": pair[0], "1": pair[1]}
			text = p.text("0") + ":" + p.text("1")
		}
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

func (f *Found) frozen(file string, o object, w *Wallet) {
	bad := 0
	list := o.outpoints("frozen_utxo")
	for _, text := range list[:min(len(list), maxFrozen)] {
		op, err := wire.NewOutPointFromString(strings.ToLower(text))
		if err != nil {
			bad++
			continue
		}
		w.Frozen = append(w.Frozen, *op)
	}
	if bad += max(len(list)-maxFrozen, 0); bad > 0 {
		f.problem(file+".json", plural(bad, "frozen coin", "frozen coins")+" cannot be read and are left out")
	}
}

func (f *Found) drafts(file string, o object, w *Wallet) {
	pending := o.object("pending_psbts")
	if len(pending) > maxDrafts {
		f.problem(file+".json", "it has more pending payments than can be; they are left out")
		return
	}
	for id := range pending {
		p := pending.object(id)
		text := p.text("base64")
		if text == "" && scalar(pending[id]) {
			text = pending.text(id)
		}
		if text == "" {
			f.problem(file+".json", "the pending payment "+clip(id, 80)+" holds no PSBT; it is left out")
			continue
		}
		w.Drafts = append(w.Drafts, Draft{TxID: id, PSBT: withRaw(text, p.text("raw")), Made: moment(p.seconds("time"))})
	}
	sort.Slice(w.Drafts, func(i, j int) bool {
		a, b := w.Drafts[i], w.Drafts[j]
		return a.Made.Before(b.Made) || a.Made.Equal(b.Made) && a.TxID < b.TxID
	})
}

// withRaw is a pending payment with the signatures of the transaction beside it: where a signer
// answered with a signed transaction, the old program left the PSBT as it was. Both in the old
// program's text; where the two do not fit, or a signature is not valid, the PSBT stays alone.
func withRaw(text, raw string) string {
	if raw == "" {
		return text
	}
	p, err := psbt.Decode(text)
	if err != nil {
		return text
	}
	tx, err := psbt.DecodeTx(raw)
	if err != nil {
		return text
	}
	merged, added, err := p.MergeTx(tx)
	if err != nil || len(added) == 0 {
		return text
	}
	b, err := merged.Serialize()
	if err != nil {
		return text
	}
	return base64.StdEncoding.EncodeToString(b)
}

// maxUsual bounds the labels that are looked at for being none: each costs a derivation.
const maxUsual = 20_000

// exported reads the labels of a wallet's export form. Versions before 1.0 have them in every
// wallet's file, and wrote down there what they show of an address without a label.
func (f *Found) exported(o object, w *Wallet) {
	labels := o.object("labels")
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	d, err := descriptor.Parse(w.Descriptor, descriptor.Options{})
	derived := 0
	for _, name := range names {
		own := ""
		if at, usual := unlabelled(name); usual && err == nil && derived < maxUsual {
			derived++
			own = addressOf(d, w.Network, at)
		}
		for _, a := range labels.texts(name) {
			if own == "" || a != own {
				w.Labels = append(w.Labels, Label{a, clip(name, maxLabel)})
			}
		}
	}
}

// Read reads all that a source holds. network is taken for wallets that tell no chain; nil: it is
// found out.
func Read(s *Source, network *btc.Network) (*Found, error) {
	f := &Found{From: s.Name, Problems: s.skipped}
	if s.single != "" {
		if err := f.single(s, network); err != nil {
			return nil, err
		}
	} else {
		f.config(s)
		f.users(s)
		f.links(s)
		f.nodes(s)
		f.devices(s)
		f.wallets(s, network)
		f.small(s)
		f.services(s)
	}
	f.guessNetworks()
	f.ghosts()
	f.sort()
	if f.Empty() {
		return nil, errors.Join(errs.E(errs.NotFound, "%s holds nothing of an old Specter: no config.json, no wallets, no devices", s.Name), firstProblem(f))
	}
	return f, nil
}

func firstProblem(f *Found) error {
	if len(f.Problems) == 0 {
		return nil
	}
	return errs.E(errs.Invalid, "%s", f.Problems[0])
}

// ghosts tells of users who have folders but no entry in users.json.
func (f *Found) ghosts() {
	for _, u := range f.Users {
		if !u.Listed && !u.Owner {
			f.problem("users.json", "the user "+clip(u.ID, 40)+" has wallets or devices but does not stand there")
		}
	}
}

// single reads one file by what is in it. Its folder tells chain and user, where it still lies in
// one.
func (f *Found) single(s *Source, network *btc.Network) error {
	stem := strings.TrimSuffix(s.single, path.Ext(s.single))
	var list []object
	var o object
	raw, err := s.read(s.single, maxJSON)
	if err != nil {
		return errs.E(errs.Invalid, "%s cannot be read: %s", s.Name, why(err))
	}
	if unmarshal(raw, &list, nil) == nil && len(list) > 0 && list[0].has("username") {
		s.rename(s.single, "users.json")
		f.users(s)
		return nil
	}
	if err := unmarshal(raw, &o, nil); err != nil && !s.Has(s.single+bkp) {
		return errs.E(errs.Invalid, "%s cannot be read: %s", s.Name, why(err))
	}
	switch {
	case o.has("recv_descriptor"), o == nil:
		chain := path.Base(path.Dir(strings.ReplaceAll(s.Name, `\`, "/")))
		if n, err := btc.ParseNetwork(chain); err == nil && network == nil && chain == n.CoreName() {
			network = &n
		}
		f.wallet(s, OwnerID, "", network, stem, stem)
	case o.has("keys") && o.has("type"):
		if _, ok := f.decode(s, s.single, &o, nil); ok {
			f.device(OwnerID, stem, s.single, o)
		}
	case o.has("host") || o.has("python_class"):
		s.rename(s.single, "nodes/"+s.single)
		f.nodes(s)
	case o.has("auth") || o.has("uid"):
		s.rename(s.single, "config.json")
		f.config(s)
	case o.has("new_user_otps"):
		s.rename(s.single, "otps.json")
		f.links(s)
	default:
		return errs.E(errs.Invalid, "%s is no file of Specter that is known here", s.Name)
	}
	return nil
}

// rename gives the one file the place that it has in a folder.
func (s *Source) rename(from, to string) {
	if from == to {
		return
	}
	s.files[to] = s.files[from]
	delete(s.files, from)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
