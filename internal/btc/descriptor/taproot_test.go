package descriptor_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/vectors"
)

// tapCase is a scriptPubKey case of BIP341's wallet vectors.
type tapCase struct {
	Given struct {
		Internal string          `json:"internalPubkey"`
		Tree     json.RawMessage `json:"scriptTree"`
	}
	Intermediary struct {
		LeafHashes []string
		MerkleRoot *string
		Tweaked    string `json:"tweakedPubkey"`
	}
	Expected struct {
		Script  string   `json:"scriptPubKey"`
		Address string   `json:"bip350Address"`
		Blocks  []string `json:"scriptPathControlBlocks"`
	}
}

// readTree flattens the vector's tree; ids tells which leaf has which number there.
func readTree(t *testing.T, raw json.RawMessage, depth int) (leaves []descriptor.Leaf, ids []int) {
	t.Helper()
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] == '[' {
		var sides []json.RawMessage
		if err := json.Unmarshal(raw, &sides); err != nil {
			t.Fatal(err)
		}
		for _, side := range sides {
			l, n := readTree(t, side, depth+1)
			leaves, ids = append(leaves, l...), append(ids, n...)
		}
		return leaves, ids
	}
	var leaf struct {
		ID      int
		Script  string
		Version byte `json:"leafVersion"`
	}
	if err := json.Unmarshal(raw, &leaf); err != nil {
		t.Fatal(err)
	}
	return []descriptor.Leaf{{Script: unhex(t, leaf.Script), Version: leaf.Version, Depth: depth}}, []int{leaf.ID}
}

func TestTaprootOutputsOfBIP341(t *testing.T) {
	var doc struct{ ScriptPubKey []tapCase }
	if err := json.Unmarshal(vectors.Read(t, "taproot/bip341/wallet-test-vectors.json"), &doc); err != nil || len(doc.ScriptPubKey) == 0 {
		t.Fatal(err)
	}
	for i, c := range doc.ScriptPubKey {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			leaves, ids := readTree(t, c.Given.Tree, 0)
			got, err := descriptor.NewTaproot([32]byte(unhex(t, c.Given.Internal)), leaves)
			if err != nil {
				t.Fatal(err)
			}
			script := btc.WitnessScript(1, got.OutputKey[:])
			addr, _ := btc.AddressOf(script, btc.Mainnet)
			root := ""
			if c.Intermediary.MerkleRoot != nil {
				root = *c.Intermediary.MerkleRoot
			}
			if err := firstError(
				equal("merkle root", hex.EncodeToString(got.MerkleRoot), root),
				equal("output key", hex.EncodeToString(got.OutputKey[:]), c.Intermediary.Tweaked),
				equal("script", hex.EncodeToString(script), c.Expected.Script),
				equal("address", addr, c.Expected.Address),
			); err != nil {
				t.Error(err)
			}
			for n, leaf := range got.Leaves {
				if err := firstError(
					equal("leaf hash", hex.EncodeToString(leaf.Hash[:]), c.Intermediary.LeafHashes[ids[n]]),
					equal("control block", hex.EncodeToString(leaf.ControlBlock), c.Expected.Blocks[ids[n]]),
				); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLeavesThatMakeNoTreeAreRefused(t *testing.T) {
	internal := [32]byte(unhex(t, "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"))
	for name, depths := range map[string][]int{
		"one side missing": {1}, "two roots": {0, 0}, "hole": {1, 2}, "too deep": {129}, "negative": {-1}, "left over": {1, 1, 1},
	} {
		var leaves []descriptor.Leaf
		for _, d := range depths {
			leaves = append(leaves, descriptor.Leaf{Script: []byte{0x51}, Version: 0xc0, Depth: d})
		}
		if _, err := descriptor.NewTaproot(internal, leaves); err == nil {
			t.Errorf("%s: depths %v were taken", name, depths)
		}
	}
}

func TestBracketsOfTheWrongKindAreRefused(t *testing.T) {
	for _, s := range []string{
		"addr(bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq}",
		"pkh(" + xpubA + "}",
		"wsh(multi(1," + xpubA + "})",
		"tr(" + xpubA + ",{pk(" + xpubB + "),pk(" + xpubC + "))}",
		"tr(" + xpubA + ",{pk(" + xpubB + "},pk(" + xpubC + ")))",
		"tr(" + xpubA + ",{pk(" + xpubB + "),pk(" + xpubC + "}})",
		"wsh(and_v(v:pk(" + xpubA + "},pk(" + xpubB + ")))",
	} {
		if d, err := descriptor.Parse(s, descriptor.Options{}); err == nil {
			t.Errorf("%s was read as %s", s, d)
		}
	}
}
