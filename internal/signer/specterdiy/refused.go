package specterdiy

import (
	"strings"
	"unicode"

	"specter/internal/signer"
)

// refused makes the error that an answer stands for; other answers are none.
func refused(answer string) error {
	detail, failed := strings.CutPrefix(answer, "error:")
	if !failed {
		return nil
	}
	detail = printable(detail)
	low := strings.ToLower(detail)
	has := func(words string) bool { return strings.Contains(low, words) }
	switch {
	case has("user cancelled"):
		return signer.Declined("this")
	case has("unknown command"), has("find matching app"), has("unsupported script type"):
		return signer.E(signer.CodeUnavailable, "the firmware of this Specter-DIY cannot do that (%s)", detail)
	case has("can't find wallet"):
		return signer.E(signer.CodeNotRegistered, "the Specter-DIY does not know the wallet, or is set to another network; add the wallet to the device first")
	case has("locked"):
		return signer.E(signer.CodeNotReady, "the Specter-DIY is locked; unlock it and load the key first")
	case has("busy"):
		return signer.E(signer.CodeBusy, "the Specter-DIY is busy with something else; finish it on the device and try again")
	case has("don't belong to the"):
		return signer.E(signer.CodeNotReady, "the Specter-DIY is set to another network than this wallet's; choose the right one on the device under Settings, Switch network (%s)", detail)
	case has("psbt"):
		return signer.E(signer.CodeBadTransaction, "the Specter-DIY refused the transaction: %s", detail)
	}
	return signer.E(signer.CodeBadArgument, "the Specter-DIY refused: %s", detail)
}

// printable keeps what a device said fit to be shown: one line, at most 200 characters.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	if text == "" {
		return "no reason given"
	}
	return text
}
