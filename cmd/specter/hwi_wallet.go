//go:build !offline

package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	hw "specter/internal/signer"
)

// hwiImport is an entry of getkeypool, for Bitcoin Core's importdescriptors.
type hwiImport struct {
	Desc      string    `json:"desc"`
	Range     [2]uint32 `json:"range"`
	Timestamp string    `json:"timestamp"`
	Internal  bool      `json:"internal"`
	Keypool   bool      `json:"keypool"`
	Active    bool      `json:"active"`
	WatchOnly bool      `json:"watchonly"`
}

// keypool lists descriptors: of one path, or of the receiving and change branches of the standard
// accounts.
func (c hwiCall) keypool(ctx context.Context, s hw.Signer) (any, error) {
	kinds, err := c.keypoolKinds(s)
	if err != nil {
		return nil, err
	}
	_, internal := c.options["internal"]
	path, given := c.options["path"]
	if given && len(kinds) > 1 {
		return nil, hw.E(hw.CodeBadArgument, "--path and --all exclude each other")
	}
	list := []hwiImport{}
	for _, kind := range kinds {
		branches := []uint32{0, 1}
		if internal {
			branches = branches[1:]
		}
		if given {
			branches = branches[:1]
		}
		for _, branch := range branches {
			p, err := c.keypoolPath(kind, branch, path, given)
			if err != nil {
				return nil, err
			}
			entry, err := c.keypoolEntry(ctx, s, kind, p)
			if err != nil {
				return nil, err
			}
			entry.Internal = internal || !given && branch == 1
			list = append(list, entry)
		}
	}
	return list, nil
}

func (c hwiCall) keypoolKinds(s hw.Signer) (kinds []int, err error) {
	if _, all := c.options["all"]; all {
		for i, k := range hwiKinds {
			if k.name != "tap" || taproot(s.Info()) {
				kinds = append(kinds, i)
			}
		}
		return kinds, nil
	}
	kind, err := c.kindOf()
	if err == nil && hwiKinds[kind].name == "tap" && !taproot(s.Info()) {
		err = hw.E(hw.CodeUnavailable, "Device does not support Taproot")
	}
	return []int{kind}, err
}

func (c hwiCall) keypoolPath(kind int, branch uint32, path string, given bool) (btc.Path, error) {
	if !given {
		p, err := c.account(kind)
		return p.Child(branch), err
	}
	base, ok := strings.CutSuffix(path, "/*")
	if !ok || !strings.HasPrefix(base, "m") {
		return nil, hw.E(hw.CodeBadArgument, "the path %q must begin with m/ and end with /*", path)
	}
	return hwiPath(base)
}

func (c hwiCall) keypoolEntry(ctx context.Context, s hw.Signer, kind int, p btc.Path) (hwiImport, error) {
	entry := hwiImport{Timestamp: "now", Keypool: true, Active: true, WatchOnly: true}
	for i, text := range c.args {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return entry, hw.E(hw.CodeBadArgument, "%q is no index", text)
		}
		entry.Range[i] = uint32(n)
	}
	if _, no := c.options["nokeypool"]; no {
		entry.Keypool, entry.Active = false, false
	}
	text, err := keyDescriptor(ctx, s, kind, p)
	entry.Desc = descriptor.AddChecksum(text)
	return entry, err
}

// display shows an address that a path or a descriptor stands for.
func (c hwiCall) display(ctx context.Context, s hw.Signer) (any, error) {
	text := c.options["desc"]
	path, byPath := c.options["path"]
	var err error
	if byPath {
		text, err = c.descriptorAt(ctx, s, path)
	} else {
		err = c.ownKey(ctx, s, text)
	}
	if err != nil {
		return nil, err
	}
	w, branch, index, err := hw.AtAddress(text, c.chain.IsMain())
	if err != nil {
		return nil, err
	}
	addr, err := s.ShowAddress(ctx, w, hw.Registration{}, branch, index)
	return map[string]string{"address": addr}, err
}

// descriptorAt is the descriptor of the one key at a path.
func (c hwiCall) descriptorAt(ctx context.Context, s hw.Signer, path string) (string, error) {
	p, err := hwiPath(path)
	if err != nil {
		return "", err
	}
	kind, err := c.kindOf()
	if err != nil {
		return "", err
	}
	if len(p) > 0 && p[len(p)-1] < btc.Hardened {
		text, err := keyDescriptor(ctx, s, kind, p[:len(p)-1])
		return strings.Replace(text, "/*", fmt.Sprintf("/%d", p[len(p)-1]), 1), err
	}
	// A key that itself stands behind a hardened step is no child that can be derived here.
	fp, err := s.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	k, err := s.XPub(ctx, p)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(hwiKinds[kind].form, fmt.Sprintf("[%s]%x", btc.KeyOrigin{Fingerprint: fp, Path: p}, k.PublicKey)), nil
}

// ownKey makes sure that a descriptor of one key is of this device, as HWI does.
func (c hwiCall) ownKey(ctx context.Context, s hw.Signer, text string) error {
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		return &hw.Fault{Code: hw.CodeBadArgument, Cause: err}
	}
	keys := d.Keys()
	if len(keys) != 1 {
		return nil
	}
	origin := keys[0].Origin
	if origin == nil {
		return hw.E(hw.CodeBadArgument, "Descriptor missing origin info: %s", text)
	}
	fp, err := s.Fingerprint(ctx)
	if err != nil {
		return err
	}
	if origin.Fingerprint != fp {
		return hw.E(hw.CodeBadArgument, "Descriptor fingerprint does not match device: %s", text)
	}
	k, err := s.XPub(ctx, origin.Path)
	if err != nil {
		return err
	}
	same := keys[0].XKey != nil && keys[0].XKey.Identical(k) || keys[0].XKey == nil && bytes.HasSuffix(k.PublicKey[:], keys[0].PubKey)
	if !same {
		return hw.E(hw.CodeBadArgument, "Key in descriptor does not match device: %s", text)
	}
	return nil
}
