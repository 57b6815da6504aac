package signer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"specter/internal/btc"
)

// Do opens the device that is meant, lets f use it and closes it. The Signer is CheckedOn the
// network; it must not be kept. Calls at one device wait for each other, at several devices they
// do not. When f has made a device ask for its PIN (AskPIN), the session stays open for the next
// Do at that port. When ctx ends, f's call ends: the driver tells the device, and if that takes
// too long the connection is closed under it.
func (h *Hub) Do(ctx context.Context, sel Select, a Ask, f func(context.Context, Signer) error) error {
	list, err := h.candidates(ctx, sel)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return h.doOutside(ctx, sel, a, f)
	}
	if c, ok := remembered(list, sel, a); ok {
		if done, err := h.at(ctx, c, sel, a, f); done {
			return err
		}
	}
	c, err := h.choose(ctx, list, sel, a)
	if CodeOf(err) == CodeUnknownDevice && h.cfg.Outside != nil {
		return h.doOutside(ctx, sel, a, f)
	}
	if err != nil {
		return err
	}
	_, err = h.at(ctx, c, sel, a, f)
	return err
}

// remembered is the port where the device with the fingerprint was last.
func remembered(list []candidate, sel Select, a Ask) (candidate, bool) {
	if !sel.Known || a.Passphrase != "" || len(list) < 2 {
		return candidate{}, false
	}
	for _, c := range list {
		info := c.slot.last(c.drivers)
		if info != nil && info.Known && info.Fingerprint == sel.Fingerprint && c.slot.wasPlain() {
			return c, true
		}
	}
	return candidate{}, false
}

// choose finds the one device that is meant, asking all where ids and paths do not decide.
func (h *Hub) choose(ctx context.Context, list []candidate, sel Select, a Ask) (candidate, error) {
	if len(list) == 1 {
		return list[0], nil
	}
	byPath := map[string]candidate{}
	for _, c := range list {
		byPath[c.port.Path] = c
	}
	var usable, locked []Info
	var why error
	a.Pair = false
	for _, info := range h.probe(ctx, list, a) {
		switch {
		case info.Err != nil && CodeOf(info.Err) != CodeNotReady:
			why = info.Err
		case sel.Known && info.Known && info.Fingerprint == sel.Fingerprint:
			return byPath[info.Path], nil
		case !info.Known: // one that is to be unlocked or paired first is not passed over
			locked = append(locked, info)
			usable = append(usable, info)
		default:
			usable = append(usable, info)
		}
	}
	if sel.Known { // it may be the one that is locked
		usable = locked
	}
	switch {
	case ctx.Err() != nil:
		return candidate{}, ctx.Err()
	case len(usable) == 1:
		return byPath[usable[0].Path], nil
	case len(usable) > 1:
		return candidate{}, several(usable)
	case sel.Known && why == nil:
		return candidate{}, absent(sel.Fingerprint)
	case why != nil:
		return candidate{}, why
	}
	return candidate{}, nobody(sel)
}

func several(list []Info) error {
	names := make([]string, len(list))
	for i, info := range list {
		names[i] = fmt.Sprintf("%s at %s", info.Kind, info.Path)
		if info.Known {
			names[i] += fmt.Sprintf(" (%s)", info.Fingerprint)
		}
	}
	return E(CodeNoKind, "%d devices are connected, choose one: %s", len(list), strings.Join(names, ", "))
}

func absent(fp btc.Fingerprint) error {
	return E(CodeUnknownDevice, "no connected device has the fingerprint %s; is the right one connected, unlocked and used with the right passphrase?", fp)
}

func nobody(sel Select) error {
	what, where := "signing device", ""
	if sel.Kind != "" {
		what = sel.Kind
	}
	if sel.Path != "" {
		where = " at " + sel.Path
	}
	return E(CodeUnknownDevice, "no %s is connected%s; plug it in, unlock it, and close other programs that use it", what, where)
}

// at uses the device at a port. done is false where another device than the remembered one is
// there and f was not called.
func (h *Hub) at(ctx context.Context, c candidate, sel Select, a Ask, f func(context.Context, Signer) error) (done bool, err error) {
	if err := c.slot.wait(ctx); err != nil {
		return true, err
	}
	s, again := c.slot.kept, true
	c.slot.kept = nil
	if s == nil {
		again = false
		greeting, stop := ctx, context.CancelFunc(func() {})
		if !a.Pair { // pairing waits for a person
			greeting, stop = context.WithTimeout(ctx, h.limit(c.port))
		}
		s, err = h.open(greeting, c, a)
		stop()
		if err != nil {
			return true, h.why(ctx, c, sel, err)
		}
	}
	defer func() { // f may panic: the port must not stay taken
		h.leave(c, s, a)
		<-c.slot.turn
	}()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.listen(a.Notify)
	defer closeWhenStuck(ctx, s.conn)()
	signer := h.handle(s, sel, a, again)
	if u, later := signer.(*unlocking); !later || !again && !s.info().NeedsPIN {
		if err := meant(ctx, signer, sel); err != nil {
			return CodeOf(err) != CodeUnknownDevice, err
		}
	} else {
		u.unmet = sel.Known
	}
	return true, f(ctx, signer)
}

// why turns what went wrong while greeting into a sentence.
func (h *Hub) why(ctx context.Context, c candidate, sel Select, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrNotThisKind):
		return nobody(sel)
	case errors.Is(err, context.DeadlineExceeded):
		return E(CodeConnection, "the device at %s does not answer; plug it out and in again, and close other programs that use it", c.port.Path)
	}
	return err
}

// meant makes sure that the device has the fingerprint that was asked for.
func meant(ctx context.Context, signer Signer, sel Select) error {
	if !sel.Known {
		return nil
	}
	info := signer.Info()
	fp := info.Fingerprint
	if !info.Known {
		var err error
		if fp, err = signer.Fingerprint(ctx); err != nil {
			return err
		}
	}
	if fp != sel.Fingerprint {
		return absent(sel.Fingerprint)
	}
	return nil
}

// leave keeps a session that waits for its PIN, for a while, and ends any other.
func (h *Hub) leave(c candidate, s *session, a Ask) {
	c.slot.remember(s.info(), a.Passphrase == "")
	s.listen(nil)
	if !s.asked {
		s.end()
		return
	}
	c.slot.kept = s
	s.timer = time.AfterFunc(pinPatience, func() {
		c.slot.turn <- struct{}{}
		if c.slot.kept == s {
			c.slot.drop()
		}
		<-c.slot.turn
	})
}

// closeWhenStuck closes a connection whose call goes on long after ctx ended.
func closeWhenStuck(ctx context.Context, conn Conn) (stop func()) {
	over := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-late.C:
			_ = conn.Close()
		case <-over:
		}
	})
	return func() { unhook(); close(over) }
}

// doOutside lets the other program do it.
func (h *Hub) doOutside(ctx context.Context, sel Select, a Ask, f func(context.Context, Signer) error) error {
	var fit []Info
	for _, info := range <-h.outsiders(ctx, a) {
		if (sel.Kind == "" || sel.Kind == info.Kind) && (sel.Path == "" || sel.Path == info.Path) &&
			(!sel.Known || !info.Known || info.Fingerprint == sel.Fingerprint) {
			fit = append(fit, info)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(fit) == 0 && sel.Known:
		return absent(sel.Fingerprint)
	case len(fit) == 0:
		return nobody(sel)
	case len(fit) > 1:
		return several(fit)
	case fit[0].Err != nil:
		return fit[0].Err
	}
	slot := h.slotOf(Port{Path: fit[0].Path})
	if err := slot.wait(ctx); err != nil {
		return err
	}
	defer func() { <-slot.turn }()
	s, err := h.cfg.Outside.Open(fit[0], a)
	if err != nil {
		return err
	}
	defer s.Close()
	checked := CheckedOn(s, a.Network)
	if !fit[0].NeedsPIN { // that one cannot do anything yet
		if err := meant(ctx, checked, sel); err != nil {
			return err
		}
	}
	return f(ctx, checked)
}
