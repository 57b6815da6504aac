package coldcard

import (
	"context"
	"strings"
	"time"

	"specter/internal/signer"
)

// The device is asked whether its person has decided, soon at first and then at a calm pace.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// pause waits, longer each time.
func pause(ctx context.Context, d *time.Duration) error {
	timer := time.NewTimer(*d)
	defer timer.Stop()
	*d = min(*d*2, lastPause)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// poll asks until the person has decided. what names it for the person.
func (s *session) poll(ctx context.Context, question, word, what string) ([]byte, error) {
	for wait := firstPause; ; {
		answer, err := s.link.call(ctx, []byte(question))
		if err != nil {
			return nil, err
		}
		switch string(answer[:4]) {
		case "okay": // still waiting
		case "refu":
			return nil, signer.Declined(what)
		default:
			return expect(answer, word)
		}
		if err := pause(ctx, &wait); err != nil {
			return nil, err
		}
	}
}

// nothingAsked are the device's words for that no question is open.
const nothingAsked = "no active request"

// settle fetches and drops the answer to a question that was given up, by us or by another
// program; there is usually none. What is still on the screen stays there.
func (s *session) settle(ctx context.Context) {
	_, _ = s.link.call(ctx, []byte("stok"))
}

// enrolled waits until the person has answered whether to add a wallet. The device tells a
// refusal for a few seconds only, and afterwards merely that nothing is open any more.
func (s *session) enrolled(ctx context.Context) error {
	for wait := firstPause; ; {
		answer, err := s.link.call(ctx, []byte("stok"))
		if err != nil {
			return err
		}
		switch string(answer[:4]) {
		case "okay":
		case "refu":
			return signer.Declined("the wallet")
		default:
			_, err := expect(answer, "okay")
			if strings.Contains(strings.ToLower(string(answer[4:])), nothingAsked) {
				return nil
			}
			return err
		}
		if err := pause(ctx, &wait); err != nil {
			return err
		}
	}
}
