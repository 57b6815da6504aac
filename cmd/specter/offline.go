package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Offline commands are pure functions from a request to an answer. One shape serves flags,
// arguments and --jsonl alike, so that a batch answers exactly what a single call does.

// request holds the inputs of every offline command under the names of its JSON form.
type request struct {
	ID      json.RawMessage `json:"id,omitempty"`
	Network string          `json:"network,omitempty"`

	Address           string          `json:"address,omitempty"`
	Key               string          `json:"key,omitempty"`
	Path              string          `json:"path,omitempty"`
	Paths             []string        `json:"paths,omitempty"`
	To                string          `json:"to,omitempty"`
	From              string          `json:"from,omitempty"`
	Format            string          `json:"format,omitempty"`
	Mnemonic          string          `json:"mnemonic,omitempty"`
	Passphrase        string          `json:"passphrase,omitempty"`
	Descriptor        string          `json:"descriptor,omitempty"`
	Descriptors       []string        `json:"descriptors,omitempty"`
	DescriptorPrivate string          `json:"descriptor_private,omitempty"`
	Range             string          `json:"range,omitempty"`
	Branch            *int            `json:"branch,omitempty"`
	AllBranches       bool            `json:"all_branches,omitempty"`
	Private           bool            `json:"private,omitempty"`
	Expression        string          `json:"expression,omitempty"`
	Context           string          `json:"context,omitempty"`
	Available         json.RawMessage `json:"available,omitempty"`
	Template          string          `json:"template,omitempty"`
	Keys              []string        `json:"keys,omitempty"`
	Script            string          `json:"script,omitempty"`
	Scripts           []string        `json:"scripts,omitempty"`
	PSBT              string          `json:"psbt,omitempty"`
	PSBTs             []string        `json:"psbts,omitempty"`
	Extract           bool            `json:"extract,omitempty"`
	UTXOs             json.RawMessage `json:"utxos,omitempty"`
	Inputs            json.RawMessage `json:"inputs,omitempty"`
	Outputs           json.RawMessage `json:"outputs,omitempty"`
	LockTime          *uint32         `json:"lock_time,omitempty"`
	Version           *uint32         `json:"version,omitempty"`
	Tx                string          `json:"tx,omitempty"`
	Parts             []string        `json:"parts,omitempty"`
	Type              string          `json:"type,omitempty"`
	Data              string          `json:"data,omitempty"`
	Encoding          string          `json:"encoding,omitempty"`
	MaxFragment       int             `json:"max_fragment,omitempty"`
	Count             int             `json:"count,omitempty"`
	Compact           bool            `json:"compact,omitempty"`
	Message           string          `json:"message,omitempty"`
	Signature         string          `json:"signature,omitempty"`
	URI               string          `json:"uri,omitempty"`
	Amount            json.RawMessage `json:"amount_sat,omitempty"`
	Label             string          `json:"label,omitempty"`
	Name              string          `json:"name,omitempty"`
	File              string          `json:"file,omitempty"`
	FileBase64        string          `json:"file_base64,omitempty"`
	ShowPrivate       bool            `json:"show_private,omitempty"`
	NoGrind           bool            `json:"no_grind,omitempty"`
	SkipUnsound       bool            `json:"skip_unsound,omitempty"`
	Sighash           string          `json:"sighash,omitempty"`

	UR     string            `json:"ur,omitempty"`
	CBOR   string            `json:"cbor,omitempty"`
	Params map[string]string `json:"params,omitempty"`
}

// network returns the request's network; missing means main.
func (r request) network() (btc.Network, error) {
	if r.Network == "" || r.Network == "any" {
		return btc.Mainnet, nil
	}
	return btc.ParseNetwork(r.Network)
}

// common has the flags of every offline command.
type common struct {
	Network string `help:"Network: main (the default), test, testnet4, signet or regtest." placeholder:"NETWORK"`
	Output  string `help:"json or text; text is the default on a terminal." enum:",json,text" default:""`
	JSONL   bool   `name:"jsonl" help:"Read one JSON request a line from standard input and print one answer a line."`
}

// answer runs a command once, or for every line of a batch.
func (c common) answer(h host, fill func(*request) error, do func(request) (any, error)) error {
	if c.JSONL {
		return c.batch(h, fill, do)
	}
	out, err := c.one(fill, do)
	if err != nil {
		return c.refuse(h, err)
	}
	return c.print(h, out)
}

// answerObject reads one request, a JSON object with certain fields, from standard input.
func (c common) answerObject(h host, with string, do func(request) (any, error)) error {
	return c.answer(h, func(r *request) error {
		if c.JSONL {
			return nil
		}
		data, err := h.inputBytes("")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, r); err != nil {
			return errs.Bad(errs.Malformed, "standard input is no JSON object with %s: %w", with, err)
		}
		return nil
	}, do)
}

// one runs a command for its flags and arguments.
func (c common) one(fill func(*request) error, do func(request) (any, error)) (any, error) {
	r := request{Network: c.Network}
	if err := fill(&r); err != nil {
		return nil, err
	}
	return guarded(r, do)
}

// guarded runs a command and turns a panic, which would be our fault, into an error: one
// request must not end the answers to the others. The input may hold secrets and is not told.
func guarded(r request, do func(request) (any, error)) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, errs.E(errs.Internal, "the command failed at a place that should not be reached; this is a bug of specter: please report it with the command and, unless it is secret, its input (%T)", p)
		}
	}()
	return do(r)
}

// refused carries an exit code of an error that was printed already.
type refused struct{ code int }

func (r refused) Error() string { return fmt.Sprintf("exit code %d", r.code) }

// refuse prints an error in the chosen form.
func (c common) refuse(h host, err error) error {
	code := exitRefused
	if errs.KindOf(err) == errs.Internal {
		code = exitFault
	}
	if c.text(h) {
		fmt.Fprintln(h.stderr, "specter:", err)
		return refused{code}
	}
	if perr := printJSON(h.stdout, errorAnswer(err)); perr != nil {
		return perr
	}
	return refused{code}
}

// errorFields is the JSON form of an error.
type errorFields struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func errorOf(err error) *errorFields {
	code := string(errs.CodeOf(err))
	if code == "" {
		code = "internal"
	}
	return &errorFields{code, err.Error()}
}

// detailed is a refusal that says more than a code and a sentence.
type detailed struct {
	error
	fields map[string]any // further members of the answer
}

// Unwrap keeps kind and code.
func (e detailed) Unwrap() error { return e.error }

// invalid adds to a refusal what the good answer has under the same name.
func invalid(err error) error { return detailed{err, map[string]any{"valid": false}} }

// errorAnswer is the answer that an error is.
func errorAnswer(err error) map[string]any {
	out := map[string]any{"error": errorOf(err)}
	var more detailed
	if errors.As(err, &more) {
		maps.Copy(out, more.fields)
	}
	return out
}

// maxLine bounds one request of a batch, in bytes.
const maxLine = 64 << 20

// batch answers each line; an error is an answer, not an end. Flags of the command line count
// for every request that does not say otherwise.
func (c common) batch(h host, fill func(*request) error, do func(request) (any, error)) error {
	base := request{Network: c.Network}
	if err := fill(&base); err != nil {
		return c.refuse(h, err)
	}
	defaults, err := marshal(base)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(h.stdin)
	in.Buffer(make([]byte, 64<<10), maxLine)
	out := bufio.NewWriter(h.stdout)
	for in.Scan() {
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := printJSON(out, answerLine(line, defaults, do)); err != nil {
			return err
		}
	}
	if err := errors.Join(out.Flush(), in.Err()); err != nil {
		return errs.E(errs.Invalid, "standard input cannot be read on: %w", err)
	}
	return nil
}

// answerLine answers one request of a batch.
func answerLine(line, defaults []byte, do func(request) (any, error)) any {
	r := request{}
	err := json.Unmarshal(defaults, &r)
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil {
		var id struct{ ID json.RawMessage }
		_ = json.Unmarshal(line, &id) // the id may be readable where the rest is not
		return withID(id.ID, errorAnswer(errs.Bad(errs.Malformed, "the request is not readable: %s", requestProblem(err))))
	}
	out, err := guarded(r, do)
	if err != nil {
		return withID(r.ID, errorAnswer(err))
	}
	return withID(r.ID, out)
}

// requestProblem says what is wrong with a request without repeating values of it.
func requestProblem(err error) string {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return fmt.Sprintf("the field %s is of the type %s, not %s", t.Field, t.Value, t.Type)
	}
	return "it is no JSON object in one line"
}

// withID puts the request's id in front of an answer's members.
func withID(id json.RawMessage, answer any) any {
	if id == nil {
		return answer
	}
	body, err := marshal(answer)
	if err != nil || len(body) < 2 || body[0] != '{' {
		return map[string]any{"id": id, "result": answer}
	}
	joined := append([]byte(`{"id":`), id...)
	if !bytes.Equal(body, []byte("{}")) {
		joined = append(joined, ',')
	}
	return json.RawMessage(append(joined, body[1:]...))
}

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func printJSON(w io.Writer, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// text reports whether the readable form is wanted: asked for, or standard output is a
// terminal.
func (c common) text(h host) bool {
	if c.Output != "" {
		return c.Output == "text"
	}
	f, ok := h.stdout.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (c common) print(h host, v any) error {
	if !c.text(h) {
		return printJSON(h.stdout, v)
	}
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return printText(h.stdout, dec, raw)
}

// input reads an argument: "-" or none is standard input, "@file" a file, else itself.
func (h host) input(arg string) (string, error) {
	data, err := h.inputBytes(arg)
	return strings.TrimSpace(string(data)), err
}

// inputs reads several arguments as input does.
func (h host) inputs(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		text, err := h.input(a)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

func (h host) inputBytes(arg string) ([]byte, error) {
	switch {
	case arg == "" || arg == "-":
		data, err := io.ReadAll(io.LimitReader(h.stdin, maxLine))
		if err != nil {
			return nil, errs.E(errs.Invalid, "standard input cannot be read: %w", err)
		}
		return data, nil
	case strings.HasPrefix(arg, "@"):
		data, err := os.ReadFile(arg[1:])
		if err != nil {
			return nil, errs.E(errs.Invalid, "the file cannot be read: %w", err)
		}
		return data, nil
	}
	return []byte(arg), nil
}

// asRefused reports whether an error was printed already, and its exit code.
func asRefused(err error) (int, bool) {
	var r refused
	if errors.As(err, &r) {
		return r.code, true
	}
	return 0, false
}

// argument reads a command's argument as input does; in a batch there is none to read.
func (h host) argument(c common, arg string) (string, error) {
	if c.JSONL {
		return "", nil
	}
	return h.input(arg)
}
