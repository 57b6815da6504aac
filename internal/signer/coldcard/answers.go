package coldcard

import (
	"context"
	"strings"
	"unicode"

	"specter/internal/signer"
)

// words are the first four letters of all answers.
var words = []string{"okay", "refu", "busy", "fram", "err_", "asci", "biny", "int1", "int2", "int3", "mypb", "smrx", "strx"}

// expect returns what follows the four letters of an answer, or the error that it is.
func expect(answer []byte, word string) ([]byte, error) {
	if string(answer[:4]) == word {
		return answer[4:], nil
	}
	return nil, refused(answer)
}

// refused makes the error that an answer stands for.
func refused(answer []byte) error {
	detail := printable(answer[4:])
	switch string(answer[:4]) {
	case "refu":
		return signer.Declined("this")
	case "busy":
		return signer.E(signer.CodeBusy, "the Coldcard is busy with another question; answer or leave it on the device (X), then try again")
	case "fram":
		return framing(detail)
	case "err_":
		return complaint(detail)
	}
	return garbled()
}

// framing is an error of the link itself.
func framing(detail string) error {
	switch detail {
	case "must encrypt", "crypto already set up":
		return signer.E(signer.CodeBusy, "another program has taken this Coldcard for itself until it is switched off; unplug it, connect it again and unlock it")
	}
	return signer.E(signer.CodeBusy, "the Coldcard could not read what it was sent (%s); if another program is using it, close that one and try again", detail)
}

// complaint is an error of a command. Those that a person can do something about get a
// sentence; the device's own words stand in all others.
func complaint(detail string) error {
	low := strings.ToLower(detail)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("unknown cmd"):
		return signer.E(signer.CodeUnavailable, "this Coldcard's firmware cannot do that; it may need newer firmware, or the Edge firmware")
	case has("spending policy"):
		return signer.E(signer.CodeUnavailable, "this Coldcard does not allow that while its spending policy is in effect")
	case has("hsm mode", "hsm commands"):
		return signer.E(signer.CodeUnavailable, "this Coldcard does not allow that in HSM mode")
	case has("multisig wallet with those fingerprints", "unknown multisig", "miniscript wallet not found", "multisig wallet not found"):
		return signer.E(signer.CodeNotRegistered, "this Coldcard does not know the wallet; register it on the device first (%s)", detail)
	case has("edge firmware", "taproot"):
		return signer.E(signer.CodeUnavailable, "this Coldcard's firmware cannot sign for Taproot; the Edge firmware can (%s)", detail)
	}
	return signer.E(signer.CodeBadArgument, "the Coldcard refused: %s", detail)
}

// printable keeps what a device said fit to be shown: one line, at most 200 characters.
func printable(b []byte) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, string(b))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	if text == "" {
		return "no reason given"
	}
	return text
}

// text asks a question whose answer is text.
func (s *session) text(ctx context.Context, question string) (string, error) {
	answer, err := s.link.call(ctx, []byte(question))
	if err != nil {
		return "", err
	}
	body, err := expect(answer, "asci")
	return string(body), err
}

// ask asks a question whose answer begins with a word.
func (s *session) ask(ctx context.Context, question []byte, word string) ([]byte, error) {
	answer, err := s.link.call(ctx, question)
	if err != nil {
		return nil, err
	}
	return expect(answer, word)
}

// do asks for something whose answer is "okay".
func (s *session) do(ctx context.Context, question []byte) error {
	_, err := s.ask(ctx, question, "okay")
	return err
}

func apostrophes(path string) string { return strings.ReplaceAll(path, "h", "'") }
