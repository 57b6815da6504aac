package main

import (
	"strings"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/interop"
)

type walletCmd struct {
	Parse  walletParseCmd  `cmd:"" help:"Read a wallet out of another program's file."`
	Export walletExportCmd `cmd:"" help:"Print a wallet as another program's file."`
}

type walletParseCmd struct{ fileArg }

// Help shows how it is used.
func (walletParseCmd) Help() string {
	return "Reads Specter backups, Electrum, Coldcard, BSMS, Caravan, Bitcoin Core and Specter-DIY files, descriptors, and UR or BBQr codes, one a line.\n\nExample:\n  specter wallet parse @multisig.txt"
}

// Run answers.
func (c walletParseCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, parseWallet)
}

type walletAnswer struct {
	Format       string            `json:"format"`
	Name         string            `json:"name"`
	M            int               `json:"m"`
	N            int               `json:"n"`
	ScriptType   string            `json:"script_type"`
	Network      string            `json:"network"`
	Keys         []walletKey       `json:"keys"`
	Descriptor   string            `json:"descriptor,omitempty"` // multipath
	Descriptors  []string          `json:"descriptors"`          // receive, change
	Labels       map[string]string `json:"labels,omitempty"`
	BlockHeight  int32             `json:"block_height,omitempty"`
	FirstAddress string            `json:"first_address"`
	Warnings     []string          `json:"warnings"`
}

type walletKey struct {
	Name        string `json:"name,omitempty"`
	DeviceType  string `json:"device_type,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Path        string `json:"path"`
	XPub        string `json:"xpub"`
	Original    string `json:"original"`
}

func parseWallet(r request) (any, error) {
	w, n, err := r.wallet()
	if err != nil {
		return nil, err
	}
	a := walletAnswer{Format: w.Format, Name: w.Name, M: w.M, N: w.N, ScriptType: w.ScriptType, Network: networkWord(w.Main), Keys: []walletKey{},
		Descriptor: w.Descriptor, Descriptors: w.Separate, Labels: w.Labels, BlockHeight: w.BlockHeight, FirstAddress: w.FirstAddress, Warnings: w.Warnings}
	if n != nil {
		a.Network = n.CoreName()
	}
	if a.Warnings == nil {
		a.Warnings = []string{}
	}
	if a.Descriptors == nil {
		d, err := descriptor.Parse(w.Descriptor, descriptor.Options{})
		if err != nil {
			return nil, err
		}
		a.Descriptors = texts(d.Expand())
	}
	for _, c := range w.Cosigners {
		a.Keys = append(a.Keys, walletKey{c.Name, c.DeviceType, c.Key.Origin.Fingerprint.String(), c.Key.Origin.Path.Full(), c.Key.XKey.Public().String(), c.Key.Original})
	}
	return a, nil
}

// wallet reads the request's wallet, from a file, QR codes or a bare descriptor, for the
// network that is asked for; nil is whatever the keys say.
func (r request) wallet() (interop.Wallet, *btc.Network, error) {
	var n *btc.Network
	if r.Network != "" && r.Network != "any" {
		network, err := r.network()
		if err != nil {
			return interop.Wallet{}, nil, err
		}
		n = &network
	}
	data := []byte(r.Descriptor)
	if r.Descriptor == "" {
		var err error
		if data, err = r.fileBytes(); err != nil {
			return interop.Wallet{}, nil, err
		}
	}
	p, framed, err := unframe(data)
	if err != nil {
		return interop.Wallet{}, nil, err
	}
	if framed {
		if data, err = walletText(p); err != nil {
			return interop.Wallet{}, nil, err
		}
	}
	w, err := interop.ReadWallet(pastedKey(data), n)
	if framed && err == nil {
		w.Format = string(p.Format) + " " + w.Format
	}
	return w, n, err
}

// pastedKey turns a bare extended key into the wallet that its prefix and path stand for.
// Anything else comes back as it is.
func pastedKey(data []byte) []byte {
	text := strings.TrimSpace(string(data))
	if len(text) > 1000 || strings.ContainsAny(text, "({\n ") {
		return data
	}
	d, err := descriptor.ParseAny(text, descriptor.Options{})
	if err != nil {
		return data
	}
	if both, err := d.WithBranches(); err == nil {
		d = both
	}
	return []byte(d.String())
}

// walletText returns the text of a wallet that QR codes carried.
func walletText(p airgap.Payload) ([]byte, error) {
	switch p.Kind {
	case airgap.KindText, airgap.KindBytes:
		return p.Data, nil
	case airgap.KindDescriptors:
		if found := p.Content.Descriptors(); len(found) == 1 {
			return []byte(found[0]), nil
		}
		return nil, errs.Bad(errs.Unsupported, "the codes hold several descriptors, which are a device's keys; read them with device parse")
	}
	return nil, errs.Bad(errs.Unsupported, "the QR codes hold no wallet but %s", p.Kind)
}

type walletExportCmd struct {
	fileArg
	Format     string `help:"coldcard, bsms, caravan, electrum, sparrow, specter, core, addwallet, account-map or descriptor." required:"" placeholder:"FORMAT"`
	Name       string `help:"Name of the wallet, where the file gives none or another." placeholder:"NAME"`
	Descriptor string `help:"Descriptor of the wallet, or @file of it, instead of a wallet file." placeholder:"DESC"`
}

// Help shows how it is used.
func (walletExportCmd) Help() string {
	return "The file goes to standard output; --output json puts it into {\"file\":…}.\n\nExample:\n  specter wallet export --format coldcard --name Vault --descriptor \"$DESC\" > vault.txt"
}

// Run answers.
func (c walletExportCmd) Run(h host) error {
	return c.answerFile(h, func(r *request) error {
		r.Format, r.Name, r.Descriptor = c.Format, c.Name, c.Descriptor
		if c.Descriptor == "" {
			return c.fill(h, r)
		}
		text, err := h.input(c.Descriptor)
		r.Descriptor = text
		return err
	}, exportWallet)
}

type walletFile struct {
	Format string `json:"format"`
	File   string `json:"file"`
}

func (f walletFile) contents() (string, []string) {
	if strings.HasSuffix(f.File, "\n") {
		return f.File, nil
	}
	return f.File + "\n", nil
}

func exportWallet(r request) (any, error) {
	w, n, err := r.wallet()
	if err != nil {
		return nil, err
	}
	if r.Name != "" {
		w.Name = r.Name
	}
	network := btc.Mainnet
	switch {
	case n != nil:
		network = *n
	case !w.Main:
		network = btc.Testnet3
	}
	format := firstOf(r.Format, r.To)
	file, err := interop.WriteWallet(w, format, network)
	if err != nil {
		return nil, err
	}
	return walletFile{format, string(file)}, nil
}
