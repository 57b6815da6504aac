package legacy

import (
	"path"
	"sort"
	"strings"

	"specter/internal/btc"
	"specter/internal/node"
)

// maxThings bounds the nodes, and one user's devices or wallets of one chain.
const maxThings = 20_000

// stems lists the files of a kind in a folder without their ".json", also those of which only the
// copy is there.
func (s *Source) stems(dir string) []string {
	seen := map[string]bool{}
	var out []string
	for n := range s.files {
		d, base := path.Split(n)
		stem, is := strings.CutSuffix(strings.TrimSuffix(base, bkp), ".json")
		if d != dir+"/" || !is || stem == "" || seen[stem] || strings.HasPrefix(stem, ".") {
			continue
		}
		seen[stem] = true
		out = append(out, stem)
	}
	sort.Strings(out)
	return out
}

// nodes reads the connections.
func (f *Found) nodes(s *Source) {
	list := s.stems("nodes")
	if len(list) > maxThings {
		f.problem("nodes", "there are more nodes than can be; they are left out")
		return
	}
	for _, alias := range list {
		file := "nodes/" + alias + ".json"
		var o object
		if _, ok := f.decode(s, file, &o, nil); !ok {
			continue
		}
		class := o.text("python_class")
		class = class[strings.LastIndexByte(class, '.')+1:]
		switch {
		case class == "" && !o.has("host") && !o.has("external_node") && !o.has("datadir"):
			f.problem(file, "it is no node; it is left out")
		case class == "Node", class == "" && (!o.has("external_node") || o.yes("external_node")):
			f.node(alias, file, o, false)
		case class == "InternalNode", class == "":
			f.node(alias, file, o, true)
		default:
			kind := "connection of the kind " + clip(class, 60)
			if strings.Contains(class, "Spectrum") {
				kind = "Spectrum connection"
			} else if o.text("node_type") == "ELM" || strings.Contains(class, "Liquid") {
				kind = "Liquid connection"
			}
			f.keep(s, kind, OwnerID, o.text("name"), file)
		}
	}
}

func (f *Found) node(alias, file string, o object, managed bool) {
	if o.text("node_type") == "ELM" {
		f.Kept = append(f.Kept, Kept{Kind: "Liquid connection", User: OwnerID, Name: o.text("name"), File: file, Data: marshal(o)})
		return
	}
	n := Node{Managed: managed, file: file, raw: o.without("password")}
	n.Kind, n.Alias, n.Name = node.Core, alias, o.text("name")
	if n.Name == "" {
		n.Name = alias
	}
	n.Protocol, n.Host, n.User = o.text("protocol"), clip(o.text("host"), 300), clip(o.text("user"), 500)
	n.Port = int(o.whole("port", 0, 65535, 0))
	n.Password = node.NewSecret(clip(o.text("password"), 4096))
	n.Autodetect, n.Datadir = o.yes("autodetect"), clip(o.text("datadir"), 4096)
	if n.Host == "" && !n.Autodetect {
		n.Host = "localhost"
	}
	if network, err := btc.ParseNetwork(o.text("bitcoind_network")); err == nil && o.has("bitcoind_network") {
		n.Network, n.Sure = network, true
	} else if network, known := node.GuessNetwork(n.Port); known {
		n.Network, n.Sure = network, true
	}
	f.Nodes = append(f.Nodes, n)
}

// oldNodes reads the connections that the oldest folders have in their config. They get the names
// that later versions gave them, and one of them was the active one.
func (f *Found) oldNodes(o object) {
	alias := "bitcoin_core"
	if f.Active == "default" {
		alias = f.Active
	}
	rpc, in := o.object("rpc"), o.object("internal_node")
	if in.has("host") || in.has("user") || in.has("datadir") {
		f.oldNode("specter_bitcoin", "Specter Bitcoin", in, true)
		if f.Active == "" && !rpc.yes("external_node") {
			f.Active = "specter_bitcoin"
		}
	}
	if rpc.has("host") || rpc.has("user") || rpc.has("datadir") {
		f.oldNode(alias, "Bitcoin Core", rpc, false)
		if f.Active == "" {
			f.Active = alias
		}
	}
}

// oldNode reads a connection of the oldest form, which has no name.
func (f *Found) oldNode(alias, name string, o object, managed bool) {
	if !o.has("name") {
		o.put("name", name)
	}
	f.node(alias, "config.json", o, managed)
}

// guessNetworks gives nodes on unusual ports the network of the only chain that wallets were of.
func (f *Found) guessNetworks() {
	chains := map[btc.Network]bool{}
	only := btc.Mainnet
	for _, w := range f.Wallets {
		chains[w.Network] = true
		only = w.Network
	}
	if len(chains) != 1 {
		only = btc.Mainnet
	}
	for i := range f.Nodes {
		if !f.Nodes[i].Sure {
			f.Nodes[i].Network = only
		}
	}
}
