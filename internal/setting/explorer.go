package setting

import (
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
)

// The kinds of block explorer. "" is none: no link leads out.
const (
	ExplorerMempool          = "mempool"
	ExplorerMempoolOnion     = "mempool-onion"
	ExplorerBlockstream      = "blockstream"
	ExplorerBlockstreamOnion = "blockstream-onion"
	ExplorerOwn              = "own" // by its address, which may be an onion service
)

// Explorer is where links to transactions and addresses lead. Specter itself never asks it.
type Explorer struct {
	Kind string
	URL  string // of ExplorerOwn, without a slash at the end
}

// explorers are the public ones and the part of the address in which each keeps a network. The
// onion services are those that both operators announce.
var explorers = map[string]struct {
	base  string
	parts map[btc.Network]string
}{
	ExplorerMempool:          {"https://mempool.space", mempoolParts},
	ExplorerMempoolOnion:     {"http://mempoolhqx4isw62xs7abwphsq7ldayuidyx2v2oethdhhj6mlo2r6ad.onion", mempoolParts},
	ExplorerBlockstream:      {"https://blockstream.info", blockstreamParts},
	ExplorerBlockstreamOnion: {"http://explorerzydxu5ecjrkwceayqybizmpjjznk5izmitf2modhcusuqlid.onion", blockstreamParts},
}

var (
	mempoolParts     = map[btc.Network]string{btc.Mainnet: "", btc.Testnet3: "/testnet", btc.Testnet4: "/testnet4", btc.Signet: "/signet"}
	blockstreamParts = map[btc.Network]string{btc.Mainnet: "", btc.Testnet3: "/testnet", btc.Signet: "/signet"}
)

// ExplorerKinds lists the kinds that know a network, for the menu; "" (none) is the first.
func ExplorerKinds(n btc.Network) []string {
	kinds := []string{""}
	for _, k := range []string{ExplorerMempool, ExplorerMempoolOnion, ExplorerBlockstream, ExplorerBlockstreamOnion} {
		if _, knows := explorers[k].parts[n]; knows {
			kinds = append(kinds, k)
		}
	}
	return append(kinds, ExplorerOwn)
}

// Check returns the explorer in its one spelling; errs.Invalid where it does not know the
// network or its address cannot be read.
func (e Explorer) Check(n btc.Network) (Explorer, error) {
	if !slices.Contains(ExplorerKinds(n), e.Kind) {
		return e, errs.E(errs.Invalid, "%.40q is no block explorer for %s", e.Kind, n)
	}
	if e.Kind != ExplorerOwn {
		return Explorer{Kind: e.Kind}, nil
	}
	base, err := rates.CleanURL(e.URL)
	return Explorer{Kind: e.Kind, URL: base}, err
}

// word is the explorer as it is stored: the kind, or the address of an own one.
func (e Explorer) word() string {
	if e.Kind == ExplorerOwn {
		return e.URL
	}
	return e.Kind
}

func readExplorer(word string) Explorer {
	if strings.Contains(word, "://") {
		return Explorer{Kind: ExplorerOwn, URL: word}
	}
	return Explorer{Kind: word}
}

// base is where the explorer keeps a network; ok is false where there is none.
func (e Explorer) base(n btc.Network) (base string, ok bool) {
	if e.Kind == ExplorerOwn {
		return e.URL, e.URL != ""
	}
	known := explorers[e.Kind]
	part, knows := known.parts[n]
	if !knows {
		return "", false
	}
	return known.base + part, true
}

// Explorer is the address of the block explorer that the user chose for a network, to which
// "/tx/<txid>" and "/address/<address>" are added; "" without one.
func (u User) Explorer(n btc.Network) string {
	base, _ := u.Explorers[n].base(n)
	return base
}
