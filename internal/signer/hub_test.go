package signer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
)

// thing is what is plugged in at a port of these tests.
type thing struct {
	master  btc.XKey
	kind    string // which driver it answers to
	locked  bool
	pin     string
	trouble error         // why it cannot be used now
	hangs   bool          // opening the port never returns
	mute    bool          // it opens and says nothing
	gate    chan struct{} // calls wait here, nil: not
	opened  atomic.Int32
	inUse   atomic.Int32
	most    atomic.Int32 // at once
	closed  atomic.Int32
	asked   atomic.Bool
	cancels atomic.Int32
}

type thingConn struct{ t *thing }

func (c thingConn) Read(ctx context.Context, p []byte) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}
func (c thingConn) Write(_ context.Context, p []byte) (int, error) { return len(p), nil }
func (c thingConn) Close() error                                   { c.t.closed.Add(1); c.t.inUse.Add(-1); return nil }

type thingDriver struct{ kind string }

func (d thingDriver) Kind() string { return d.kind }
func (d thingDriver) Match(p signer.Port) bool {
	return p.Vendor != 0 && strings.HasPrefix(p.Path, d.kind)
}

func (d thingDriver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	t := c.(thingConn).t
	if t.mute {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if t.kind != d.kind {
		return nil, signer.ErrNotThisKind
	}
	s := &thingSigner{t: t, o: o}
	if d.kind == "onekey" {
		return &thingUnlocker{s}, nil
	}
	return s, nil
}

type thingSigner struct {
	signer.Signer
	t *thing
	o signer.Options
}

func (s *thingSigner) Info() signer.Info {
	i := signer.Info{Kind: s.t.kind, Model: "thing", NeedsPIN: s.t.locked, Err: s.t.trouble}
	if !s.t.locked {
		i.Known, i.Fingerprint = true, s.t.master.Fingerprint()
	}
	return i
}
func (s *thingSigner) Close() error { return nil }
func (s *thingSigner) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if s.t.locked {
		return btc.Fingerprint{}, signer.E(signer.CodeNotReady, "locked")
	}
	if s.t.gate != nil {
		select {
		case <-s.t.gate:
		case <-ctx.Done():
			s.t.cancels.Add(1)
			return btc.Fingerprint{}, ctx.Err()
		}
	}
	return s.t.master.Fingerprint(), nil
}

type thingUnlocker struct{ *thingSigner }

func (u *thingUnlocker) AskPIN(context.Context) error { u.t.asked.Store(true); return nil }
func (u *thingUnlocker) SendPIN(_ context.Context, pin string) error {
	if !u.t.asked.Swap(false) {
		return signer.E(signer.CodeUnavailable, "no PIN was asked for")
	}
	if pin != u.t.pin {
		return signer.Declined("the PIN")
	}
	u.t.locked = false
	return nil
}
func (u *thingUnlocker) TogglePassphrase(context.Context) (bool, error) { return true, nil }

// desk is a hub with things on it.
type desk struct {
	*signer.Hub
	mu    sync.Mutex
	ports []signer.Port
	asked int
}

func newDesk(t *testing.T, things map[string]*thing) *desk {
	d := &desk{}
	for _, path := range slices.Sorted(mapKeys(things)) {
		d.plug(path, things[path])
	}
	d.Hub = signer.NewHub(signer.HubConfig{
		Drivers: []signer.Driver{thingDriver{"onekey"}, thingDriver{"vault"}, thingDriver{"serial"}},
		Ports: func(context.Context) ([]signer.Port, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asked++
			return slices.Clone(d.ports), nil
		},
		Limit: func(signer.Port) time.Duration { return 500 * time.Millisecond },
	})
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func mapKeys(m map[string]*thing) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (d *desk) plug(path string, x *thing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	way := signer.HID
	if strings.HasPrefix(path, "serial") {
		way = signer.Serial
	}
	d.ports = append(d.ports, signer.Port{Path: path, Way: way, Vendor: 1, Open: func(ctx context.Context) (signer.Conn, error) {
		if x.hangs {
			select {} // a driver of the system that never returns
		}
		x.opened.Add(1)
		n := x.inUse.Add(1)
		for m := x.most.Load(); n > m && !x.most.CompareAndSwap(m, n); m = x.most.Load() {
		}
		return thingConn{x}, nil
	}})
}

func (d *desk) unplug(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports = slices.DeleteFunc(d.ports, func(p signer.Port) bool { return p.Path == path })
}

var regtest = signer.Ask{Network: btc.Regtest}

func nothing(context.Context, signer.Signer) error { return nil }

func TestNothingIsLookedForBeforeSomebodyAsks(t *testing.T) {
	x := &thing{kind: "vault", master: masters(t)[0]}
	d := newDesk(t, map[string]*thing{"vault0": x})
	if d.asked != 0 || x.opened.Load() != 0 {
		t.Fatal("the hub looked for devices at its start")
	}
	got, err := d.Enumerate(t.Context(), regtest)
	if err != nil || len(got) != 1 || got[0].Path != "vault0" || got[0].Fingerprint != x.master.Fingerprint() {
		t.Fatal(got, err)
	}
	if x.inUse.Load() != 0 {
		t.Error("the port stays open")
	}
}

func TestAThingThatHangsDoesNotHoldUpOthers(t *testing.T) {
	things := map[string]*thing{
		"vault0":  {kind: "vault", master: masters(t)[0]},
		"vault1":  {hangs: true},
		"vault2":  {kind: "vault", mute: true},
		"vault3":  {kind: "vault", master: masters(t)[1]},
		"serial0": {kind: "serial", mute: true}, // a board that is not ours
		"onekey0": {kind: "keyboard"},
	}
	d := newDesk(t, things)
	for range 2 { // the second time the hanging port is still taken
		began := time.Now()
		got, err := d.Enumerate(t.Context(), regtest)
		if err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, i := range got {
			text = append(text, fmt.Sprintf("%s %v %v", i.Path, i.Known, i.Err != nil))
		}
		if fmt.Sprint(text) != "[vault0 true false vault1 false true vault2 false true vault3 true false]" {
			t.Errorf("found %v", text)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		if errs.KindOf(got[1].Err) == errs.Internal {
			t.Errorf("the hanging port: %v", got[1].Err)
		}
	}
}

func TestWhichDeviceIsMeant(t *testing.T) {
	m := masters(t)
	d := newDesk(t, map[string]*thing{
		"vault0":  {kind: "vault", master: m[0]},
		"vault1":  {kind: "vault", master: m[1]},
		"onekey0": {kind: "onekey", master: m[2]},
		"serial0": {kind: "else"},
	})
	for _, c := range []struct {
		name string
		sel  signer.Select
		want btc.XKey
		code signer.Code
		says string
	}{
		{"path", signer.Select{Path: "vault1"}, m[1], 0, ""},
		{"kind that is there once", signer.Select{Kind: "onekey"}, m[2], 0, ""},
		{"fingerprint", signer.Select{Fingerprint: m[1].Fingerprint(), Known: true}, m[1], 0, ""},
		{"kind and fingerprint", signer.Select{Kind: "vault", Fingerprint: m[0].Fingerprint(), Known: true}, m[0], 0, ""},
		{"kind that is there twice", signer.Select{Kind: "vault"}, btc.XKey{}, signer.CodeNoKind, "2 devices are connected, choose one: vault at vault0"},
		{"nothing said", signer.Select{}, btc.XKey{}, signer.CodeNoKind, "3 devices"},
		{"no such path", signer.Select{Path: "vault7"}, btc.XKey{}, signer.CodeUnknownDevice, "at vault7"},
		{"path of another kind", signer.Select{Kind: "onekey", Path: "vault0"}, btc.XKey{}, signer.CodeUnknownDevice, "no onekey"},
		{"path of a stranger", signer.Select{Path: "serial0"}, btc.XKey{}, signer.CodeUnknownDevice, "no signing device"},
		{"unknown fingerprint", signer.Select{Fingerprint: btc.Fingerprint{1}, Known: true}, btc.XKey{}, signer.CodeUnknownDevice, "01000000"},
		{"path with another fingerprint", signer.Select{Path: "vault0", Fingerprint: m[1].Fingerprint(), Known: true}, btc.XKey{}, signer.CodeUnknownDevice, "fingerprint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got btc.Fingerprint
			err := d.Do(t.Context(), c.sel, regtest, func(ctx context.Context, s signer.Signer) (err error) {
				got, err = s.Fingerprint(ctx)
				return err
			})
			if c.code == 0 && (err != nil || got != c.want.Fingerprint()) {
				t.Fatal(got, err)
			}
			if c.code != 0 && (signer.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("%v (code %d)", err, signer.CodeOf(err))
			}
		})
	}
}

func TestADeviceThatChangedPlacesIsFoundAgain(t *testing.T) {
	m := masters(t)
	a, b := &thing{kind: "vault", master: m[0]}, &thing{kind: "vault", master: m[1]}
	d := newDesk(t, map[string]*thing{"vault0": a, "vault1": b})
	if _, err := d.Enumerate(t.Context(), regtest); err != nil {
		t.Fatal(err)
	}
	a.master, b.master = b.master, a.master
	err := d.Do(t.Context(), signer.Select{Fingerprint: m[0].Fingerprint(), Known: true}, regtest, func(ctx context.Context, s signer.Signer) error {
		if p := s.Info().Path; p != "vault1" {
			t.Errorf("at %s", p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASessionIsKeptBetweenTheQuestionForThePINAndItsAnswer(t *testing.T) {
	x := &thing{kind: "onekey", master: masters(t)[0], locked: true, pin: "4711"}
	d := newDesk(t, map[string]*thing{"onekey0": x})
	sel := signer.Select{Kind: "onekey"}
	ask := func(ctx context.Context, s signer.Signer) error { return s.(signer.Unlocker).AskPIN(ctx) }
	send := func(pin string) func(context.Context, signer.Signer) error {
		return func(ctx context.Context, s signer.Signer) error { return s.(signer.Unlocker).SendPIN(ctx, pin) }
	}
	if err := d.Do(t.Context(), sel, regtest, ask); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Enumerate(t.Context(), regtest); err != nil || len(got) != 1 || !got[0].NeedsPIN || x.opened.Load() != 1 {
		t.Fatal(got, err, x.opened.Load())
	}
	if err := d.Do(t.Context(), sel, regtest, send("1")); signer.CodeOf(err) != signer.CodeCancelled {
		t.Fatalf("a wrong PIN: %v", err)
	}
	if x.inUse.Load() != 0 {
		t.Error("the session stays open after the answer")
	}
	if err := d.Do(t.Context(), sel, regtest, send("4711")); err == nil {
		t.Error("a PIN was taken that nobody asked for")
	}
	if err := d.Do(t.Context(), sel, regtest, ask); err != nil {
		t.Fatal(err)
	}
	if err := d.Do(t.Context(), sel, regtest, send("4711")); err != nil {
		t.Fatal(err)
	}
	// Something else while a question is open gives it up and works.
	if err := d.Do(t.Context(), sel, regtest, ask); err != nil {
		t.Fatal(err)
	}
	err := d.Do(t.Context(), sel, regtest, func(ctx context.Context, s signer.Signer) error {
		fp, err := s.Fingerprint(ctx)
		if fp != x.master.Fingerprint() {
			t.Errorf("%s", fp)
		}
		return err
	})
	if err != nil || x.inUse.Load() != 0 {
		t.Fatal(err, x.inUse.Load())
	}
	// Pulled out while a question is open.
	if err := d.Do(t.Context(), sel, regtest, ask); err != nil {
		t.Fatal(err)
	}
	d.unplug("onekey0")
	if got, err := d.Enumerate(t.Context(), regtest); err != nil || len(got) != 0 || x.inUse.Load() != 0 {
		t.Fatal(got, err, x.inUse.Load())
	}
}

func TestTwentyCallersTakeTurnsAtOneDeviceAndNotAtTwo(t *testing.T) {
	m := masters(t)
	a, b := &thing{kind: "vault", master: m[0]}, &thing{kind: "onekey", master: m[1]}
	d := newDesk(t, map[string]*thing{"vault0": a, "onekey0": b})
	var inside, most atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			sel, want := signer.Select{Kind: "vault"}, m[0].Fingerprint()
			if i%2 == 0 {
				sel, want = signer.Select{Fingerprint: m[1].Fingerprint(), Known: true}, m[1].Fingerprint()
			}
			err := d.Do(t.Context(), sel, regtest, func(ctx context.Context, s signer.Signer) error {
				n := inside.Add(1)
				defer inside.Add(-1)
				for o := most.Load(); n > o && !most.CompareAndSwap(o, n); o = most.Load() {
				}
				fp, err := s.Fingerprint(ctx)
				if fp != want {
					t.Errorf("got %s", fp)
				}
				return err
			})
			if err != nil && signer.CodeOf(err) != signer.CodeBusy {
				t.Error(err)
			}
			if i%5 == 0 {
				if _, err := d.Enumerate(t.Context(), regtest); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if a.most.Load() > 1 || b.most.Load() > 1 || most.Load() > 2 {
		t.Errorf("at once: %d, %d, all %d", a.most.Load(), b.most.Load(), most.Load())
	}
	if a.inUse.Load() != 0 || b.inUse.Load() != 0 {
		t.Error("a port stays open")
	}
}

func TestOneDeviceWaitsForItsPersonAndAnotherWorks(t *testing.T) {
	m := masters(t)
	a, b := &thing{kind: "vault", master: m[0], gate: make(chan struct{})}, &thing{kind: "onekey", master: m[1]}
	d := newDesk(t, map[string]*thing{"vault0": a, "onekey0": b})
	ctx, cancel := context.WithCancel(t.Context())
	inside, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- d.Do(ctx, signer.Select{Path: "vault0"}, regtest, func(ctx context.Context, s signer.Signer) error {
			close(inside)
			_, err := s.Fingerprint(ctx)
			return err
		})
	}()
	<-inside
	if err := d.Do(t.Context(), signer.Select{Path: "onekey0"}, regtest, nothing); err != nil {
		t.Errorf("the other device: %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := d.Do(short, signer.Select{Path: "vault0"}, regtest, nothing); signer.CodeOf(err) != signer.CodeBusy {
		t.Errorf("the same device: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || a.cancels.Load() != 1 {
		t.Errorf("cancelled: %v, the device was told %d times", err, a.cancels.Load())
	}
	a.gate = nil
	if err := d.Do(t.Context(), signer.Select{Path: "vault0"}, regtest, nothing); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestACallThatFailsOrPanicsLeavesThePortFree(t *testing.T) {
	x := &thing{kind: "vault", master: masters(t)[0]}
	d := newDesk(t, map[string]*thing{"vault0": x})
	pulled := signer.Lost(io.EOF)
	if err := d.Do(t.Context(), signer.Select{}, regtest, func(context.Context, signer.Signer) error { return pulled }); signer.CodeOf(err) != signer.CodeConnection {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.Do(t.Context(), signer.Select{}, regtest, func(context.Context, signer.Signer) error { panic("oh") })
	}()
	if err := d.Do(t.Context(), signer.Select{}, regtest, nothing); err != nil || x.inUse.Load() != 0 {
		t.Fatal(err, x.inUse.Load())
	}
}

// A serial chip that may not be opened could be a Jade: people are told what to do about it.
func TestAPortThatMayNotBeOpenedIsListedWithAdvice(t *testing.T) {
	denied := signer.E(signer.CodeNeedsRoot, "run \"sudo specter udev install\"")
	d := newDesk(t, nil)
	for _, path := range []string{"serial0", "vault0"} {
		d.plug(path, &thing{})
		d.ports[len(d.ports)-1].Open = func(context.Context) (signer.Conn, error) { return nil, denied }
	}
	got, err := d.Enumerate(t.Context(), regtest)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for _, info := range got {
		if signer.CodeOf(info.Err) != signer.CodeNeedsRoot || !strings.Contains(info.Err.Error(), "udev install") {
			t.Errorf("%+v", info)
		}
	}
	if err := d.Do(t.Context(), signer.Select{Path: "vault0"}, regtest, nothing); signer.CodeOf(err) != signer.CodeNeedsRoot {
		t.Errorf("using it: %v", err)
	}
}

// outside is another program with a device of its own.
type outside struct{ x *thing }

func (o outside) Enumerate(_ context.Context, _ signer.Ask, skip []string) ([]signer.Info, error) {
	if !slices.Equal(skip, []string{"onekey", "vault", "serial"}) {
		return nil, fmt.Errorf("asked to skip %v", skip)
	}
	return []signer.Info{{Kind: "bitty", Path: "b0", Known: true, Fingerprint: o.x.master.Fingerprint()}}, nil
}

func (o outside) Open(info signer.Info, a signer.Ask) (signer.Signer, error) {
	return &thingSigner{t: o.x}, nil
}

func TestDevicesOfAnotherProgramAreListedAndUsed(t *testing.T) {
	m := masters(t)
	x := &thing{kind: "bitty", master: m[1]}
	h := signer.NewHub(signer.HubConfig{
		Drivers: []signer.Driver{thingDriver{"onekey"}, thingDriver{"vault"}, thingDriver{"serial"}},
		Ports:   func(context.Context) ([]signer.Port, error) { return nil, nil },
		Outside: outside{x},
	})
	got, err := h.Enumerate(t.Context(), regtest)
	if err != nil || len(got) != 1 || got[0].Kind != "bitty" {
		t.Fatal(got, err)
	}
	for _, sel := range []signer.Select{{}, {Kind: "bitty"}, {Path: "b0"}, {Fingerprint: m[1].Fingerprint(), Known: true}} {
		used := false
		err := h.Do(t.Context(), sel, regtest, func(context.Context, signer.Signer) error { used = true; return nil })
		if err != nil || !used {
			t.Errorf("%+v: %v", sel, err)
		}
	}
	if err := h.Do(t.Context(), signer.Select{Kind: "vault"}, regtest, nothing); signer.CodeOf(err) != signer.CodeUnknownDevice {
		t.Errorf("%v", err)
	}
}
