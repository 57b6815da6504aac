package descriptor_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/vectors"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type keyAggVectors struct {
	PubKeys []string
	Valid   []struct {
		Keys     []int `json:"key_indices"`
		Expected string
	} `json:"valid_test_cases"`
	Errors []struct {
		Keys    []int `json:"key_indices"`
		Tweaks  []int `json:"tweak_indices"`
		Error   struct{ Type, Contrib string }
		Comment string
	} `json:"error_test_cases"`
}

func (v keyAggVectors) keys(t testing.TB, indices []int) [][]byte {
	var out [][]byte
	for _, i := range indices {
		out = append(out, unhex(t, v.PubKeys[i]))
	}
	return out
}

func TestKeyAggOfBIP327(t *testing.T) {
	var v keyAggVectors
	if err := json.Unmarshal(vectors.Read(t, "musig2/bip327/key_agg_vectors.json"), &v); err != nil || len(v.Valid) == 0 {
		t.Fatal(err)
	}
	for _, c := range v.Valid {
		got, err := descriptor.KeyAgg(v.keys(t, c.Keys))
		if err != nil || !strings.EqualFold(hex.EncodeToString(got[1:]), c.Expected) {
			t.Errorf("keys %v: got %x (%v), want %s", c.Keys, got, err, c.Expected)
		}
	}
	refused := 0
	for _, c := range v.Errors {
		if c.Error.Contrib != "pubkey" {
			continue // tweaks are applied by BIP32 and taproot, which have their own vectors
		}
		refused++
		if got, err := descriptor.KeyAgg(v.keys(t, c.Keys)); err == nil {
			t.Errorf("%s: got %x", c.Comment, got)
		}
	}
	if refused == 0 {
		t.Error("the file holds no bad public keys")
	}
}

func TestKeySortOfBIP327(t *testing.T) {
	var v struct {
		PubKeys []string
		Sorted  []string `json:"sorted_pubkeys"`
	}
	if err := json.Unmarshal(vectors.Read(t, "musig2/bip327/key_sort_vectors.json"), &v); err != nil || len(v.Sorted) == 0 {
		t.Fatal(err)
	}
	var in, want [][]byte
	for i := range v.PubKeys {
		in, want = append(in, unhex(t, v.PubKeys[i])), append(want, unhex(t, v.Sorted[i]))
	}
	before := slices.Clone(in)
	if got := descriptor.KeySort(in); fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(in) != fmt.Sprint(before) {
		t.Errorf("sorted %x", got)
	}
}

func TestSyntheticXPubsOfBIP328(t *testing.T) {
	var cases []struct {
		Aggregate string `json:"aggregate_pubkey"`
		Keys      []string
		XPub      string
	}
	if err := json.Unmarshal(vectors.Read(t, "musig2/bip328/vectors.json"), &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range cases {
		var keys [][]byte
		for _, k := range c.Keys {
			keys = append(keys, unhex(t, k))
		}
		agg, err := descriptor.KeyAgg(keys)
		if err != nil {
			t.Fatal(err)
		}
		x, err := descriptor.SyntheticXPub(agg, true)
		if err != nil || hex.EncodeToString(agg[:]) != c.Aggregate || x.String() != c.XPub {
			t.Errorf("got %x and %s (%v), want %s and %s", agg, x, err, c.Aggregate, c.XPub)
		}
	}
}

// A musig() output must tell a PSBT who takes part and what was derived from what (BIP373).
func TestMuSigOutputsNameTheirParticipants(t *testing.T) {
	const a, b = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL",
		"xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	d, err := descriptor.Parse("tr(musig("+a+","+b+")/0/*,pk("+a+"/7/*))", descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := d.Derive(5)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Keys) != 3 || len(o.MuSig) != 1 {
		t.Fatalf("%d keys, %d aggregates", len(o.Keys), len(o.MuSig))
	}
	m := o.MuSig[0]
	x, err := descriptor.SyntheticXPub([33]byte(m.Aggregate), true)
	if err != nil {
		t.Fatal(err)
	}
	child, err := x.Derive(btc.Path{0, 5})
	if err != nil || child.PublicKey != [33]byte(m.PubKey) || m.Origin.Fingerprint != x.Fingerprint() || m.Origin.Path.String() != "0/5" {
		t.Errorf("the derived key %x of %v does not follow from the aggregate (%v)", m.PubKey, m.Origin, err)
	}
	if [32]byte(m.PubKey[1:]) != o.Taproot.InternalKey || !m.Internal || len(m.LeafHashes) != 0 {
		t.Error("the aggregate is not the internal key")
	}
	if agg, err := descriptor.KeyAgg(m.Participants); err != nil || string(agg[:]) != string(m.Aggregate) {
		t.Errorf("the participants do not aggregate to the key (%v)", err)
	}
	for i, k := range o.Keys {
		if k.Participant != (i < 2) || k.Internal != (i < 2) || k.Expression != i {
			t.Errorf("key %d: %+v", i, k)
		}
	}
	if last := o.Keys[2]; len(last.LeafHashes) != 1 || last.LeafHashes[0] != o.Taproot.Leaves[0].Hash || last.Origin.Path.String() != "7/5" {
		t.Errorf("the leaf's key is %+v", last)
	}
}
