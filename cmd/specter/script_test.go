package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"specter/internal/errs"
	"specter/internal/testkit"
)

// TestMain lets the scripts of testdata run the program itself: the test binary under the
// name specter.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"specter": main})
}

// The scripts hold to what a shell sees: arguments, standard input and output, exit codes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// code N runs specter with the arguments and wants the exit code N.
			"code": wantCode,
			// await FILE waits until there is a file of that name.
			"await": awaitFile,
		},
	})
}

func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N specter ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		got = string(rune('0' + exit.ExitCode()))
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for end := time.Now().Add(testkit.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not come to be", args[0])
}

// A fault in one request is answered, and the others are still served.
func TestPanicIsAnInternalErrorAndNotAnEnd(t *testing.T) {
	var out, errOut strings.Builder
	h := host{ctx: context.Background(), stdin: strings.NewReader("{\"id\":1}\n{\"id\":2,\"key\":\"hunter2\"}\n{\"id\":3}\n"), stdout: &out, stderr: &errOut}
	do := func(r request) (any, error) {
		if r.Key != "" {
			var list []int
			return list[len(r.Key)], nil
		}
		return map[string]bool{"fine": true}, nil
	}
	fill := func(*request) error { return nil }
	if err := (common{JSONL: true}).answer(h, fill, do); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || lines[0] != `{"id":1,"fine":true}` || lines[2] != `{"id":3,"fine":true}` {
		t.Fatalf("answered %q", lines)
	}
	if !strings.Contains(lines[1], `"id":2`) || !strings.Contains(lines[1], `"code":"internal"`) || strings.Contains(lines[1], "hunter2") {
		t.Errorf("answered %s", lines[1])
	}
	out.Reset()
	err := (common{Output: "json"}).answer(h, func(r *request) error { r.Key = "k"; return nil }, do)
	if code := h.report(err); code != exitFault || !strings.Contains(out.String(), `"code":"internal"`) {
		t.Errorf("exit code %d, %s", code, out.String())
	}
}

// Every verb that the vector tests ask must answer nonsense with a refusal of its own.
func TestNonsenseIsRefused(t *testing.T) {
	all := []string{"address", "key", "path", "to", "from", "format", "mnemonic", "descriptor", "range", "expression", "context", "template",
		"script", "psbt", "tx", "type", "data", "encoding", "message", "signature", "uri", "file", "sighash", "cbor"}
	for verb := range verbs {
		for _, text := range []string{"", "\x00", "(", "ur:", "B$", "p1of2 x", "{}", "[]", "psbt\xff", strings.Repeat("(", 100_000), strings.Repeat("f", 100_001), "ş«∂", "-1", "1-0"} {
			f := fields{"keys": []string{text}, "parts": []string{text}, "psbts": []string{text}, "paths": []string{text}}
			for _, name := range all {
				f[name] = text
			}
			if a := ask(verb, f); a.code() == "internal" || a.code() == "test" {
				t.Errorf("%s of %.20q: %v", verb, text, a.body)
			}
		}
		if a := ask(verb, fields{"inputs": 5, "outputs": "x", "utxos": map[string]int{"a": 1}, "available": 7, "network": "moon"}); a.code() == "internal" || a.code() == "" && verb != "seed to-qr" {
			t.Errorf("%s without input: %v", verb, a.body)
		}
	}
}

func TestUnspendableMiniscriptIsWarnedOf(t *testing.T) {
	const key = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	for inner, want := range map[string]bool{"and_v(v:pk(" + key + "),0)": true, "and_v(v:pk(" + key + "),older(5))": false} {
		warned := strings.Contains(strings.Join(textsOf(ask("descriptor inspect", fields{"descriptor": "wsh(" + inner + ")"}).list("warnings")), " "), "never be spent")
		if warned != want {
			t.Errorf("%s: warned %v", inner, warned)
		}
	}
}

func textsOf(list []any) []string {
	var out []string
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func TestErrorsKeepKindAndCode(t *testing.T) {
	err := invalid(errs.Bad(errs.BadChecksum, "no"))
	if errs.CodeOf(err) != errs.BadChecksum || errs.KindOf(err) != errs.Invalid {
		t.Errorf("%v became %s %s", err, errs.KindOf(err), errs.CodeOf(err))
	}
}

func FuzzAnswerLine(f *testing.F) {
	f.Add("descriptor inspect", `{"id":1,"descriptor":"wpkh(x)"}`)
	f.Add("psbt inspect", `{"psbt":"70736274ff"}`)
	f.Add("ur decode", `{"parts":["ur:bytes/x"]}`)
	f.Add("wallet parse", `{"file":"Policy: 1 of 1"}`)
	f.Fuzz(func(t *testing.T, verb, line string) {
		do := verbs[verb]
		if do == nil {
			return
		}
		raw, err := marshal(answerLine([]byte(line), []byte("{}"), do))
		if err != nil || strings.Contains(string(raw), `"code":"internal"`) {
			t.Fatalf("%s %s: %s %v", verb, line, raw, err)
		}
	})
}
