package jade_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"specter/internal/signer/jade"
)

// libwally's own numbers (wallycore 1.5.6: ae_host_commit_from_bytes, ae_signer_commit_from_bytes,
// ae_sig_from_bytes; ae_verify passes), for the key m/84h/1h/0h/0/0 of the phrase of E.4 and the
// message "hello".
var libwally = []struct{ commitment, opening, sig string }{
	{"b75e7ec34255b6ec9d21bebd48410bee1112d20ea0b3495242df3c612d1855b2", "03586dbafacc5697e62b3dd8e26c28ed319e337ca0291fdb36ae68a7f715803884", "ad6cd0decd0b59c2a2cda7ece8330e0f2b967d2552b0afb79a38f5b0bbcc2721619fed3dd1b1b6b1d4c102acdd826b6cbe96bddea3d892ac6b029b94314cf427"},
	{"7b0fcdfd3fc3b1854966e3e21c8d0f813ee0513a3498fb48bef6eb642ede9d8f", "033ae08d87e8e8011f9fb43fdf91fa8267422072cfa96c79eff04071aa4177b113", "21d0585585439d5fd52c55e886531dee34899d0de5bc3e080ac8f2b179f2677c7629a77edde863302276b177f4a2fe45e327306f2e3264f90cb6301fcb7a96a4"},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAntiExfilAgreesWithLibwally(t *testing.T) {
	for i, v := range libwally {
		entropy := sha256.Sum256(fmt.Appendf(nil, "entropy %d", i))
		if c := jade.HostCommitment(entropy); hex.EncodeToString(c[:]) != v.commitment {
			t.Errorf("%d: commitment %x", i, c)
		}
		sig, opening := unhex(t, v.sig), unhex(t, v.opening)
		if !jade.Includes(sig, opening, entropy) {
			t.Errorf("%d: libwally's signature is refused", i)
		}
		other := sha256.Sum256([]byte("other"))
		turned := bytes.Clone(opening)
		turned[0] ^= 1
		for name, no := range map[string]bool{
			"other entropy":       jade.Includes(sig, opening, other),
			"another opening":     jade.Includes(sig, turned, entropy),
			"another signature":   jade.Includes(unhex(t, libwally[1-i].sig), opening, entropy),
			"no opening":          jade.Includes(sig, nil, entropy),
			"an opening too long": jade.Includes(sig, append(opening, 0), entropy),
			"a signature cut":     jade.Includes(sig[:63], opening, entropy),
			"r of zero":           jade.Includes(make([]byte, 64), opening, entropy),
			"no point":            jade.Includes(sig, bytes.Repeat([]byte{2}, 33), [32]byte{}),
		} {
			if no {
				t.Errorf("%d: %s passes", i, name)
			}
		}
	}
}
