package main

import (
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/interop"
)

type keyCmd struct {
	Inspect keyInspectCmd `cmd:"" help:"Read an extended key of any prefix, a WIF or a public key."`
	Derive  keyDeriveCmd  `cmd:"" help:"Derive a child of an extended key."`
	Convert keyConvertCmd `cmd:"" help:"Print an extended key under another prefix (SLIP-132)."`
}

type keyInspectCmd struct {
	common
	ShowPrivate bool   `help:"Print private parts too."`
	Key         string `arg:"" optional:"" help:"[origin]xpub, WIF or public key; - or none reads standard input."`
}

// Help shows how it is used.
func (keyInspectCmd) Help() string {
	return "Example:\n  specter key inspect \"[73c5da0a/84h/0h/0h]zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs\""
}

// Run answers.
func (c keyInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.ShowPrivate = c.ShowPrivate
		r.Key, err = h.argument(c.common, c.Key)
		return
	}, inspectKey)
}

type keyAnswer struct {
	Kind              string       `json:"kind"` // xpub, xprv, wif, pubkey
	Network           string       `json:"network,omitempty"`
	Depth             *uint8       `json:"depth,omitempty"`
	ParentFingerprint string       `json:"parent_fingerprint,omitempty"`
	Child             *uint32      `json:"child,omitempty"`
	Fingerprint       string       `json:"fingerprint"`
	ChainCode         string       `json:"chain_code,omitempty"`
	PubKey            string       `json:"pubkey"`
	Compressed        *bool        `json:"compressed,omitempty"`
	Origin            *originField `json:"origin,omitempty"`
	SLIP132           *slipField   `json:"slip132,omitempty"`
	ScriptType        string       `json:"script_type,omitempty"`
	Canonical         string       `json:"canonical,omitempty"`
	Private           string       `json:"private,omitempty"`
}

type originField struct {
	Fingerprint string `json:"fingerprint"`
	Path        string `json:"path"`
}

type slipField struct {
	Prefix     string `json:"prefix"`
	ScriptType string `json:"script_type"`
}

func originOf(o *btc.KeyOrigin) *originField {
	if o == nil {
		return nil
	}
	return &originField{o.Fingerprint.String(), o.Path.Full()}
}

func networkWord(main bool) string {
	if main {
		return "main"
	}
	return "test"
}

func inspectKey(r request) (any, error) {
	text := strings.TrimSpace(r.Key)
	origin, body, err := interop.SplitOrigin(text)
	if err != nil {
		return nil, err
	}
	if len(body) > 100 {
		return inspectXKey(body, origin, r.ShowPrivate)
	}
	return inspectPlainKey(text, r.ShowPrivate)
}

func inspectXKey(body string, origin *btc.KeyOrigin, showPrivate bool) (any, error) {
	x, version, err := btc.ParseXKey(body)
	if err != nil {
		return nil, err
	}
	if origin != nil && len(origin.Path) != 0 && len(origin.Path) != int(x.Depth) {
		return nil, errs.Bad(errs.Mismatch, "the key is at depth %d, but its path %s has %d steps", x.Depth, origin.Path.Full(), len(origin.Path))
	}
	a := keyAnswer{Kind: "xpub", Network: networkWord(x.Main), Depth: &x.Depth, ParentFingerprint: x.Parent.String(), Child: &x.ChildIndex,
		Fingerprint: x.Fingerprint().String(), ChainCode: hex.EncodeToString(x.ChainCode[:]), PubKey: hex.EncodeToString(x.PublicKey[:]),
		Origin: originOf(origin), SLIP132: &slipField{version.Prefix, version.ScriptType}, Canonical: x.Public().String()}
	if a.ScriptType = version.ScriptType; a.ScriptType == "" && origin != nil {
		a.ScriptType = btc.ScriptTypeOf(origin.Path)
	}
	if x.IsPrivate() {
		a.Kind = "xprv"
		if showPrivate {
			a.Private = x.String()
		}
	}
	return a, nil
}

func inspectPlainKey(text string, showPrivate bool) (any, error) {
	k, err := descriptor.ParseKeyExpression(text, descriptor.Options{AllowPrivate: true})
	if err != nil {
		return nil, err
	}
	compressed := len(k.PubKey) == 33
	a := keyAnswer{Kind: k.Kind(), PubKey: hex.EncodeToString(k.PubKey), Compressed: &compressed, Origin: originOf(k.Origin)}
	a.Fingerprint = hex.EncodeToString(btc.Hash160(k.PubKey)[:4])
	if main, known := k.IsMain(); known {
		a.Network = networkWord(main)
	}
	if wif, err := btcutil.DecodeWIF(k.TextPrivate()); err == nil && showPrivate {
		a.Private = wif.String()
	}
	return a, nil
}

type keyDeriveCmd struct {
	common
	ShowPrivate bool   `help:"Print the private key too, where there is one."`
	Key         string `arg:"" help:"Extended key, - for standard input or @file."`
	Path        string `arg:"" help:"Path from the key, such as 0/5 or m/84h/0h/0h."`
}

// Help shows how it is used.
func (keyDeriveCmd) Help() string {
	return "Example:\n  specter key derive @xpub.txt 0/5"
}

// Run answers.
func (c keyDeriveCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.Path, r.ShowPrivate = c.Path, c.ShowPrivate
		r.Key, err = h.argument(c.common, c.Key)
		return
	}, deriveKey)
}

type derivedAnswer struct {
	Path        string `json:"path"`
	XPub        string `json:"xpub"`
	XPrv        string `json:"xprv,omitempty"`
	PubKey      string `json:"pubkey"`
	Fingerprint string `json:"fingerprint"`
}

func deriveKey(r request) (any, error) {
	_, body, err := interop.SplitOrigin(strings.TrimSpace(r.Key))
	if err != nil {
		return nil, err
	}
	x, _, err := btc.ParseXKey(body)
	if err != nil {
		return nil, err
	}
	p, err := btc.ParsePath(r.Path)
	if err != nil {
		return nil, err
	}
	child, err := x.Derive(p)
	if err != nil {
		return nil, err
	}
	a := derivedAnswer{Path: p.Full(), XPub: child.Public().String(), PubKey: hex.EncodeToString(child.PublicKey[:]), Fingerprint: child.Fingerprint().String()}
	if child.IsPrivate() && r.ShowPrivate {
		a.XPrv = child.String()
	}
	return a, nil
}

type keyConvertCmd struct {
	common
	To  string `help:"Prefix to print: xpub, ypub, zpub, Ypub, Zpub, tpub, upub, vpub, Upub, Vpub." required:""`
	Key string `arg:"" optional:"" help:"Extended public key; - or none reads standard input."`
}

// Help shows how it is used.
func (keyConvertCmd) Help() string {
	return "Example:\n  specter key convert --to zpub @xpub.txt"
}

// Run answers.
func (c keyConvertCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.To = c.To; r.Key, err = h.argument(c.common, c.Key); return }, convertKey)
}

func convertKey(r request) (any, error) {
	x, _, err := btc.ParseXKey(strings.TrimSpace(r.Key))
	if err != nil {
		return nil, err
	}
	v, err := btc.VersionByPrefix(r.To)
	if err != nil {
		return nil, err
	}
	if v.Private && !x.IsPrivate() {
		return nil, errs.Bad(errs.BadKey, "a public key cannot be printed as the private form %s", v.Prefix)
	}
	if !v.Private {
		x = x.Public()
	}
	return map[string]string{"key": x.Encode(v.Bytes)}, nil
}
