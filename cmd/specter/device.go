package main

import (
	"strings"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
)

type deviceCmd struct {
	Parse deviceParseCmd `cmd:"" help:"Read the key export of a signing device, of any vendor."`
}

type deviceParseCmd struct{ fileArg }

// Help shows how it is used.
func (deviceParseCmd) Help() string {
	return "Reads key exports as files (Coldcard, Passport, Keystone, Cobo, Electrum, Specter), pasted keys and descriptors, and UR or BBQr codes, one a line.\n\nExample:\n  specter device parse @coldcard-export.json"
}

// Run answers.
func (c deviceParseCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, parseDevice)
}

type deviceAnswer struct {
	DeviceType  string         `json:"device_type"`
	Format      string         `json:"format"`
	Name        string         `json:"name,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Keys        []deviceKey    `json:"keys"`
	Problems    []problemField `json:"problems,omitempty"`
}

type deviceKey struct {
	Purpose     string `json:"purpose"`
	ScriptType  string `json:"script_type"`
	Path        string `json:"path"`
	XPub        string `json:"xpub"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Network     string `json:"network"`
	Original    string `json:"original"`
}

// keyPurposes are the words that pages have for the key types.
var keyPurposes = map[string]string{"": "General", "wpkh": "Single (Segwit)", "sh-wpkh": "Single (Nested)", "tr": "Single (Taproot)",
	"wsh": "Multisig (Segwit)", "sh-wsh": "Multisig (Nested)", "pkh": "Single (Legacy)", "sh": "Multisig (Legacy)"}

func parseDevice(r request) (any, error) {
	data, err := r.fileBytes()
	if err != nil {
		return nil, err
	}
	payload, framed, err := unframe(data)
	if err != nil {
		return nil, err
	}
	f, err := readKeys(data, payload, framed)
	if err != nil {
		return nil, err
	}
	a := deviceAnswer{DeviceType: f.DeviceType, Format: f.Format, Name: f.Name, Keys: []deviceKey{}, Problems: problemFields(f.Problems)}
	if a.DeviceType == "" {
		a.DeviceType = "other"
	}
	if framed {
		a.Format = string(payload.Format)
	}
	if !f.Fingerprint.IsZero() {
		a.Fingerprint = f.Fingerprint.String()
	}
	for _, k := range f.Keys {
		key := deviceKey{Purpose: keyPurposes[k.ScriptType], ScriptType: k.ScriptType, Path: k.Origin.Path.Full(), XPub: k.XKey.Public().String(),
			Network: networkWord(k.XKey.Main), Original: k.Original, Fingerprint: k.Origin.Fingerprint.String()}
		a.Keys = append(a.Keys, key)
	}
	return a, nil
}

// unframe reads the payload of a text that is that of QR codes.
func unframe(data []byte) (p airgap.Payload, framed bool, err error) {
	if text := string(data); isFramed(text) {
		p, err = scan(codesOf(text))
		return p, true, err
	}
	return airgap.Payload{}, false, nil
}

// readKeys reads keys out of a file, or out of what QR codes carried.
func readKeys(data []byte, p airgap.Payload, framed bool) (interop.KeyFile, error) {
	if !framed {
		return interop.ReadKeys(data)
	}
	switch p.Kind {
	case airgap.KindText, airgap.KindBytes:
		return interop.ReadKeys(p.Data)
	case airgap.KindDescriptors, airgap.KindKey:
		return keysOfResource(p)
	}
	return interop.KeyFile{}, errs.Bad(errs.Unsupported, "the QR codes hold no keys but %s", p.Kind)
}

// keysOfResource reads the keys of a UR, each with the script type of the descriptor around it.
func keysOfResource(p airgap.Payload) (interop.KeyFile, error) {
	f := interop.KeyFile{Format: string(p.Format), Fingerprint: p.Content.Fingerprint}
	types := make([]string, 0, len(p.Content.Keys))
	for _, o := range p.Content.Outputs {
		for range o.Keys {
			types = append(types, wrapperType(o.Descriptor))
		}
	}
	for i, k := range p.Content.Keys {
		if !k.HasXKey {
			f.Problems = append(f.Problems, interop.Problem{Text: "a key that cannot be derived from was left out"})
			continue
		}
		if k.Private {
			return f, errs.Bad(errs.BadKey, "the codes hold a private key; export the public one")
		}
		k = k.ByPath()
		k.Children = ""
		key, err := interop.ParseKey(k.Expression())
		if err != nil {
			f.Problems = append(f.Problems, interop.Problem{Text: err.Error()})
			continue
		}
		if i < len(types) && types[i] != "" {
			key.ScriptType = types[i]
		}
		f.Keys = append(f.Keys, key)
	}
	if len(f.Keys) == 0 {
		if len(f.Problems) > 0 {
			return f, errs.Bad(errs.BadKey, "no key could be read: %s", f.Problems[0].Text)
		}
		return f, errs.Bad(errs.Malformed, "there is no key in these codes")
	}
	if f.Fingerprint == (btc.Fingerprint{}) && f.Keys[0].HasOrigin {
		f.Fingerprint = f.Keys[0].Origin.Fingerprint
	}
	return f, nil
}

// wrapperType tells Specter's key type from the functions around a descriptor's keys.
func wrapperType(descriptor string) string {
	for _, w := range []struct{ prefix, word string }{
		{"sh(wpkh(", "sh-wpkh"}, {"sh(wsh(", "sh-wsh"}, {"wpkh(", "wpkh"}, {"wsh(", "wsh"}, {"tr(", "tr"}, {"pkh(", "pkh"}, {"sh(", "sh"},
	} {
		if strings.HasPrefix(descriptor, w.prefix) {
			return w.word
		}
	}
	return ""
}
