package interop

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// Sheet is what the printed backup of a wallet says. It holds public keys alone.
type Sheet struct {
	Name       string
	Network    btc.Network
	Kind       string // "2 of 3 Multisig (Segwit)"
	Policy     string // who can spend, in words
	Descriptor string // with checksum
	Keys       []SheetKey
	Addresses  []string  // the first receive addresses, in order
	Birthday   time.Time // no coin is older; zero: unknown
	Printed    time.Time
}

// SheetKey is a cosigner's key on the sheet.
type SheetKey struct {
	Fingerprint string // "" unknown
	Path        string // "m/48h/0h/0h/2h"
	XPub        string
	Device      string // "" none is known
	Label       string
}

// maxSheetKeys bounds the keys of a sheet.
const maxSheetKeys = 100

// PDF prints the sheet on A4.
func (s Sheet) PDF() ([]byte, error) {
	if len(s.Keys) > maxSheetKeys || len(s.Descriptor) > 100_000 {
		return nil, errs.Bad(errs.TooLarge, "the wallet is too large for a sheet")
	}
	d, err := descriptor.Parse(s.Descriptor, descriptor.Options{})
	if err != nil {
		return nil, err
	}
	if d.HasPrivateKeys() {
		return nil, errs.Bad(errs.BadKey, "private keys are never printed")
	}
	p, err := newPage("Backup of "+s.Name, "“"+s.Name+"”, printed "+s.Printed.UTC().Format("2006-01-02 15:04 UTC")+" by Specter. Public keys only.", s.Printed)
	if err != nil {
		return nil, err
	}
	p.text("B", 18, 0, s.Name)
	p.y += 1
	p.text("", 9, 0, "Backup of a wallet. Who has this sheet can see every payment and the balance, but cannot spend. "+
		"To spend, the keys (seed words) of enough signers are needed as well: they are not on this sheet.")
	p.y += 2
	s.facts(p, d)
	p.heading("Descriptor")
	p.mono(9, 0, 88, s.Descriptor)
	parts := qrTexts(s.Descriptor)
	for i, part := range parts {
		caption := ""
		if len(parts) > 1 {
			caption = fmt.Sprintf("Code %d of %d; scan all of them.", i+1, len(parts))
		}
		if err := p.code(caption, part); err != nil {
			return nil, err
		}
	}
	s.keys(p)
	s.addresses(p)
	if err := s.restore(p, d); err != nil {
		return nil, err
	}
	return p.finish()
}

func (s Sheet) facts(p *page, d *descriptor.Descriptor) {
	p.fact("Kind", s.Kind)
	if s.Policy != "" {
		p.fact("Who can spend", s.Policy)
	}
	p.fact("Network", s.Network.String())
	born := "unknown; look from the first block"
	if !s.Birthday.IsZero() {
		born = s.Birthday.UTC().Format("2006-01-02") + "; no coin is older"
	}
	p.fact("Birthday", born)
	p.fact("Checksum", d.Checksum())
}

func (s Sheet) keys(p *page) {
	p.heading("Keys")
	for i, k := range s.Keys {
		p.room(20)
		name := fmt.Sprintf("%d. ", i+1)
		if k.Device != "" {
			name += k.Device
		} else {
			name += "No device of yours is known to hold this key"
		}
		if k.Label != "" {
			name += " (" + k.Label + ")"
		}
		p.text("B", 9, 0, name)
		origin := "Fingerprint unknown"
		if k.Fingerprint != "" {
			origin = "Fingerprint " + k.Fingerprint + ", path " + k.Path
		}
		p.text("", 8.5, 5, origin)
		p.mono(8, 5, 96, k.XPub)
		p.y += 1.5
	}
}

func (s Sheet) addresses(p *page) {
	if len(s.Addresses) == 0 {
		return
	}
	p.heading("First receive addresses")
	p.text("", 8.5, 0, "After restoring, compare these with what the program and the devices' screens show.")
	for i, a := range s.Addresses {
		p.mono(9, 0, 88, fmt.Sprintf("%d  %s", i, a))
	}
}

// restore tells how Bitcoin Core alone brings the wallet back.
func (s Sheet) restore(p *page, d *descriptor.Descriptor) error {
	commands, err := CoreCommands(d, s.Name, s.Network, s.Birthday)
	if err != nil {
		return err
	}
	p.heading("To restore")
	p.text("", 9, 0, "With Specter or any program that reads descriptors: import the descriptor above, as text or by its code.")
	p.y += 1
	p.text("", 9, 0, "With Bitcoin Core alone (version 24 or newer), as one line each:")
	p.y += 1
	for _, c := range commands {
		p.mono(8, 0, 98, c)
		p.y += 1.5
	}
	p.text("", 9, 0, "Core then shows balance and addresses, and makes transactions (walletcreatefundedpsbt) that the devices sign.")
	return nil
}

// CoreCommands are the lines that bring a watch-only wallet into Bitcoin Core with bitcoin-cli.
func CoreCommands(d *descriptor.Descriptor, name string, n btc.Network, birthday time.Time) ([]string, error) {
	entries, err := coreImport(d, birthday)
	if err != nil {
		return nil, err
	}
	list, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	cli := "bitcoin-cli"
	if chain := map[btc.Network]string{btc.Testnet3: "test", btc.Testnet4: "testnet4", btc.Signet: "signet", btc.Regtest: "regtest"}[n]; chain != "" {
		cli += " -chain=" + chain
	}
	slug := strings.Trim(strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_') {
			return r
		}
		return -1
	}, btc.Slug(name)), "_")
	if slug == "" {
		slug = "restored"
	}
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(list)) // descriptors have no quotes: h stands for hardened
	return []string{
		cli + " -named createwallet wallet_name=" + slug + " disable_private_keys=true blank=true",
		cli + " -rpcwallet=" + slug + " importdescriptors '" + text + "'",
		cli + " -rpcwallet=" + slug + " getbalances",
	}, nil
}

// coreEntry is an argument of importdescriptors.
type coreEntry struct {
	Desc      string  `json:"desc"`
	Active    bool    `json:"active,omitempty"`
	Internal  bool    `json:"internal,omitempty"`
	Range     *[2]int `json:"range,omitempty"`
	Timestamp int64   `json:"timestamp"`
}

func coreImport(d *descriptor.Descriptor, birthday time.Time) ([]coreEntry, error) {
	receive, change, err := sides(d)
	if err != nil {
		return nil, err
	}
	var at int64
	if !birthday.IsZero() {
		at = max(birthday.Unix(), 0)
	}
	one := func(d *descriptor.Descriptor, internal bool) coreEntry {
		e := coreEntry{Desc: d.String(), Internal: internal, Timestamp: at}
		if d.IsRanged() {
			e.Active, e.Range = true, &[2]int{0, 999}
		}
		return e
	}
	out := []coreEntry{one(receive, false)}
	if change != nil {
		out = append(out, one(change, true))
	}
	return out, nil
}

// Statement is a list of a wallet's confirmed transactions between two days.
type Statement struct {
	Name     string
	Network  btc.Network
	From, To time.Time // To is not included
	Opening  btcutil.Amount
	Rows     []StatementRow // oldest first
	Printed  time.Time
}

// StatementRow is a transaction of a statement.
type StatementRow struct {
	Time    time.Time
	Text    string // label, or what happened
	Address string
	TxID    string
	Amount  btcutil.Amount
}

// Closing is the balance at the end.
func (s Statement) Closing() btcutil.Amount {
	sum := s.Opening
	for _, r := range s.Rows {
		sum += r.Amount
	}
	return sum
}

// MaxStatement is how many transactions a statement may have.
const MaxStatement = 5_000

// PDF prints the statement on A4. Amounts are in BTC, times in UTC.
func (s Statement) PDF() ([]byte, error) {
	if len(s.Rows) > MaxStatement {
		return nil, errs.Bad(errs.TooLarge, "a statement has at most %d transactions; choose fewer days, or the CSV", MaxStatement)
	}
	const day = "2006-01-02"
	last := s.To.UTC().Add(-time.Second)
	p, err := newPage("Statement of "+s.Name, "“"+s.Name+"”, printed "+s.Printed.UTC().Format(day+" 15:04 UTC")+" by Specter. Confirmed transactions, times in UTC.", s.Printed)
	if err != nil {
		return nil, err
	}
	p.text("B", 16, 0, s.Name)
	p.text("", 10, 0, fmt.Sprintf("Statement from %s to %s, %s, amounts in BTC", s.From.UTC().Format(day), last.Format(day), s.Network))
	p.y += 3
	var in, out btcutil.Amount
	for _, r := range s.Rows {
		if r.Amount > 0 {
			in += r.Amount
		} else {
			out += r.Amount
		}
	}
	p.sum("Opening balance", s.Opening)
	p.sum("Received", in)
	p.sum("Sent, fees included", out)
	p.sum("Closing balance", s.Closing())
	p.y += 3
	p.columns("B", "Date", "What", "Amount", "Balance")
	balance := s.Opening
	for _, r := range s.Rows {
		balance += r.Amount
		if p.y+10 > bottom {
			p.next()
			p.columns("B", "Date", "What", "Amount", "Balance")
		}
		p.columns("", r.Time.UTC().Format(day), r.Text, btc.FormatBTC(r.Amount), btc.FormatBTC(balance))
		p.y -= 1
		p.mono(5.8, 24, 70, r.TxID)
		p.y += 1.5
	}
	if len(s.Rows) == 0 {
		p.text("", 9, 0, "No transaction confirmed in these days.")
	}
	return p.finish()
}

func (p *page) sum(name string, a btcutil.Amount) {
	p.f.SetFont("text", "", 10)
	p.f.SetXY(margin, p.y)
	p.f.CellFormat(60, 5.5, name, "", 0, "L", false, 0, "")
	p.f.CellFormat(45, 5.5, btc.FormatBTC(a), "", 0, "R", false, 0, "")
	p.y += 5.5
}

// columns writes a row of the statement; a text that is too long ends in an ellipsis.
func (p *page) columns(style, date, what, amount, balance string) {
	p.f.SetFont("text", style, 8.5)
	p.f.SetXY(margin, p.y)
	p.f.CellFormat(24, 5, date, "", 0, "L", false, 0, "")
	const width = textWidth - 24 - 2*36
	text := []rune(printable(what))
	for n := len(text); n > 0 && p.f.GetStringWidth(string(text)) > width-3; n-- {
		text = append(text[:n-1], '…')
	}
	p.f.CellFormat(width, 5, string(text), "", 0, "L", false, 0, "")
	p.f.CellFormat(36, 5, amount, "", 0, "R", false, 0, "")
	p.f.CellFormat(36, 5, balance, "", 0, "R", false, 0, "")
	p.y += 5
}
