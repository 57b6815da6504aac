// Package hwicli lets the program HWI (hwi, from bitcoin-core/HWI), where it is installed, drive
// devices for which there is no driver here, such as the Digital Bitbox.
//
// Every call is one run of the program with a limit of time. Its commands go in over its standard
// input, so that neither transactions nor passphrases stand in the list of processes, and one JSON
// value comes back, which is bounded and read strictly. What the program says is believed no more
// than a device: the Hub checks signers of this package like others.
package hwicli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
)

// Bounds of a run.
const (
	enumerating = 30 * time.Second // HWI opens every device it knows, some of them slowly
	asking      = 10 * time.Minute // while a person looks at a device
	quick       = 30 * time.Second
	dying       = 2 * time.Second // between being ended and being given up
	maxOut      = 8 << 20         // bytes of the answer
	maxLog      = 64 << 10        // bytes kept of what it says besides
	maxDevices  = 64
	maxText     = 4096 // bytes of any text in an answer but a PSBT
)

// Program is an installed HWI.
type Program struct {
	Path  string        // of the executable
	Env   []string      // its environment; nil: ours
	Limit time.Duration // of every run; 0: what fits the call
	Extra []string      // flags before all others, such as --emulators in tests
}

// Find looks for the program. None is no error: most people have none.
func Find() (Program, bool) {
	path, err := exec.LookPath("hwi")
	return Program{Path: path}, err == nil
}

// Version asks the program for its version, such as "3.2.0".
func (p Program) Version(ctx context.Context) (string, error) {
	out, _, err := p.start(ctx, quick, []string{"--version"}, nil)
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if version == "" || len(version) > 64 {
		return "", signer.E(signer.CodeUnknown, "%s is not the program HWI: it does not tell its version", p.Path)
	}
	return version, nil
}

// job is one command for the program.
type job struct {
	flags []string // -t, -d: which device
	args  []string // command and its arguments
	limit time.Duration
	what  string // for the sentence when it hangs
}

// run gives the program a job and decodes its answer.
func (p Program) run(ctx context.Context, a signer.Ask, j job, into any) error {
	flags := append([]string{"--chain", a.Network.CoreName(), "--stdin"}, j.flags...)
	if a.Expert {
		flags = append(flags, "--expert")
	}
	in, err := lines(j.args)
	if err != nil {
		return err
	}
	if a.Passphrase != "" {
		if runtime.GOOS == "windows" {
			return signer.E(signer.CodeUnavailable, "on Windows the program HWI takes passphrases from its own console alone: enter the passphrase on the device")
		}
		if strings.ContainsAny(a.Passphrase, "\n\r") {
			return signer.E(signer.CodeBadArgument, "a passphrase has no line breaks")
		}
		flags = append(flags, "--stdinpass")
		in = append(in, a.Passphrase+"\n"...)
	}
	out, log, err := p.start(ctx, j.limit, append(flags, "--debug"), in)
	if errors.Is(err, errHangs) {
		return signer.E(signer.CodeBusy, "the program HWI did not answer in %v and was ended (%s%s); disconnect the device, connect it again and retry", p.limit(j.limit), j.what, lastHeard(log))
	}
	if err != nil {
		return err
	}
	return decode(out, into)
}

func (p Program) limit(usual time.Duration) time.Duration {
	if p.Limit > 0 {
		return p.Limit
	}
	return usual
}

var errHangs = errors.New("the program hangs")

// start runs the program and returns what it wrote. It ends with errHangs when its time is over.
func (p Program) start(ctx context.Context, limit time.Duration, flags []string, in []byte) (out, log []byte, err error) {
	short, stop := context.WithTimeout(ctx, p.limit(limit))
	defer stop()
	cmd := exec.CommandContext(short, p.Path, append(append([]string{}, p.Extra...), flags...)...)
	cmd.Env, cmd.WaitDelay = p.Env, dying
	alone(cmd)
	cmd.Stdin = bytes.NewReader(in)
	answer, besides := &head{limit: maxOut}, &tail{limit: maxLog}
	cmd.Stdout, cmd.Stderr = answer, besides
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case short.Err() != nil:
		return nil, besides.kept, errHangs
	case answer.over:
		return nil, nil, signer.E(signer.CodeUnknown, "the program HWI answered with more than it should")
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, nil, signer.E(signer.CodeConnection, "the program HWI at %s cannot be run: %w", p.Path, err)
	}
	if len(bytes.TrimSpace(answer.kept)) == 0 {
		return nil, nil, signer.E(signer.CodeUnknown, "the program HWI failed without an answer (%s)", oneLine(besides.kept))
	}
	return answer.kept, besides.kept, nil
}

// lines writes a command for HWI's --stdin: words in the quotes of a shell, an empty line at the
// end. A word with a line break cannot be said so.
func lines(args []string) ([]byte, error) {
	var out []byte
	for i, a := range args {
		if strings.ContainsAny(a, "\n\r\x00") {
			return nil, signer.E(signer.CodeUnavailable, "the program HWI cannot be given texts of several lines")
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, "'"+strings.ReplaceAll(a, "'", `'"'"'`)+"'"...)
	}
	return append(out, "\n\n"...), nil
}

// decode reads the one JSON value of an answer; HWI's error object becomes our error.
func decode(out []byte, into any) error {
	garbled := func(err error) error {
		return signer.E(signer.CodeUnknown, "the program HWI answered with something that is not understood: %w", err)
	}
	var failed struct {
		Error *string `json:"error"`
		Code  *int    `json:"code"`
	}
	if out = bytes.TrimSpace(out); len(out) > 0 && out[0] == '{' {
		if err := json.Unmarshal(out, &failed); err != nil {
			return garbled(err)
		}
	}
	if failed.Error != nil {
		return faultOf(*failed.Error, failed.Code)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	if err := dec.Decode(into); err != nil {
		return garbled(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return garbled(errors.New("more than one answer"))
	}
	return nil
}

// faultOf keeps HWI's sentence and code.
func faultOf(text string, code *int) error {
	c := signer.CodeUnknown
	if code != nil && *code <= int(signer.CodeNoKind) && *code >= int(signer.CodeNotRegistered) {
		c = signer.Code(*code)
	}
	return signer.E(c, "HWI: %s", oneLine([]byte(text)))
}

// oneLine is a foreign text for a sentence: its last line that says something, without what is
// not printable, at most 300 bytes.
func oneLine(text []byte) string {
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, all[len(all)-1])
	if len(line) > 300 {
		line = strings.ToValidUTF8(line[:300], "") + "…"
	}
	return line
}

// lastHeard guesses from HWI's log (lines of LEVEL:logger:text) with which sort of device it was
// busy: its enumerating cannot be limited to one sort.
func lastHeard(log []byte) string {
	all := bytes.Split(log, []byte("\n"))
	for i := len(all) - 1; i >= 0; i-- {
		parts := bytes.SplitN(all[i], []byte(":"), 3)
		if len(parts) < 3 {
			continue
		}
		for _, kind := range []string{"trezor", "ledger", "keepkey", "digitalbitbox", "coldcard", "ckcc", "bitbox02", "jade"} {
			if strings.Contains(strings.ToLower(string(parts[1])), kind) {
				return ", at last busy with " + kind
			}
		}
	}
	return ""
}

// head keeps the first bytes and tells whether there were more; tail keeps the last.
type head struct {
	kept  []byte
	limit int
	over  bool
}

func (h *head) Write(p []byte) (int, error) {
	room := h.limit - len(h.kept)
	h.kept, h.over = append(h.kept, p[:min(room, len(p))]...), h.over || len(p) > room
	return len(p), nil
}

type tail struct {
	kept  []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// entry is a device in HWI's list.
type entry struct {
	Type            string          `json:"type"`
	Model           string          `json:"model"`
	Label           *string         `json:"label"`
	Path            string          `json:"path"`
	Fingerprint     *string         `json:"fingerprint"`
	NeedsPIN        bool            `json:"needs_pin_sent"`
	NeedsPassphrase bool            `json:"needs_passphrase_sent"`
	Error           string          `json:"error"`
	Code            *int            `json:"code"`
	Warnings        json.RawMessage `json:"warnings"` // a list of texts, or lists of them
}

// info is an entry as the Hub has it; ok is false for one that makes no sense.
func (e entry) info() (i signer.Info, ok bool) {
	if e.Type == "" || e.Path == "" || len(e.Type)+len(e.Model)+len(e.Path)+len(e.Error) > maxText || e.Label != nil && len(*e.Label) > maxText {
		return i, false
	}
	i = signer.Info{Kind: e.Type, Model: e.Model, Path: e.Path, NeedsPIN: e.NeedsPIN, NeedsPassphrase: e.NeedsPassphrase, Warnings: texts(e.Warnings)}
	if e.Label != nil {
		i.Label = *e.Label
	}
	if e.Fingerprint != nil && *e.Fingerprint != "" {
		fp, err := btc.ParseFingerprint(*e.Fingerprint)
		if err != nil {
			return i, false
		}
		i.Fingerprint, i.Known = fp, true
	}
	if e.Error != "" {
		i.Err = faultOf(e.Error, e.Code)
	}
	return i, true
}

// texts flattens HWI's warnings, of which there have been two forms.
func texts(raw json.RawMessage) (out []string) {
	var flat []string
	var nested [][]string
	switch {
	case json.Unmarshal(raw, &flat) == nil:
	case json.Unmarshal(raw, &nested) == nil:
		flat = nil // the first attempt may have left something
		for _, n := range nested {
			flat = append(flat, n...)
		}
	}
	for _, w := range flat[:min(len(flat), 8)] {
		out = append(out, oneLine([]byte(w)))
	}
	return out
}
