package headers

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// header reads a header as it is on the chain.
func header(t *testing.T, text string) wire.BlockHeader {
	t.Helper()
	var h wire.BlockHeader
	if err := h.Deserialize(hex.NewDecoder(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	return h
}

// first are the headers above the genesis that the networks have.
var first = map[btc.Network][]struct{ raw, hash string }{
	btc.Mainnet: {
		{"010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
			"00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048"},
		{"010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee42c316022c90f9bb0bc6649ffff001d08d2bd61",
			"000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd"},
	},
	btc.Testnet3: {
		{"0100000043497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000bac8b0fa927c0ac8234287e33c5f74d38d354820e24756ad709d7038fc5f31f020e7494dffff001d03e4b672",
			"00000000b873e79784647a6c82962c70d228557d24a747ea4d1b8bbe878e1206"},
	},
}

// genesis are the hashes of the networks' first headers.
var genesis = map[btc.Network]string{
	btc.Mainnet:  "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
	btc.Testnet3: "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
	btc.Testnet4: "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
	btc.Signet:   "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
	btc.Regtest:  "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}

func TestKnownHeadersOfTheNetworksAreTaken(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, n := range btc.Networks() {
		tip := Of(n).Begin()
		if tip.Height() != 0 || tip.Hash().String() != genesis[n] {
			t.Errorf("%s begins with %d %s", n, tip.Height(), tip.Hash())
		}
		for _, f := range first[n] {
			if err := tip.Extend(header(t, f.raw), now); err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			if tip.Hash().String() != f.hash {
				t.Errorf("%s: %s, want %s", n, tip.Hash(), f.hash)
			}
		}
		// Each of these took 4,295,032,833 expected hashes on the networks of difficulty 1.
		if n == btc.Mainnet && tip.Work().Cmp(big.NewInt(3*4_295_032_833)) != 0 {
			t.Errorf("work %s", tip.Work())
		}
		if has := tip.Enough(); has != (n == btc.Signet || n == btc.Regtest) {
			t.Errorf("%s: a chain of %d headers has enough work: %v", n, tip.Height()+1, has)
		}
	}
}

// TestKnownChangesOfTheDifficulty has the figures of real blocks of mainnet and, for the greatest
// step, those that Bitcoin Core's own tests use.
func TestKnownChangesOfTheDifficulty(t *testing.T) {
	main := Of(btc.Mainnet)
	for _, c := range []struct {
		name              string
		base, first, last uint32
		want              uint32
	}{
		{"at 2,016 it could not get easier", 0x1d00ffff, 1231006505, 1233061996, 0x1d00ffff},
		{"at 32,256 it changed for the first time", 0x1d00ffff, 1261130161, 1262152739, 0x1d00d86a},
		{"at 68,544 it grew no more than fourfold", 0x1c05a3f4, 1279008237, 1279297671, 0x1c0168fd},
		{"it sinks no more than to a fourth", 0x1c387f6f, 1263163443, 1269211443, 0x1d00e1fd},
	} {
		if got := main.retarget(c.base, c.first, c.last); got != c.want {
			t.Errorf("%s: %08x, want %08x", c.name, got, c.want)
		}
	}
}

func TestTheFirstChangeOfTheDifficultyIsDemanded(t *testing.T) {
	tip := Tip{rules: Of(btc.Mainnet), height: 32_255, bits: 0x1d00ffff, time: 1262152739, firstTime: 1261130161, firstBits: 0x1d00ffff, real: 0x1d00ffff, work: new(big.Int)}
	if got := tip.demand(1262153464); got != 0x1d00d86a {
		t.Errorf("block 32,256 must have %08x", got)
	}
	tip.height = 32_254
	if got := tip.demand(1262153464); got != 0x1d00ffff {
		t.Errorf("within the period: %08x", got)
	}
}

// easy are rules of a network that can be mined here: limit 2^255, everything else as wanted.
func easy(change func(r *Rules)) Rules {
	r := Of(btc.Regtest)
	r.fixed = false
	change(&r)
	return r
}

// mine makes the header that would follow, at a time, with what the rules demand.
func mine(tip Tip, at uint32, change func(h *wire.BlockHeader)) wire.BlockHeader {
	h := wire.BlockHeader{Version: 4, PrevBlock: tip.hash, Timestamp: time.Unix(int64(at), 0), Bits: tip.demand(at), MerkleRoot: chainhash.HashH([]byte{byte(at)})}
	if change != nil {
		change(&h)
	}
	for target := blockchain.CompactToBig(h.Bits); ; h.Nonce++ {
		hash := h.BlockHash()
		if blockchain.HashToBig(&hash).Cmp(target) <= 0 {
			return h
		}
	}
}

// grow extends a chain to a height, a header each spacing seconds.
func grow(t testing.TB, tip *Tip, to int32, spacing uint32) (all []wire.BlockHeader) {
	t.Helper()
	for tip.height < to {
		h := mine(*tip, tip.time+spacing, nil)
		if err := tip.Extend(h, time.Time{}); err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

func TestLyingHeadersAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		says string
		lie  func(h *wire.BlockHeader)
		also func(h *wire.BlockHeader) // after mining
	}{
		{"a broken link", "does not build on", func(h *wire.BlockHeader) { h.PrevBlock[5] ^= 1 }, nil},
		{"bits made easier", "wrong amount of work", func(h *wire.BlockHeader) { h.Bits = 0x207fffff }, nil},
		{"bits made harder", "wrong amount of work", func(h *wire.BlockHeader) { h.Bits-- }, nil},
		{"no work", "does not carry the work", nil, func(h *wire.BlockHeader) {
			for h.Nonce++; ; h.Nonce++ {
				if hash := h.BlockHash(); hash[31] > 0x7f {
					return
				}
			}
		}},
		{"a time not above the median", "older than the median", func(h *wire.BlockHeader) { h.Timestamp = h.Timestamp.Add(-6 * 600 * time.Second) }, nil},
		{"a time in the future", "from the future", func(h *wire.BlockHeader) { h.Timestamp = h.Timestamp.Add(2*time.Hour + time.Second) }, nil},
		{"an old version", "too old for its height", func(h *wire.BlockHeader) { h.Version = 3 }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tip := easy(func(r *Rules) { r.versions = [3]int32{1, 1, 50} }).Begin()
			grow(t, &tip, 100, 600)
			// A real difficulty would not be the limit: act as if a period had set it.
			tip.bits, tip.real = 0x203fffff, 0x203fffff
			before := tip
			at := tip.time + 600
			h := mine(tip, at, c.lie)
			if c.also != nil {
				c.also(&h)
			}
			err := tip.Extend(h, time.Unix(int64(at), 0))
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("taken, or refused for another reason: %v", err)
			}
			if tip.height != before.height || tip.hash != before.hash || tip.work.Cmp(before.work) != 0 {
				t.Error("a refused header changed the chain")
			}
			if err := tip.Extend(mine(tip, at, nil), time.Unix(int64(at), 0)); err != nil {
				t.Errorf("the honest header: %v", err)
			}
		})
	}
}

func TestDifficultyFollowsThePaceOfAPeriod(t *testing.T) {
	tip := easy(func(*Rules) {}).Begin()
	grow(t, &tip, period-1, 300) // twice as fast as it should be
	took := tip.time - tip.firstTime
	h := mine(tip, tip.time+300, nil)
	want := new(big.Int).Mul(blockchain.CompactToBig(0x207fffff), big.NewInt(int64(took)))
	want.Quo(want, big.NewInt(timespan))
	if h.Bits != blockchain.BigToCompact(want) || h.Bits == 0x207fffff {
		t.Fatalf("after a fast period: %08x", h.Bits)
	}
	cheat := mine(tip, tip.time+300, func(h *wire.BlockHeader) { h.Bits = 0x207fffff })
	if err := tip.Extend(cheat, time.Time{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("the old difficulty goes on: %v", err)
	}
	if err := tip.Extend(h, time.Time{}); err != nil {
		t.Fatal(err)
	}
	grow(t, &tip, 2*period-1, 1_800) // three times as slow
	if bits := tip.demand(tip.time + 600); bits != 0x207fffff {
		t.Errorf("after a slow period it is eased, but never beyond the limit: %08x", bits)
	}
}

func TestATestnetsSlowBlocksAreEasy(t *testing.T) {
	for _, bip94 := range []bool{false, true} {
		tip := easy(func(r *Rules) { r.slowRule, r.bip94 = true, bip94 }).Begin()
		grow(t, &tip, period-1, 300)
		grow(t, &tip, period, 300)
		hard := tip.bits
		if hard == 0x207fffff {
			t.Fatal("the difficulty did not change")
		}
		for _, c := range []struct {
			after uint32
			want  uint32
		}{{600, hard}, {1200, hard}, {1201, 0x207fffff}, {600, hard}, {5000, 0x207fffff}, {5000, 0x207fffff}, {1200, hard}} {
			if got := tip.demand(tip.time + c.after); got != c.want {
				t.Errorf("BIP94 %v: a block %d s later must have %08x, it is %08x", bip94, c.after, c.want, got)
			}
			grow(t, &tip, tip.height+1, c.after)
		}
		// At the end of a period testnet3 reckons from its last block, testnet4 from its first.
		grow(t, &tip, 2*period-2, 600)
		grow(t, &tip, 2*period-1, 5000)
		base := uint32(0x207fffff)
		if bip94 {
			base = hard
		}
		if got, want := tip.demand(tip.time+600), tip.rules.retarget(base, tip.firstTime, tip.time); got != want {
			t.Errorf("BIP94 %v: the new period has %08x, want %08x", bip94, got, want)
		}
	}
}

func TestAPeriodOfTestnet4DoesNotBeginLongBeforeTheLastEnded(t *testing.T) {
	for _, c := range []struct {
		bip94 bool
		back  uint32
		taken bool
	}{{true, 600, true}, {true, 601, false}, {false, 601, true}} {
		tip := easy(func(r *Rules) { r.bip94 = c.bip94 }).Begin()
		grow(t, &tip, period-1, 600)
		err := tip.Extend(mine(tip, tip.time-c.back, nil), time.Time{})
		if (err == nil) != c.taken {
			t.Errorf("BIP94 %v, %d s before: %v", c.bip94, c.back, err)
		}
	}
}

func TestGoingBackFindsTheSameEnd(t *testing.T) {
	tip := easy(func(r *Rules) { r.slowRule = true }).Begin()
	ends := map[int32]Tip{}
	all := []wire.BlockHeader{tip.rules.genesis}
	for tip.height < 2*period+40 {
		spacing := uint32(250)
		if tip.height%17 == 0 {
			spacing = 1500
		}
		all = append(all, grow(t, &tip, tip.height+1, spacing)...)
		ends[tip.height] = tip
	}
	read := func(i int32) (wire.BlockHeader, error) { return all[i], nil }
	for _, height := range []int32{1, 5, 12, period - 1, period, period + 1, period + 5, 2*period + 3, tip.height} {
		got, err := tip.Back(height, read)
		if err != nil {
			t.Fatal(err)
		}
		want := ends[height]
		for _, after := range []uint32{300, 1500} {
			if got.demand(want.time+after) != want.demand(want.time+after) {
				t.Errorf("back at %d other bits are demanded", height)
			}
		}
		if got.height != want.height || got.hash != want.hash || got.median() != want.median() || got.work.Cmp(want.work) != 0 {
			t.Errorf("back at %d: %d %s, median %d, work %s; want %d %s, %d, %s", height, got.height, got.hash, got.median(), got.work, want.height, want.hash, want.median(), want.work)
		}
	}
	if _, err := tip.Back(tip.height+1, read); !errs.Is(err, errs.Invalid) {
		t.Errorf("back to the future: %v", err)
	}
}

func BenchmarkExtend(b *testing.B) {
	rules := Of(btc.Regtest)
	tip := rules.Begin()
	all := grow(b, &tip, 10_000, 600)
	b.ResetTimer()
	for i := 0; i < b.N; {
		tip := rules.Begin()
		for j := 0; j < len(all) && i < b.N; i, j = i+1, j+1 {
			if err := tip.Extend(all[j], time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "headers/s")
}
