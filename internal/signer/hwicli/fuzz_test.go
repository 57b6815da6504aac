package hwicli

import (
	"testing"

	"specter/internal/signer"
)

// What the program answers is foreign: whatever it is, there is a bounded answer or an error.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`[{"type":"jade","model":"jade","path":"p","fingerprint":"95d8f670","warnings":[["a"]]}]`,
		`{"error":"x","code":-14}`, `{"psbt":"cHNidP8=","signed":true}`, `[]`, `{}`, `{"error":null}`, "{\"error\":\"\\u0000\\n\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var list []entry
		if err := decode(data, &list); err == nil {
			for _, e := range list {
				if i, ok := e.info(); ok && (i.Kind == "" || i.Path == "" || len(i.Warnings) > 8 || len(i.Label) > maxText) {
					t.Errorf("%+v", i)
				}
			}
		} else if signer.CodeOf(err) > signer.CodeNoKind || signer.CodeOf(err) < signer.CodeNotRegistered || len(err.Error()) > 4096 {
			t.Errorf("%d %q", signer.CodeOf(err), err)
		}
		_ = lastHeard(data)
	})
}
