package bridge_test

import (
	"context"
	"strings"
	"testing"

	"specter/internal/signer"
)

// unpaired is a desk with a BitBox02 that must be paired first.
type unpaired struct {
	*desk
	box *thing
}

func (u *unpaired) Enumerate(ctx context.Context, a signer.Ask) ([]signer.Info, error) {
	u.box.mu.Lock()
	defer u.box.mu.Unlock()
	return u.desk.Enumerate(ctx, a)
}

func (u *unpaired) Do(ctx context.Context, s signer.Select, a signer.Ask, f func(context.Context, signer.Signer) error) error {
	a.Notify(signer.Notice{Kind: signer.NoticePairing, Code: "ABCDE FGHIJ\nKLMNO PQRST"})
	select {
	case <-u.box.wait:
	case <-ctx.Done():
		return ctx.Err()
	}
	u.box.mu.Lock()
	u.box.info.Err, u.box.info.Known = nil, true
	u.box.mu.Unlock()
	return nil
}

// An old page enumerates, gives up, shows the code and enumerates again; a page of ours is told
// that the device wants pairing and nobody is asked.
func TestAnOldPagePairsByEnumerating(t *testing.T) {
	box := newThing(t, "bitbox02", "p")
	box.wait = make(chan struct{})
	box.info.Known, box.info.Err = false, signer.E(signer.CodeNotReady, "pair it first")
	o := open(t)
	o.desk.things = []*thing{box}
	o.hub(&unpaired{o.desk, box})
	if result, _, text := o.call("enumerate", `{"session":"one-of-ours"}`); !strings.Contains(string(result), "pair it first") {
		t.Errorf("a page of ours: %s %s", result, text)
	}
	if result, _, _ := o.call("bitbox02_pairing", `{}`); string(result) != `{"code":""}` {
		t.Errorf("nobody pairs yet: %s", result)
	}
	ctx, giveUp := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		o.post("http://localhost:25441", `{"id":1,"method":"enumerate"}`, within(ctx))
	}()
	wait(t, "the code", func() bool {
		result, _, _ := o.call("bitbox02_pairing", `{}`)
		return string(result) == `{"code":"ABCDE FGHIJ KLMNO PQRST"}`
	})
	giveUp()
	<-gone
	if result, _, _ := o.call("bitbox02_pairing", `{}`); string(result) != `{"code":"ABCDE FGHIJ KLMNO PQRST"}` {
		t.Errorf("after the page gave up: %s", result)
	}
	found := make(chan string, 1)
	go func() {
		result, _, _ := o.call("enumerate", `{}`)
		found <- string(result)
	}()
	close(box.wait)
	if list := <-found; !strings.Contains(list, `"fingerprint":"73c5da0a"`) {
		t.Errorf("after pairing: %s", list)
	}
	if result, _, _ := o.call("bitbox02_pairing", `{}`); string(result) != `{"code":""}` {
		t.Errorf("when all is done: %s", result)
	}
}
