package main

import (
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/mnemonic"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/interop"
)

type psbtSignCmd struct {
	common
	PSBT        string   `arg:"" optional:"" help:"PSBT in base64 or hex, or @file."`
	NoGrind     bool     `help:"Do not grind signatures to a low R; the nonces are RFC6979's first."`
	SkipUnsound bool     `help:"Leave an input unsigned whose description contradicts itself, instead of refusing the whole PSBT."`
	Path        []string `help:"Derive the keys at these paths from the words or xprv and sign with them, whatever the PSBT says of their origin." placeholder:"PATH"`
	Passphrase  string   `help:"BIP39 passphrase as @file." placeholder:"@FILE"`
}

// Help says where the key comes from.
func (psbtSignCmd) Help() string {
	return "The key comes by standard input and is never an argument: WIF, xprv, [origin]xprv, a descriptor with private keys, or seed words.\n\nExample:\n  specter psbt sign @unsigned.psbt < key.txt"
}

// Run answers.
func (c psbtSignCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.NoGrind, r.SkipUnsound, r.Paths = c.NoGrind, c.SkipUnsound, c.Path
		if err := h.passphrase(r, c.Passphrase); err != nil {
			return err
		}
		if c.JSONL {
			return nil
		}
		if r.PSBT, err = h.psbtText(c.common, c.PSBT); err == nil {
			r.Key, err = h.input("")
		}
		return
	}, signPSBT)
}

type signedField struct {
	Input    int    `json:"input"`
	PubKey   string `json:"pubkey"`
	LeafHash string `json:"leaf_hash,omitempty"`
}

type signAnswer struct {
	PSBT     string        `json:"psbt"`
	Signed   []signedField `json:"signed"`
	Complete bool          `json:"complete"`
}

func signPSBT(r request) (any, error) {
	p, err := decodePSBT(r.PSBT)
	if err != nil {
		return nil, err
	}
	var sources []psbt.KeySource
	for _, text := range append([]string{r.Key, r.DescriptorPrivate, r.Mnemonic}, r.Keys...) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		s, err := signer{r, p}.source(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	if len(sources) == 0 {
		return nil, errs.Bad(errs.BadKey, "no key was given to sign with")
	}
	unsigned, err := p.Base64()
	if err != nil {
		return nil, err
	}
	made, err := p.SignWith(psbt.Sources(sources...), psbt.SignOptions{NoGrind: r.NoGrind, SkipUnsound: r.SkipUnsound})
	if err != nil {
		return nil, detailed{err, map[string]any{"psbt": unsigned, "signed": []signedField{}, "complete": false}}
	}
	text, err := p.Base64()
	if err != nil {
		return nil, err
	}
	out := signAnswer{text, []signedField{}, p.Complete()}
	for _, s := range made {
		out.Signed = append(out.Signed, signedField{s.Input, hex.EncodeToString(s.PubKey), hex.EncodeToString(s.LeafHash)})
	}
	return out, nil
}

// signer reads the private keys of a request for a PSBT; its errors never repeat them.
type signer struct {
	request
	packet *psbt.Packet
}

// source reads a private key in any of its forms, or several, one a line.
func (s signer) source(text string) (psbt.KeySource, error) {
	switch {
	case strings.Contains(text, "("):
		return descriptorKeys(text)
	case strings.Contains(text, "\n"):
		lines := strings.FieldsFunc(text, func(c rune) bool { return c == '\n' })
		if first := strings.TrimSpace(lines[0]); len(lines) > 1 && (len(first) > 40 || len(strings.Fields(first)) >= 12) {
			return s.lines(lines)
		}
		return s.words(text)
	case strings.ContainsAny(text, " \u3000"):
		return s.words(text)
	}
	origin, body, err := interop.SplitOrigin(text)
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "the origin in front of the key cannot be read")
	}
	if wif, err := btcutil.DecodeWIF(body); err == nil {
		return psbt.Keys(wif.PrivKey), nil
	}
	x, _, err := btc.ParseXKey(body)
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "the key is neither WIF, an extended private key, a descriptor nor seed words")
	}
	if !x.IsPrivate() {
		return nil, errs.Bad(errs.BadKey, "the key is public; signing needs a private one")
	}
	if origin == nil {
		return s.extended(x)
	}
	return psbt.ExtendedKey(x, *origin), nil
}

func (s signer) lines(lines []string) (psbt.KeySource, error) {
	var all []psbt.KeySource
	for _, l := range lines {
		source, err := s.source(strings.TrimSpace(l))
		if err != nil {
			return nil, err
		}
		all = append(all, source)
	}
	return psbt.Sources(all...), nil
}

func (s signer) words(words string) (psbt.KeySource, error) {
	m, err := mnemonic.Parse(words)
	if err != nil {
		return nil, err
	}
	master, err := btc.NewMaster(m.Seed(s.Passphrase), true)
	if err != nil {
		return nil, err
	}
	return s.extended(master)
}

// extended makes a source of an extended key that came without an origin: of the keys at the
// paths asked for, else of the key under its own fingerprint and, where it is a master key,
// under every one that the PSBT names: some coordinators write another. Keys are compared
// before they sign, so that a wrong guess signs nothing.
func (s signer) extended(x btc.XKey) (psbt.KeySource, error) {
	paths := s.Paths
	if len(paths) == 0 && s.Path != "" {
		paths = []string{s.Path}
	}
	if len(paths) > 0 {
		return keysAt(x, paths)
	}
	all := []psbt.KeySource{psbt.ExtendedKey(x, btc.KeyOrigin{Fingerprint: x.Fingerprint()})}
	if x.Depth > 0 {
		return all[0], nil
	}
	seen := map[btc.Fingerprint]bool{x.Fingerprint(): true}
	for _, in := range s.packet.Inputs {
		for _, d := range in.Derivations {
			if !seen[d.Origin.Fingerprint] && len(seen) < maxGuessed {
				seen[d.Origin.Fingerprint] = true
				all = append(all, psbt.ExtendedKey(x, btc.KeyOrigin{Fingerprint: d.Origin.Fingerprint}))
			}
		}
	}
	return psbt.Sources(all...), nil
}

// maxGuessed bounds how many fingerprints a master key is tried under.
const maxGuessed = 100

func keysAt(x btc.XKey, paths []string) (psbt.KeySource, error) {
	var keys []*btcec.PrivateKey
	for _, text := range paths {
		p, err := btc.ParsePath(text)
		if err != nil {
			return nil, err
		}
		child, err := x.Derive(p)
		if err != nil {
			return nil, err
		}
		key, ok := child.PrivateKey()
		if !ok {
			return nil, errs.Bad(errs.BadKey, "the key is public; signing needs a private one")
		}
		keys = append(keys, key)
	}
	return psbt.Keys(keys...), nil
}

func descriptorKeys(text string) (psbt.KeySource, error) {
	d, err := descriptor.Parse(text, descriptor.Options{AllowPrivate: true})
	if err != nil {
		return nil, err
	}
	var all []psbt.KeySource
	var single []*btcec.PrivateKey
	for _, k := range d.Keys() {
		if x, ok := k.PrivateXKey(); ok {
			origin := btc.KeyOrigin{}
			if k.Origin != nil {
				origin = *k.Origin
			}
			all = append(all, psbt.ExtendedKey(x, origin))
		} else if priv, ok := k.PrivateKey(); ok {
			single = append(single, priv)
		}
	}
	if len(single) > 0 {
		all = append(all, psbt.Keys(single...))
	}
	if len(all) == 0 {
		return nil, errs.Bad(errs.BadKey, "the descriptor has no private key")
	}
	return psbt.Sources(all...), nil
}
