package main

import (
	"encoding/hex"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
)

type seedCmd struct {
	Inspect seedInspectCmd `cmd:"" help:"Check seed words from standard input."`
	Derive  seedDeriveCmd  `cmd:"" help:"Derive public keys from seed words on standard input."`
	FromQR  seedFromQRCmd  `cmd:"" name:"from-qr" help:"Read the digits of a SeedQR, or the hex of a CompactSeedQR, from standard input."`
	ToQR    seedToQRCmd    `cmd:"" name:"to-qr" help:"Print the SeedQR of seed words from standard input."`
}

type seedInspectCmd struct {
	common
	ShowPrivate bool   `help:"Print entropy and seed too."`
	Passphrase  string `help:"BIP39 passphrase as @file." placeholder:"@FILE"`
}

// Help shows how it is used.
func (seedInspectCmd) Help() string {
	return "Example:\n  specter seed inspect < words.txt"
}

// Run answers.
func (c seedInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		r.ShowPrivate = c.ShowPrivate
		return h.seedInputs(c.common, r, c.Passphrase)
	}, inspectSeed)
}

// seedInputs reads the words from standard input and the passphrase from its file.
func (h host) seedInputs(c common, r *request, passphrase string) (err error) {
	if err := h.passphrase(r, passphrase); err != nil || c.JSONL {
		return err
	}
	r.Mnemonic, err = h.input("")
	return err
}

// passphrase reads a BIP39 passphrase from @file.
func (h host) passphrase(r *request, arg string) error {
	if arg == "" {
		return nil
	}
	if !strings.HasPrefix(arg, "@") {
		return errs.E(errs.Invalid, "a passphrase is never an argument; put it into a file and give @FILE")
	}
	data, err := h.inputBytes(arg)
	if err != nil {
		return err
	}
	r.Passphrase = strings.TrimRight(string(data), "\r\n")
	return nil
}

type seedAnswer struct {
	Valid     bool     `json:"valid"`
	Language  string   `json:"language"`
	Languages []string `json:"languages,omitempty"` // where several fit
	Words     int      `json:"words"`
	Entropy   string   `json:"entropy,omitempty"`
	Seed      string   `json:"seed,omitempty"`
	RootXPrv  string   `json:"root_xprv,omitempty"`
	Root      string   `json:"fingerprint"`
}

func inspectSeed(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	m, err := mnemonic.Parse(r.Mnemonic)
	if err != nil {
		return nil, invalid(err)
	}
	seed := m.Seed(r.Passphrase)
	root, err := btc.NewMaster(seed, n.IsMain())
	if err != nil {
		return nil, err
	}
	a := seedAnswer{Valid: true, Language: string(m.Language()), Words: len(m.Words()), Root: root.Fingerprint().String()}
	if all := m.Candidates(); len(all) > 1 {
		for _, l := range all {
			a.Languages = append(a.Languages, string(l))
		}
	}
	if r.ShowPrivate {
		a.Entropy, a.Seed, a.RootXPrv = hex.EncodeToString(m.Entropy()), hex.EncodeToString(seed), root.String()
	}
	return a, nil
}

type seedDeriveCmd struct {
	common
	Passphrase  string   `help:"BIP39 passphrase as @file." placeholder:"@FILE"`
	ShowPrivate bool     `help:"Print private keys too."`
	Paths       []string `arg:"" optional:"" help:"Paths such as m/84h/0h/0h."`
}

// Help shows how it is used.
func (seedDeriveCmd) Help() string {
	return "Example:\n  specter seed derive --passphrase @passphrase.txt m/84h/0h/0h m/86h/0h/0h < words.txt"
}

// Run answers.
func (c seedDeriveCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		r.Paths, r.ShowPrivate = c.Paths, c.ShowPrivate
		return h.seedInputs(c.common, r, c.Passphrase)
	}, deriveSeed)
}

type seedKey struct {
	Path        string `json:"path"`
	XPub        string `json:"xpub"`
	SLIP132     string `json:"slip132"`
	PubKey      string `json:"pubkey"`
	Fingerprint string `json:"fingerprint"`
	XPrv        string `json:"xprv,omitempty"`
}

func deriveSeed(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	m, err := mnemonic.Parse(r.Mnemonic)
	if err != nil {
		return nil, err
	}
	root, err := btc.NewMaster(m.Seed(r.Passphrase), n.IsMain())
	if err != nil {
		return nil, err
	}
	paths := r.Paths
	if len(paths) == 0 && r.Path != "" {
		paths = []string{r.Path}
	}
	keys := []seedKey{}
	for _, text := range paths {
		p, err := btc.ParsePath(text)
		if err != nil {
			return nil, err
		}
		x, err := root.Derive(p)
		if err != nil {
			return nil, err
		}
		pub := x.Public()
		version := btc.VersionFor(btc.ScriptTypeOf(p), n.IsMain(), false)
		k := seedKey{Path: p.Full(), XPub: pub.String(), SLIP132: pub.Encode(version.Bytes), PubKey: hex.EncodeToString(x.PublicKey[:]), Fingerprint: x.Fingerprint().String()}
		if r.ShowPrivate {
			k.XPrv = x.String()
		}
		keys = append(keys, k)
	}
	return struct {
		Fingerprint string    `json:"fingerprint"`
		Keys        []seedKey `json:"keys"`
	}{root.Fingerprint().String(), keys}, nil
}

type seedFromQRCmd struct{ common }

// Help shows how it is used.
func (seedFromQRCmd) Help() string {
	return "Example:\n  specter seed from-qr < scanned.txt"
}

// Run answers.
func (c seedFromQRCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.Data, err = h.argument(c.common, ""); return }, seedFromQR)
}

// seedFromQR prints the words: reading them is what the caller asked for.
func seedFromQR(r request) (any, error) {
	data := strings.TrimSpace(r.Data)
	var m mnemonic.Mnemonic
	var err error
	switch len(data) {
	case 48, 60, 72, 84, 96:
		m, err = mnemonic.FromSeedQR(data)
	default:
		raw, herr := hex.DecodeString(data)
		if herr != nil {
			return nil, errs.Bad(errs.Malformed, "a SeedQR has four digits a word, a CompactSeedQR 16 or 32 bytes given here as hex")
		}
		m, err = mnemonic.FromCompactSeedQR(raw)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"mnemonic": m.Phrase(), "words": len(m.Words())}, nil
}

type seedToQRCmd struct {
	common
	Compact bool `help:"CompactSeedQR, printed as hex."`
}

// Help shows how it is used.
func (seedToQRCmd) Help() string {
	return "Example:\n  specter seed to-qr --compact < words.txt"
}

// Run answers.
func (c seedToQRCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { r.Compact = c.Compact; return h.seedInputs(c.common, r, "") }, seedToQR)
}

func seedToQR(r request) (any, error) {
	m, err := mnemonic.Parse(r.Mnemonic)
	if err != nil {
		return nil, err
	}
	if r.Compact {
		raw, err := m.CompactSeedQR()
		return map[string]string{"data": hex.EncodeToString(raw)}, err
	}
	digits, err := m.SeedQR()
	return map[string]string{"data": digits}, err
}
