package signertest_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// The toy family speaks JSON lines: {"do":…} and {"ok":…} or {"no":…}. It shows what a driver
// has to do, and with its faults what the suite finds out.

type request struct {
	Do                   string
	Path, Text, PSBT, ID string
	Branch, Index        uint32
}

type answer struct{ OK, No string }

// faults are what a bad toy driver does wrong; the zero value is a good one.
type faults struct {
	SwallowsRefusal, IgnoresCancel, IgnoresCut, NeverShows, ChangesTx, TakesAnybody, AsksAgain, MatchesAll, Slow bool
}

type toyDriver struct{ bad faults }

func (toyDriver) Kind() string { return "toy" }

func (d toyDriver) Match(p signer.Port) bool {
	return d.bad.MatchesAll || p.Vendor == 0x1234 || p.Kind == "toy"
}

func (d toyDriver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	s := &toy{conn: c, bad: d.bad, in: bufio.NewReader(nil)}
	got, err := s.ask(ctx, request{Do: "hello"})
	if d.bad.TakesAnybody {
		got, err = "toy "+signertest.Alcohol[:0]+"95d8f670", nil
	}
	if err != nil {
		return nil, err
	}
	fp, err := btc.ParseFingerprint(string(got[len("toy "):]))
	if err != nil {
		return nil, signer.ErrNotThisKind
	}
	s.info = signer.Info{Kind: "toy", Model: "toy_1", Path: p.Path, Fingerprint: fp, Known: true}
	return s, nil
}

type toy struct {
	conn signer.Conn
	bad  faults
	info signer.Info
	in   *bufio.Reader
	rest []byte
}

func (s *toy) Info() signer.Info { return s.info }
func (s *toy) Close() error      { return nil }
func (s *toy) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	return s.info.Fingerprint, s.ping(ctx)
}
func (s *toy) NeedsRegistration(w signer.Wallet) bool { return len(w.Descriptor.Keys()) > 1 }
func (s *toy) ping(ctx context.Context) error         { _, err := s.ask(ctx, request{Do: "hello"}); return err }

// ask sends one line and reads one; when ctx ends it tells the device and waits for its answer.
func (s *toy) ask(ctx context.Context, r request) (string, error) {
	if err := s.send(ctx, r); err != nil {
		return "", err
	}
	got, err := s.line(ctx)
	if ctx.Err() != nil && !s.bad.IgnoresCancel {
		after, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer stop()
		if err := s.send(after, request{Do: "cancel"}); err != nil {
			return "", err
		}
		if _, err := s.line(after); err != nil {
			return "", err
		}
		return "", ctx.Err()
	}
	if err != nil {
		return "", err
	}
	switch {
	case got.No == "refused" && s.bad.SwallowsRefusal:
		return "", signer.E(signer.CodeUnknown, "something went wrong")
	case got.No == "refused":
		return "", signer.Declined("the request")
	case got.No != "":
		return "", signer.E(signer.CodeUnknown, "the device says: %s", got.No)
	}
	return got.OK, nil
}

func (s *toy) send(ctx context.Context, r request) error {
	raw, _ := json.Marshal(r)
	_, err := s.conn.Write(ctx, append(raw, '\n'))
	return s.lost(err)
}

func (s *toy) lost(err error) error {
	if err == nil || !s.bad.IgnoresCut {
		if err != nil {
			return signer.Lost(err)
		}
		return nil
	}
	return errors.New("eh?")
}

func (s *toy) line(ctx context.Context) (answer, error) {
	for {
		if i := slices.Index(s.rest, '\n'); i >= 0 {
			var a answer
			err := json.Unmarshal(s.rest[:i], &a)
			s.rest = s.rest[i+1:]
			if err != nil || a.OK == "" && a.No == "" {
				return answer{}, signer.ErrNotThisKind
			}
			return a, nil
		}
		if len(s.rest) > 1<<20 {
			return answer{}, signer.ErrNotThisKind
		}
		p := make([]byte, 4096)
		n, err := s.conn.Read(ctx, p)
		if err != nil {
			return answer{}, s.lost(err)
		}
		s.rest = append(s.rest, p[:n]...)
	}
}

func (s *toy) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	got, err := s.ask(ctx, request{Do: "xpub", Path: p.Full()})
	if err != nil {
		return btc.XKey{}, err
	}
	key, _, err := btc.ParseXKey(got)
	return key, err
}

func (s *toy) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	got, err := s.ask(ctx, request{Do: "register", Text: w.Descriptor.String()})
	return signer.Registration{Name: w.Name, ID: []byte(got)}, err
}

func (s *toy) ShowAddress(ctx context.Context, w signer.Wallet, r signer.Registration, branch, index uint32) (string, error) {
	if s.bad.NeverShows {
		d, _ := w.Descriptor.Branch(int(branch))
		out, _ := d.Derive(index)
		a, _ := out.Address(btc.Regtest)
		return a, nil
	}
	return s.ask(ctx, request{Do: "address", Text: w.Descriptor.String(), ID: s.id(r), Branch: branch, Index: index})
}

func (s *toy) id(r signer.Registration) string {
	if s.bad.AsksAgain {
		return ""
	}
	return string(r.ID)
}

func (s *toy) Sign(ctx context.Context, w signer.Wallet, r signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	raw, err := tx.Base64()
	if err != nil {
		return nil, err
	}
	if s.bad.Slow {
		<-time.After(300 * time.Millisecond) // it dawdles
	}
	req := request{Do: "sign", PSBT: raw, ID: s.id(r)}
	if w.Descriptor != nil {
		req.Text = w.Descriptor.String()
	}
	got, err := s.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	if s.bad.ChangesTx {
		tx.Outputs[0].Amount++
	}
	return psbt.Decode(got)
}

func (s *toy) SignMessage(ctx context.Context, p btc.Path, text []byte) ([]byte, error) {
	got, err := s.ask(ctx, request{Do: "message", Path: p.Full(), Text: string(text)})
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(got)
}

// serveToy is the device's side.
func serveToy(ctx context.Context, c signer.Conn, d signertest.Device) error {
	lines := make(chan request)
	failed := make(chan error, 1)
	go func() { failed <- readLines(ctx, c, lines) }()
	for {
		select {
		case err := <-failed:
			return err
		case r := <-lines:
			work, stop := context.WithCancel(ctx)
			done := make(chan answer, 1)
			go func() { done <- toyAnswer(work, d, r) }()
			var a answer
			for waiting := true; waiting; {
				select {
				case a = <-done:
					waiting = false
				case next := <-lines:
					if next.Do == "cancel" {
						stop()
					}
				case err := <-failed:
					stop()
					return err
				}
			}
			stop()
			raw, _ := json.Marshal(a)
			if _, err := c.Write(ctx, append(raw, '\n')); err != nil {
				return err
			}
		}
	}
}

func readLines(ctx context.Context, c signer.Conn, to chan<- request) error {
	in := bufio.NewScanner(connReader{ctx, c})
	in.Buffer(nil, 1<<22)
	for in.Scan() {
		var r request
		if json.Unmarshal(in.Bytes(), &r) != nil {
			continue
		}
		select {
		case to <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return in.Err()
}

type connReader struct {
	ctx context.Context
	c   signer.Conn
}

func (r connReader) Read(p []byte) (int, error) {
	n, err := r.c.Read(r.ctx, p)
	if errs.Is(err, errs.Unavailable) {
		err = io.EOF
	}
	return n, err
}

var errRefused = errors.New("refused")

func toyAnswer(ctx context.Context, d signertest.Device, r request) answer {
	ok, err := toyDo(ctx, d, r)
	if err != nil {
		return answer{No: err.Error()}
	}
	return answer{OK: ok}
}

func toyDo(ctx context.Context, d signertest.Device, r request) (string, error) {
	master := d.Master
	if d.Lie.XPub && r.Do == "xpub" || d.Lie.Signature && r.Do == "message" {
		master, _ = master.Child(99)
	}
	switch r.Do {
	case "hello":
		return "toy " + d.Master.Fingerprint().String(), nil
	case "cancel":
		return "nothing to cancel", nil
	case "xpub":
		p, err := btc.ParsePath(r.Path)
		if err != nil {
			return "", err
		}
		key, err := master.Derive(p)
		key.Depth = uint8(len(p))
		return key.Public().String(), err
	case "register":
		if !d.Person.Ask(ctx, signertest.ShowPolicy, r.Text).Approve {
			return "", errRefused
		}
		return "registered " + r.Text, nil
	case "address":
		return toyAddress(ctx, d, r)
	case "sign":
		return toySign(ctx, d, r, master)
	case "message":
		return toyMessage(ctx, d, r, master)
	}
	return "", fmt.Errorf("unknown: %s", r.Do)
}

func toyAddress(ctx context.Context, d signertest.Device, r request) (string, error) {
	desc, err := descriptor.Parse(r.Text, descriptor.Options{})
	if err != nil {
		return "", err
	}
	if err := toyPolicy(ctx, d, r, desc); err != nil {
		return "", err
	}
	for _, k := range desc.Keys() { // a device knows its own key
		if k.Origin != nil && k.Origin.Fingerprint == d.Master.Fingerprint() {
			if mine, err := d.Master.Derive(k.Origin.Path); err != nil || !mine.Identical(*k.XKey) {
				return "", errors.New("this key is not mine")
			}
		}
	}
	index := r.Index
	if d.Lie.Address {
		index++
	}
	branch, err := desc.Branch(int(r.Branch))
	if err != nil {
		return "", err
	}
	out, err := branch.Derive(index)
	if err != nil {
		return "", err
	}
	a, _ := out.Address(btc.Testnet3) // the toy knows no regtest
	if !d.Person.Ask(ctx, signertest.ShowAddress, a).Approve {
		return "", errRefused
	}
	return a, nil
}

// toyPolicy shows wallets of several keys that are not registered.
func toyPolicy(ctx context.Context, d signertest.Device, r request, desc *descriptor.Descriptor) error {
	if len(desc.Keys()) > 1 && r.ID != "registered "+r.Text && !d.Person.Ask(ctx, signertest.ShowPolicy, r.Text).Approve {
		return errRefused
	}
	return nil
}

func toySign(ctx context.Context, d signertest.Device, r request, master btc.XKey) (string, error) {
	tx, err := psbt.Decode(r.PSBT)
	if err != nil {
		return "", err
	}
	if desc, err := descriptor.Parse(r.Text, descriptor.Options{}); r.Text != "" && err == nil {
		if err := toyPolicy(ctx, d, r, desc); err != nil {
			return "", err
		}
	}
	for _, o := range tx.Outputs {
		if a, _ := btc.AddressOf(o.Script, d.Network); !d.Person.Ask(ctx, signertest.ShowOutput, fmt.Sprintf("%s %d", a, o.Amount)).Approve {
			return "", errRefused
		}
	}
	if d.Lie.Amount {
		tx.Outputs[0].Amount++
	}
	if _, err := tx.Sign(psbt.ExtendedKey(master, btc.KeyOrigin{})); err != nil {
		return "", err
	}
	if a, b := &tx.Inputs[0], &tx.Inputs[1]; d.Lie.Signature { // of the right form, of another input's key
		if len(a.PartialSigs) > 0 {
			a.PartialSigs = []psbt.PartialSig{{PubKey: a.PartialSigs[0].PubKey, Signature: b.PartialSigs[0].Signature}}
		}
		a.TapKeySig = b.TapKeySig
	}
	if d.Lie.Amount {
		tx.Outputs[0].Amount--
	}
	return tx.Base64()
}

func toyMessage(ctx context.Context, d signertest.Device, r request, master btc.XKey) (string, error) {
	p, err := btc.ParsePath(r.Path)
	if err != nil {
		return "", err
	}
	if !d.Person.Ask(ctx, signertest.ShowMessage, r.Text).Approve {
		return "", errRefused
	}
	key, err := master.Derive(p)
	if err != nil {
		return "", err
	}
	secret, _ := key.PrivateKey()
	a, _ := btc.AddressOf(btc.WitnessScript(0, btc.Hash160(key.PublicKey[:])), btc.Testnet3)
	return message.Sign(secret, a, btc.Testnet3, r.Text, message.BIP137)
}
