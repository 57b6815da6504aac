package jade

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// tape is a connection that plays bytes in pieces of a size and takes what is written.
type tape struct {
	data  []byte
	piece int
	out   bytes.Buffer
}

func (t *tape) Read(_ context.Context, p []byte) (int, error) {
	if len(t.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.data[:min(t.piece, len(t.data))])
	t.data = t.data[n:]
	return n, nil
}

func (t *tape) Write(_ context.Context, p []byte) (int, error) { return t.out.Write(p) }
func (t *tape) Close() error                                   { return nil }

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wireOver is a wire whose next request has the id "1".
func wireOver(data []byte, piece int) *wire { return &wire{c: &tape{data: data, piece: piece}} }

func TestRepliesAreFoundAmongLogsAndLateAnswers(t *testing.T) {
	data := encode(t, map[string]any{"log": []byte("I (1) hello")})
	data = append(data, encode(t, map[string]any{"id": "77", "result": "late"})...)
	data = append(data, encode(t, map[string]any{"id": "1", "result": "right"})...)
	for _, piece := range []int{1, 2, 7, 64, 4096} {
		var got string
		if err := wireOver(data, piece).call(t.Context(), "get_xpub", nil, &got); err != nil || got != "right" {
			t.Errorf("in pieces of %d: %q, %v", piece, got, err)
		}
	}
}

func TestErrorsOfTheDeviceHaveHWIsCodes(t *testing.T) {
	for code, want := range map[int]signer.Code{
		-32000: signer.CodeCancelled, -32602: signer.CodeBadArgument, -32603: signer.CodeUnknown, -32002: signer.CodeNotReady,
		-32003: signer.CodeConnection, -32600: signer.CodeConnection, -32601: signer.CodeUnavailable, -32001: signer.CodeConnection, 7: signer.CodeUnknown,
	} {
		data := encode(t, map[string]any{"id": "1", "error": map[string]any{"code": code, "message": "line\x1b[2J", "data": nil}})
		err := wireOver(data, 64).call(t.Context(), "sign_psbt", nil, new(string))
		if signer.CodeOf(err) != want {
			t.Errorf("error %d of the device became %d (%v), want %d", code, signer.CodeOf(err), err, want)
		}
		if strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("a control character of the device came through: %q", err)
		}
	}
}

func TestRepliesThatAreNoneAreRefused(t *testing.T) {
	deep := any("x")
	for range 40 {
		deep = []any{deep}
	}
	for name, data := range map[string][]byte{
		"text":                    []byte("hello, I am a modem\r\n"),
		"a list":                  encode(t, []int{1, 2}),
		"no id and no log":        encode(t, map[string]any{"result": true}),
		"an id that is no text":   encode(t, map[string]any{"id": 1, "result": true}),
		"a long id":               encode(t, map[string]any{"id": strings.Repeat("1", 17), "result": true}),
		"result and error":        encode(t, map[string]any{"id": "1", "result": true, "error": map[string]any{"code": 1, "message": ""}}),
		"neither":                 encode(t, map[string]any{"id": "1"}),
		"nested without end":      encode(t, map[string]any{"id": "1", "result": deep}),
		"another type":            encode(t, map[string]any{"id": "1", "result": 5}),
		"more than a message has": append([]byte{0xa1, 0x63, 'l', 'o', 'g', 0x5a, 0x7f, 0xff, 0xff, 0xff}, make([]byte, maxFrame)...),
		"a key twice":             {0xa2, 0x62, 'i', 'd', 0x61, '1', 0x62, 'i', 'd', 0x61, '2'},
		"a tag":                   {0xa2, 0x62, 'i', 'd', 0x61, '1', 0x66, 'r', 'e', 's', 'u', 'l', 't', 0xc1, 0x01},
	} {
		var got string
		if err := wireOver(data, 512).call(t.Context(), "get_xpub", nil, &got); !errors.Is(err, errGarbled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongRepliesMustComeInOrder(t *testing.T) {
	first := map[string]any{"id": "1", "seqnum": 1, "seqlen": 2, "result": []byte("ab")}
	for name, c := range map[string]struct {
		second map[string]any
		want   string
	}{
		"in order":         {map[string]any{"id": "2", "seqnum": 2, "seqlen": 2, "result": []byte("cd")}, "abcd"},
		"the same again":   {map[string]any{"id": "2", "seqnum": 1, "seqlen": 2, "result": []byte("cd")}, ""},
		"another length":   {map[string]any{"id": "2", "seqnum": 2, "seqlen": 3, "result": []byte("cd")}, ""},
		"not bytes at all": {map[string]any{"id": "2", "seqnum": 2, "seqlen": 2, "result": "cd"}, ""},
	} {
		w := wireOver(append(encode(t, first), encode(t, c.second)...), 64)
		got, err := w.long(t.Context(), "sign_psbt", map[string]any{})
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	w := wireOver(encode(t, map[string]any{"id": "1", "seqnum": 1, "seqlen": uint64(1) << 40, "result": []byte("ab")}), 64)
	if _, err := w.long(t.Context(), "sign_psbt", nil); !errors.Is(err, errGarbled) {
		t.Errorf("a reply of a million million pieces: %v", err)
	}
}

func TestPINServersAreNotAnyAddress(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://j8d.io/get_pin": true,
		"http://mrrxtq6tjpbnbm7vh5jt6mpjctn7ggyfy5wegvbeff3x7jrznqawlmid.onion/get_pin": true,
		"http://192.168.1.1/get_pin": false, "http://evil.onion.example.com/": false, "ftp://x.onion/": false, "file:///etc/passwd": false,
		"https://user:pass@host/": false, "https:///x": false, "": false, "https://" + strings.Repeat("a", 300) + ".com/": false,
	} {
		if err := checkURL(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzWire(f *testing.F) {
	f.Add(encode(f, map[string]any{"id": "1", "result": map[string]any{"JADE_VERSION": "1.0.40", "JADE_STATE": "READY"}}), 3)
	f.Add(encode(f, map[string]any{"id": "1", "error": map[string]any{"code": -32000, "message": "no"}}), 64)
	f.Add(append([]byte("rst:0x1 (POWERON)\r\n"), encode(f, map[string]any{"log": []byte("I")})...), 7)
	f.Add(encode(f, map[string]any{"id": "1", "seqnum": 1, "seqlen": 2, "result": []byte{1}}), 64)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		if piece < 1 || piece > 5000 {
			piece = 64
		}
		var a about
		_ = wireOver(data, piece).greet(t.Context(), &a)
		if got, err := wireOver(data, piece).long(t.Context(), "sign_psbt", nil); err == nil && len(got) > len(data) {
			t.Errorf("%d bytes came out of %d", len(got), len(data))
		}
		d := &device{wire: wireOver(data, piece), o: signertest.Options(t)}
		_ = d.authenticate(t.Context(), nil)
	})
}
