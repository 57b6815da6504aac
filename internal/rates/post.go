package rates

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Explorer is somebody outside who hands transactions to the network.
type Explorer struct {
	ID   string // what Post takes
	Name string // for the person
	Tor  bool   // it is asked over Tor
}

// explorer is one with its places.
type explorer struct {
	id, name    string
	clear       string
	onion       string
	networkPart map[btc.Network]string
}

var explorers = []explorer{
	{"mempool", "mempool.space", hostMempool, onionMempool, networkPart},
	{"blockstream", "blockstream.info", "https://blockstream.info",
		"http://explorerzydxu5ecjrkwceayqybizmpjjznk5izmitf2modhcusuqlid.onion",
		map[btc.Network]string{btc.Mainnet: "", btc.Testnet3: "/testnet", btc.Signet: "/signet"}},
}

// ownExplorer is the id of the person's own server, whose address is Settings.FeesURL.
const ownExplorer = "own"

// Explorers lists who can be asked to send on a network: over Tor where there is Tor, in the
// clear where that is allowed too.
func (s *Service) Explorers(set Settings, n btc.Network) []Explorer {
	var out []Explorer
	for _, e := range explorers {
		if _, known := e.networkPart[n]; !known {
			continue
		}
		if s.c.Tor != nil {
			out = append(out, Explorer{e.id + "-tor", e.name, true})
		}
		if s.c.Clear != nil && !set.TorOnly {
			out = append(out, Explorer{e.id, e.name, false})
		}
	}
	if set.Fees == FeesOwn && set.FeesURL != "" {
		if host, tor, err := s.ownPlace(set); err == nil {
			out = append(out, Explorer{ownExplorer, host, tor})
		}
	}
	return out
}

// ownPlace is the host of the person's own server, and whether it is reached over Tor.
func (s *Service) ownPlace(set Settings) (host string, tor bool, err error) {
	set, err = set.Check()
	if err != nil {
		return "", false, err
	}
	u, err := url.Parse(set.FeesURL)
	if err != nil {
		return "", false, err
	}
	tor = set.TorOnly || strings.HasSuffix(u.Hostname(), ".onion")
	_, err = s.wayTo(u.Hostname(), tor)
	return u.Hostname(), tor, err
}

// place is where an explorer takes transactions.
func (s *Service) place(set Settings, n btc.Network, id string) (address string, tor bool, err error) {
	if id == ownExplorer {
		if _, tor, err = s.ownPlace(set); err != nil {
			return "", false, err
		}
		return set.FeesURL + "/api/tx", tor, nil
	}
	name, tor := strings.CutSuffix(id, "-tor")
	for _, e := range explorers {
		part, known := e.networkPart[n]
		switch {
		case e.id != name:
			continue
		case !known:
			return "", false, errs.E(errs.Unavailable, "%s does not know %s", e.name, n)
		case set.TorOnly && !tor:
			return "", false, errs.E(errs.Unavailable, "your settings allow outside services over Tor alone")
		case tor:
			return s.host(e.id+"-onion", e.onion) + part + "/api/tx", true, nil
		}
		return s.host(e.id, e.clear) + part + "/api/tx", false, nil
	}
	return "", false, errs.E(errs.Invalid, "%.40q sends no transactions here; choose another way", id)
}

// Post hands a signed transaction to an explorer and checks its answer: only one that names the
// transaction's own txid, or says that it knows the transaction already, is a success. A refusal
// is errs.Invalid with the explorer's words; errs.Unavailable where it does not answer.
func (s *Service) Post(ctx context.Context, set Settings, n btc.Network, id string, tx *wire.MsgTx) error {
	address, tor, err := s.place(set, n, id)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return errs.E(errs.Invalid, "the explorer's address cannot be read")
	}
	w, err := s.wayTo(u.Hostname(), tor)
	if err != nil {
		return err
	}
	var raw bytes.Buffer
	if err := tx.Serialize(&raw); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status, text, err := submit(ctx, w.client, u, hex.EncodeToString(raw.Bytes()))
	if err != nil {
		return err
	}
	return judge(u.Hostname(), status, text, tx.TxHash().String())
}

// submit posts a transaction. No redirect is followed: it goes to the one who was chosen.
func submit(ctx context.Context, way *http.Client, u *url.URL, raw string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(raw))
	if err != nil {
		return 0, "", errs.E(errs.Invalid, "the explorer's address cannot be read")
	}
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("User-Agent", "Mozilla/5.0") // the same for everybody
	client := *way
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("it points to another place") }
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", errs.E(errs.Unavailable, "%s does not answer: %w. Whether it took the transaction is not known", u.Hostname(), cause(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return 0, "", errs.E(errs.Unavailable, "the answer of %s broke off. Whether it took the transaction is not known", u.Hostname())
	}
	return resp.StatusCode, strings.TrimSpace(string(data)), nil
}

// judge reads an explorer's answer.
func judge(host string, status int, text, txid string) error {
	lower := strings.ToLower(text)
	switch {
	case status == http.StatusOK && strings.Trim(lower, `"`) == txid:
		return nil
	case status == http.StatusOK:
		return errs.E(errs.Unavailable, "%s answers with something else than the transaction's id; whether it was sent is not known", host)
	case strings.Contains(lower, "already in block chain"), strings.Contains(lower, "already-in-mempool"), strings.Contains(lower, "already in mempool"),
		strings.Contains(lower, "txn-already-known"), strings.Contains(lower, "already in utxo set"):
		return nil
	case status >= 400 && status < 500:
		return errs.E(errs.Invalid, "%s refuses the transaction: %s", host, printable(text))
	}
	return errs.E(errs.Unavailable, "%s answers with status %d", host, status)
}

// printable is the explorer's text, short and without control characters.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	if text == "" {
		return "no reason is given"
	}
	return text
}
