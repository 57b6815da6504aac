package coldcard

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"specter/internal/btc/descriptor"
	"specter/internal/signer"
)

// Names of wallets: what the device's screens show.
const (
	nameLength     = 20
	edgeNameLength = 30
)

// Sizes of wallet files that the commands take.
const (
	minWalletFile  = 101
	maxWalletFile  = 20 * 200
	maxMiniscripts = 100 * 200
)

// NeedsRegistration is true for everything but wallets with one key.
func (s *session) NeedsRegistration(w signer.Wallet) bool {
	if w.Descriptor == nil {
		return false
	}
	_, one := single(w.Descriptor)
	return !one
}

// Register enrols a wallet on the device.
func (s *session) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	if !s.NeedsRegistration(w) {
		return signer.Registration{}, nil
	}
	if err := s.sameCoins(); err != nil {
		return signer.Registration{}, err
	}
	name := s.version.walletName(w.Name)
	command, file, err := s.version.walletFile(w.Descriptor, name)
	if err != nil {
		return signer.Registration{}, err
	}
	if err := s.ready(ctx); err != nil {
		return signer.Registration{}, err
	}
	if !s.ours(w.Descriptor) {
		return signer.Registration{}, notMine(s.master.Fingerprint())
	}
	if err := s.enrol(ctx, command, file); err != nil {
		return signer.Registration{}, err
	}
	known, err := s.knows(ctx, w.Descriptor, name)
	switch {
	case err != nil:
		return signer.Registration{}, err
	case !known:
		return signer.Registration{}, signer.Declined("the wallet")
	}
	return signer.Registration{Name: name}, nil
}

func (s *session) enrol(ctx context.Context, command string, file []byte) error {
	s.settle(ctx)
	sum, err := s.upload(ctx, file)
	if err != nil {
		return err
	}
	if err := s.do(ctx, fileRequest(command, file, sum)); err != nil {
		return err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeRegister})
	return s.enrolled(ctx)
}

// ours tells whether a key of the wallet comes from this device.
func (s *session) ours(d *descriptor.Descriptor) bool {
	for _, k := range d.Keys() {
		if k.Origin != nil && k.Origin.Fingerprint == s.master.Fingerprint() {
			return true
		}
	}
	return false
}

// walletName makes a name that the device takes: printable ASCII, two characters or more.
func (f firmware) walletName(name string) string {
	most := nameLength
	if f.edge {
		most = edgeNameLength
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r <= '~' && r != '"' && r != '\\':
			return r
		case r == '\t' || r == '\n':
			return ' '
		}
		return '_'
	}, name)
	clean = strings.Join(strings.Fields(clean), " ")
	if len(clean) > most {
		clean = strings.TrimSpace(clean[:most])
	}
	if len(clean) < 2 {
		return "Specter"
	}
	return clean
}

// walletFile writes the wallet as the firmware reads it, and tells the command that takes it.
func (f firmware) walletFile(d *descriptor.Descriptor, name string) (command string, file []byte, err error) {
	_, _, plain := d.Threshold()
	_, script := scripts[d.ScriptType()]
	plain = plain && script
	command, most := "enrl", maxWalletFile
	switch {
	case f.edge:
		command, most = "mins", maxMiniscripts
	case !plain:
		return "", nil, signer.E(signer.CodeUnavailable, "this Coldcard's firmware knows wallets with one key and multisig alone; the Edge firmware knows more")
	}
	if f.readsNamed() {
		file, err = namedFile(d, name)
	} else {
		file, err = plainFile(d, name)
	}
	if err == nil && (len(file) < minWalletFile || len(file) > most) {
		err = signer.E(signer.CodeUnavailable, "the wallet is too large for this Coldcard: %d bytes, at most %d are taken", len(file), most)
	}
	return command, file, err
}

// namedFile is JSON with the descriptor and its name.
func namedFile(d *descriptor.Descriptor, name string) ([]byte, error) {
	bare, err := d.WithAnnotations(nil)
	if err != nil {
		return nil, signer.E(signer.CodeBadArgument, "the wallet's descriptor cannot be used: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // < and > of <0;1> stay as they are
	if err := enc.Encode(struct {
		Desc string `json:"desc"`
		Name string `json:"name"`
	}{bare.String(), name}); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// plainFile is the text file that all firmware reads. It tells sorted multisig alone.
func plainFile(d *descriptor.Descriptor, name string) ([]byte, error) {
	m, n, _ := d.Threshold()
	if !strings.Contains(d.String(), "sortedmulti(") {
		return nil, signer.E(signer.CodeUnavailable, "this Coldcard's firmware takes only multisig wallets with sorted keys (sortedmulti); newer firmware takes others")
	}
	format := map[string]string{"sh": "P2SH", "wsh": "P2WSH", "sh-wsh": "P2SH-P2WSH"}[d.ScriptType()]
	var b bytes.Buffer
	fmt.Fprintf(&b, "Name: %s\nPolicy: %d of %d\nFormat: %s\n", name, m, n, format)
	for _, k := range d.Keys() {
		if k.Origin == nil || k.XKey == nil {
			return nil, signer.E(signer.CodeBadArgument, "a key of the wallet has no origin (fingerprint and path), so the wallet cannot be registered on a Coldcard")
		}
		fmt.Fprintf(&b, "Derivation: %s\n%s: %s\n", apostrophes(k.Origin.Path.Full()), strings.ToUpper(k.Origin.Fingerprint.String()), k.XKey)
	}
	return b.Bytes(), nil
}

// knows asks whether the wallet is on the device now. Edge is asked by name; other firmware by
// the threshold and the fingerprints, all that it can be asked by.
func (s *session) knows(ctx context.Context, d *descriptor.Descriptor, name string) (bool, error) {
	if s.version.edge {
		answer, err := s.text(ctx, "msgt"+name)
		if signer.CodeOf(err) == signer.CodeNotRegistered {
			return false, nil
		}
		if err == nil {
			err = sameWallet(d, answer, name)
		}
		return err == nil, err
	}
	m, n, _ := d.Threshold()
	var sum uint32
	for _, k := range d.Keys() {
		if k.Origin != nil {
			sum ^= binary.LittleEndian.Uint32(k.Origin.Fingerprint[:])
		}
	}
	request := []byte("msck")
	for _, v := range []uint32{uint32(m), uint32(n), sum} {
		request = binary.LittleEndian.AppendUint32(request, v)
	}
	body, err := s.ask(ctx, request, "int1")
	if err != nil {
		return false, err
	}
	return len(body) == 4 && binary.LittleEndian.Uint32(body) != 0, nil
}

// sameWallet compares a wallet that the device tells with ours. Names alone tell wallets apart on
// Edge firmware, so a name may be taken.
func sameWallet(d *descriptor.Descriptor, answer, name string) error {
	var told struct {
		Desc string `json:"desc"`
	}
	if err := json.Unmarshal([]byte(answer), &told); err != nil {
		return garbled()
	}
	theirs, err := descriptor.Parse(told.Desc, descriptor.Options{})
	if err != nil {
		return nil // written in the device's own way; addresses and signatures are checked anyway
	}
	ours, err := d.WithAnnotations(nil)
	if err == nil && theirs.String() != ours.String() {
		return signer.E(signer.CodeBadArgument, "the Coldcard knows another wallet by the name %q; rename one of the two", name)
	}
	return nil
}
