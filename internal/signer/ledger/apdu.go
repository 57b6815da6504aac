package ledger

import (
	"encoding/binary"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/signer"
)

// Classes and instructions of the Bitcoin app (its doc/bitcoin.md); protocol version 1 in P2.
const (
	claCommon    = 0xb0 // answered by every app and the dashboard
	claApp       = 0xe1
	claFramework = 0xf8

	insAppInfo     = 0x01 // of claCommon
	insContinue    = 0x01 // of claFramework
	insXPub        = 0x00
	insRegister    = 0x02
	insAddress     = 0x03
	insSign        = 0x04
	insFingerprint = 0x05
	insMessage     = 0x10

	protocol = 1
	maxData  = 255 // of an APDU
	maxSteps = 10  // of a path; apps before 2.4 take 8
)

// Status words.
const (
	swOK          = 0x9000
	swMore        = 0xe000 // a client command in the data
	swLocked      = 0x5515
	swLockedOld   = 0x6982 // security status not satisfied
	swLockedOlder = 0x6804
	swDenied      = 0x6985
	swBusy        = 0x6901 // measured: it asks its person about something else
	swBadData     = 0x6a80
	swUnsupported = 0x6a82
	swBadP1P2     = 0x6a86
	swBadLength   = 0x6a87
	swNoINS       = 0x6d00
	swNoCLA       = 0x6e00
	swNoCLAOld    = 0x6e01
	swNoApp       = 0x6511
	swBadState    = 0xb007
	swBadProof    = 0xb008
	swAsleep      = 0x6faa
)

func apdu(cla, ins, p2 byte, data []byte) []byte {
	return append([]byte{cla, ins, 0, p2, byte(len(data))}, data...)
}

// fault is the sentence for a status word. what was asked stands in it: "the signature".
func fault(sw uint16, what string) error {
	switch sw {
	case swDenied:
		return signer.Declined(what)
	case swLocked, swLockedOld, swLockedOlder:
		return errLocked()
	case swBusy:
		return signer.E(signer.CodeBusy, "the Ledger still asks about something else; answer or refuse that on the device, then try again")
	case swNoApp, swNoCLA, swNoCLAOld, swNoINS:
		return signer.E(signer.CodeNotReady, "open the Bitcoin app on the Ledger, version 2.1 or later")
	case swBadProof:
		return errUnregistered()
	case swUnsupported:
		return signer.E(signer.CodeUnavailable, "the Ledger's Bitcoin app cannot do this: %s", what)
	case swBadData, swBadP1P2, swBadLength:
		return signer.E(signer.CodeBadArgument, "the Ledger's Bitcoin app does not accept what it was given for %s; a newer version of the app may", what)
	case swAsleep:
		return signer.E(signer.CodeConnection, "the Ledger is asleep or was stopped; unplug it, connect it again and unlock it")
	}
	return signer.E(signer.CodeUnknown, "the Ledger broke off %s (status %04x); close and open the Bitcoin app, then try again", what, sw)
}

func errLocked() error {
	return signer.E(signer.CodeNotReady, "the Ledger is locked; type its PIN on the device, then try again")
}

func errUnregistered() error {
	return signer.E(signer.CodeNotRegistered, "this wallet is not registered on this Ledger, or was registered on another one; register it again")
}

// appInfo is the answer to B0 01: what is open on the device.
type appInfo struct{ name, version string }

// parseAppInfo reads 01, name, version and flags, each with its length. Name and version are
// printable ASCII of at most 64 characters.
func parseAppInfo(b []byte) (appInfo, error) {
	text := func() (string, bool) {
		if len(b) < 1 || len(b) < 1+int(b[0]) || b[0] > 64 {
			return "", false
		}
		s := string(b[1 : 1+b[0]])
		b = b[1+b[0]:]
		return s, !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
	}
	if len(b) == 0 || b[0] != 1 {
		return appInfo{}, malformed("no name of an app")
	}
	b = b[1:]
	name, ok := text()
	version, ok2 := text()
	if !ok || !ok2 {
		return appInfo{}, malformed("no name of an app")
	}
	return appInfo{name, version}, nil
}

// check tells why the app that is open cannot serve a network; nil when it can. Emulators may
// call the app just "app".
func (a appInfo) check(n btc.Network, emulator bool) error {
	want, other := "Bitcoin", "Bitcoin Test"
	if !n.IsMain() {
		want, other = other, want
	}
	switch a.name {
	case want:
	case "Bitcoin Recovery":
		if !n.IsMain() {
			return signer.E(signer.CodeNotReady, "the app open on the Ledger is for mainnet; open the app %q", want)
		}
	case "app":
		if !emulator {
			return signer.E(signer.CodeNotReady, "open the app %q on the Ledger", want)
		}
	case other:
		return signer.E(signer.CodeNotReady, "the app %q is open on the Ledger; for %s open the app %q", other, n, want)
	case "Bitcoin Legacy", "Bitcoin Test Legacy":
		return signer.E(signer.CodeUnavailable, "the app %q speaks an old protocol that is not supported; open the app %q, version 2.1 or later", a.name, want)
	case "BOLOS", "OLOS\x00", "BOLOS\x00":
		return signer.E(signer.CodeNotReady, "open the app %q on the Ledger", want)
	default:
		return signer.E(signer.CodeNotReady, "the app %q is open on the Ledger; open the app %q", a.name, want)
	}
	if !a.since(2, 1) {
		return signer.E(signer.CodeUnavailable, "the Bitcoin app %s on the Ledger is too old; update it to 2.1 or later with Ledger's own program", a.version)
	}
	return nil
}

// since compares the app's version, such as 2.4.6 or 2.1.0-beta.
func (a appInfo) since(major, minor int) bool {
	parts := strings.SplitN(a.version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	x, err := strconv.Atoi(parts[0])
	y, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (x > major || x == major && y >= minor)
}

// pathData writes a path as the app reads it: number of steps, then each in four bytes.
func pathData(p btc.Path) ([]byte, error) {
	if len(p) > maxSteps {
		return nil, signer.E(signer.CodeBadArgument, "a Ledger takes paths of at most %d steps, this one has %d", maxSteps, len(p))
	}
	b := []byte{byte(len(p))}
	for _, step := range p {
		b = binary.BigEndian.AppendUint32(b, step)
	}
	return b, nil
}
