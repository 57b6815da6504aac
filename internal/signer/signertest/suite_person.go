package signertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
)

// call is something that a device asks its person about.
type call struct {
	name    string
	screens []string // that are refused, or left alone
	do      func(ctx context.Context, b *bench) error
}

// calls are what this family asks its person about.
func calls(t *testing.T, f Family) []call {
	first := f.Scripts[0]
	list := []call{
		{"showing an address", []string{ShowAddress}, func(ctx context.Context, b *bench) error {
			w := b.wallet(t, first)
			_, err := b.signer.ShowAddress(ctx, w, signer.Registration{}, 0, 3)
			return err
		}},
		{"signing", []string{ShowOutput, ShowFee}, func(ctx context.Context, b *bench) error {
			w := b.wallet(t, first)
			_, err := b.signer.Sign(ctx, w, signer.Registration{}, payment(w).Packet(t, btc.Regtest))
			return err
		}},
	}
	if f.Looks {
		list = list[1:]
	}
	if f.Messages {
		list = append(list, call{"signing a message", []string{ShowMessage}, func(ctx context.Context, b *bench) error {
			_, err := b.signer.SignMessage(ctx, messagePath(t, f), []byte("hello"))
			return err
		}})
	}
	if i := slices.Index(f.Scripts, "wsh"); f.Registers && i >= 0 {
		list = append(list, call{"registering", []string{ShowPolicy}, func(ctx context.Context, b *bench) error {
			_, err := b.signer.Register(ctx, b.wallet(t, "wsh"))
			return err
		}})
	}
	return list
}

// refusals are told as such, and the session goes on.
func refusals(t *testing.T, f Family) {
	for _, c := range calls(t, f) {
		t.Run(c.name, func(t *testing.T) {
			d := honest(t)
			d.Person = Refuse(c.screens...)
			b := open(t, f, d)
			declined(t, c.name, c.do(b.ctx, b))
			b.alive(t)
			declined(t, c.name+" again", c.do(b.ctx, b))
		})
	}
}

// away: nobody answers, the call is cancelled, ends soon with ctx's error, and the device is
// told to stop asking.
func away(t *testing.T, f Family) {
	for _, c := range calls(t, f) {
		t.Run(c.name, func(t *testing.T) {
			asked := make(chan struct{})
			var once sync.Once
			d := honest(t)
			d.Person = &Person{Decide: func(s Screen) Decision {
				if !slices.Contains(c.screens, s.Kind) {
					return Decision{Approve: true}
				}
				once.Do(func() { close(asked) })
				return Decision{Away: true}
			}}
			b := open(t, f, d)
			ctx, cancel := context.WithCancel(b.ctx)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- c.do(ctx, b) }()
			select {
			case <-asked:
			case err := <-ended:
				t.Fatalf("nobody was asked: %v", err)
			}
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: %v", err)
				}
			case <-time.After(patience):
				t.Fatal("the call does not end when it is cancelled")
			}
			if f.NoCancel == "" {
				b.alive(t)
			}
		})
	}
}
