package ownchain_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/headers"
	"specter/internal/chain"
	"specter/internal/chain/ownchain"
	"specter/internal/errs"
)

// teller is a regtest node of headers alone, that lies on command.
type teller struct {
	chain.Source
	mu    sync.Mutex
	all   []wire.BlockHeader
	lie   func(from int32, got []wire.BlockHeader) ([]wire.BlockHeader, error)
	asked int
	told  int
	tip   int32 // what it claims; 0: what it has
}

func (s *teller) Status(context.Context) (chain.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tip := int32(len(s.all) - 1)
	if s.tip > 0 {
		tip = s.tip
	}
	return chain.Status{Network: btc.Regtest, Tip: chain.Block{Height: tip}}, nil
}

func (s *teller) Headers(_ context.Context, from int32, n int) ([]wire.BlockHeader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	var got []wire.BlockHeader
	if int(from) < len(s.all) {
		got = append(got, s.all[from:min(int(from)+n, len(s.all))]...)
	}
	s.told += len(got)
	if s.lie != nil {
		return s.lie(from, got)
	}
	return got, nil
}

// grow mines headers on top; a salt makes them differ from others at the same heights.
func (s *teller) grow(n int, salt string) {
	if len(s.all) == 0 {
		s.all = append(s.all, headers.Of(btc.Regtest).Genesis())
	}
	for range n {
		last := s.all[len(s.all)-1]
		h := wire.BlockHeader{Version: 4, PrevBlock: last.BlockHash(), Timestamp: last.Timestamp.Add(10 * time.Minute), Bits: last.Bits, MerkleRoot: chainhash.HashH([]byte(salt))}
		for hash := h.BlockHash(); hash[31] > 0x7f; hash = h.BlockHash() {
			h.Nonce++
		}
		s.all = append(s.all, h)
	}
}

func newTeller(n int, salt string) *teller {
	s := new(teller)
	s.grow(n, salt)
	return s
}

// branch is a node whose chain leaves another's after a height and goes on for n headers.
func (s *teller) branch(after, n int, salt string) *teller {
	b := &teller{all: append([]wire.BlockHeader(nil), s.all[:after+1]...)}
	b.grow(n, salt)
	return b
}

// folder keeps chains in a folder.
type folder struct {
	t   *testing.T
	dir string
	now time.Time
}

func newFolder(t *testing.T) *folder {
	return &folder{t, t.TempDir(), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
}

func (f *folder) path() string { return filepath.Join(f.dir, "regtest") }

func (f *folder) open() *ownchain.Keeper {
	k := ownchain.New(ownchain.Config{Now: func() time.Time { return f.now }, Open: func(n btc.Network) (ownchain.File, error) {
		return os.OpenFile(filepath.Join(f.dir, n.String()), os.O_RDWR|os.O_CREATE, 0o600)
	}})
	f.t.Cleanup(func() { k.Close() })
	return k
}

// holds checks that a keeper has a node's chain, in memory and in the file.
func (f *folder) holds(k *ownchain.Keeper, s *teller) {
	f.t.Helper()
	st := k.State(btc.Regtest)
	if st.Height != int32(len(s.all)-1) || !st.Enough || st.Bytes != int64(len(s.all))*headers.Size {
		f.t.Fatalf("state %+v, want height %d", st, len(s.all)-1)
	}
	for _, i := range []int{0, 1, len(s.all) / 2, len(s.all) - 1} {
		if h, err := k.Header(btc.Regtest, int32(i)); err != nil || h.BlockHash() != s.all[i].BlockHash() {
			f.t.Fatalf("header %d: %v", i, err)
		}
	}
	if _, err := k.Header(btc.Regtest, int32(len(s.all))); !errs.Is(err, errs.NotFound) {
		f.t.Errorf("above the tip: %v", err)
	}
	var want bytes.Buffer
	for i := range s.all {
		_ = s.all[i].Serialize(&want)
	}
	if got, err := os.ReadFile(f.path()); err != nil || !bytes.Equal(got, want.Bytes()) {
		f.t.Errorf("the file has %d bytes, want %d: %v", len(got), want.Len(), err)
	}
}

func follow(t *testing.T, k *ownchain.Keeper, s *teller) {
	t.Helper()
	if err := k.Follow(context.Background(), btc.Regtest, s); err != nil {
		t.Fatal(err)
	}
}

func TestAChainIsFollowedFromTheGenesisOn(t *testing.T) {
	f, s := newFolder(t), newTeller(4_500, "a")
	k := f.open()
	if st := k.State(btc.Regtest); st.Height != -1 {
		t.Errorf("before anything: %+v", st)
	}
	if _, err := k.Header(btc.Regtest, 0); !errs.Is(err, errs.Unavailable) {
		t.Errorf("before anything: %v", err)
	}
	follow(t, k, s)
	f.holds(k, s)
	s.grow(3, "b")
	told := s.told
	follow(t, k, s)
	f.holds(k, s)
	if s.told > told+4 {
		t.Errorf("%d headers were asked for to learn three", s.told-told)
	}
	follow(t, k, s) // nothing new
	f.holds(k, s)
}

func TestAnInterruptedFetchGoesOnWhereItWas(t *testing.T) {
	f, s := newFolder(t), newTeller(5_000, "a")
	away := errs.E(errs.Unavailable, "away")
	s.lie = func(from int32, got []wire.BlockHeader) ([]wire.BlockHeader, error) {
		if from > 3_000 {
			return nil, away
		}
		return got, nil
	}
	k := f.open()
	if err := k.Follow(context.Background(), btc.Regtest, s); !errors.Is(err, away) {
		t.Fatal(err)
	}
	if st := k.State(btc.Regtest); st.Height != 4_000 || st.Target != 5_000 || st.Trouble == "" {
		t.Errorf("half way: %+v", st)
	}
	// As after kill -9: no Close, and the last piece of the file is torn.
	data, err := os.ReadFile(f.path())
	if err != nil || os.WriteFile(f.path(), data[:len(data)-1000], 0o600) != nil {
		t.Fatal(err)
	}
	s.lie, s.told = nil, 0
	k = f.open()
	follow(t, k, s)
	f.holds(k, s)
	if s.told > 1_100 {
		t.Errorf("%d headers were told again", s.told)
	}
	if st := k.State(btc.Regtest); st.Trouble != "" {
		t.Errorf("the trouble is over: %+v", st)
	}
}

func TestADamagedFileIsFetchedAgainFromTheDamageOn(t *testing.T) {
	for name, harm := range map[string]func(data []byte) []byte{
		"a bit in the middle": func(d []byte) []byte { d[3_000*headers.Size+40] ^= 1; return d },
		"another genesis":     func(d []byte) []byte { d[10] ^= 1; return d },
		"nothing left":        func([]byte) []byte { return nil },
		"half a genesis":      func(d []byte) []byte { return d[:40] },
		"garbage behind":      func(d []byte) []byte { return append(d, bytes.Repeat([]byte{7}, 333)...) },
	} {
		t.Run(name, func(t *testing.T) {
			f, s := newFolder(t), newTeller(4_100, "a")
			k := f.open()
			follow(t, k, s)
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(f.path())
			if err != nil || os.WriteFile(f.path(), harm(data), 0o600) != nil {
				t.Fatal(err)
			}
			k = f.open()
			follow(t, k, s)
			f.holds(k, s)
		})
	}
}

func TestTheBranchWithMoreWorkWins(t *testing.T) {
	for _, depth := range []int{1, 3, 50, 2_500, 4_100} {
		f, s := newFolder(t), newTeller(4_100, "a")
		k := f.open()
		follow(t, k, s)
		for _, n := range []int{depth, depth - 1} { // as much work is not more
			if err := k.Follow(context.Background(), btc.Regtest, s.branch(4_100-depth, n, "b")); !errs.Is(err, errs.Invalid) {
				t.Errorf("a branch of %d instead of %d: %v", n, depth, err)
			}
			f.holds(k, s)
		}
		more := s.branch(4_100-depth, depth+1, "b")
		follow(t, k, more)
		f.holds(k, more)
		k.Close()
		again := f.open()
		follow(t, again, more)
		f.holds(again, more)
	}
}

func TestLyingNodesChangeNothing(t *testing.T) {
	f, s := newFolder(t), newTeller(3_000, "a")
	k := f.open()
	follow(t, k, s)
	honest := &teller{all: append([]wire.BlockHeader(nil), s.all...)}
	s.grow(2_100, "a")
	for name, lie := range map[string]func(got []wire.BlockHeader){
		"a broken link": func(got []wire.BlockHeader) { got[len(got)-1].PrevBlock[0] ^= 1 },
		"another merkle root": func(got []wire.BlockHeader) { // work and link break
			for got[len(got)-1].MerkleRoot[0]++; ; got[len(got)-1].Nonce++ {
				if hash := got[len(got)-1].BlockHash(); hash[31] > 0x7f {
					return
				}
			}
		},
		"easier bits": func(got []wire.BlockHeader) { got[len(got)-1].Bits = 0x2100ffff },
		"harder bits": func(got []wire.BlockHeader) { got[len(got)-1].Bits = 0x1d00ffff },
		"too old":     func(got []wire.BlockHeader) { got[len(got)-1].Timestamp = got[0].Timestamp.Add(-3 * time.Hour) },
		"the future":  func(got []wire.BlockHeader) { got[len(got)-1].Timestamp = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		s.lie = func(from int32, got []wire.BlockHeader) ([]wire.BlockHeader, error) {
			if from == 3_001 && len(got) > 0 {
				got = got[:1]
				lie(got)
			}
			return got, nil
		}
		if err := k.Follow(context.Background(), btc.Regtest, s); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if st := k.State(btc.Regtest); st.Trouble == "" {
			t.Errorf("%s is told to nobody", name)
		}
		f.holds(k, honest)
	}
	s.lie = func(int32, []wire.BlockHeader) ([]wire.BlockHeader, error) {
		return make([]wire.BlockHeader, 5_000), nil
	}
	if err := k.Follow(context.Background(), btc.Regtest, s); !errs.Is(err, errs.Invalid) {
		t.Errorf("headers by the ton: %v", err)
	}
	f.holds(k, honest)
	// What held before the lie stays.
	s.lie = func(from int32, got []wire.BlockHeader) ([]wire.BlockHeader, error) {
		if from == 5_001 {
			got[0].PrevBlock = chainhash.Hash{}
		}
		return got, nil
	}
	if err := k.Follow(context.Background(), btc.Regtest, s); !errs.Is(err, errs.Invalid) || k.State(btc.Regtest).Height != 5_000 {
		t.Errorf("%v, %+v", err, k.State(btc.Regtest))
	}
	s.lie = nil
	follow(t, k, s)
	f.holds(k, s)
}

func TestAChainOfAnotherGenesisIsRefused(t *testing.T) {
	f, s := newFolder(t), newTeller(50, "a")
	k := f.open()
	follow(t, k, s)
	other := newTeller(100, "b")
	other.all[0].Nonce++
	if err := k.Follow(context.Background(), btc.Regtest, other); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "another network") {
		t.Errorf("%v", err)
	}
	f.holds(k, s)
	if err := k.Follow(context.Background(), btc.Mainnet, s); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a node of another network: %v", err)
	}
	if err := k.Follow(context.Background(), btc.Regtest, struct{ chain.Source }{s}); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a node that tells no headers: %v", err)
	}
}

// little is a mainnet node with the genesis and two blocks: it holds to the rules, but anybody
// could mine it today.
type little struct{ *teller }

func (s little) Status(context.Context) (chain.Status, error) {
	return chain.Status{Network: btc.Mainnet, Tip: chain.Block{Height: 0}}, nil
}

func TestAChainOfTooLittleWorkProvesNothing(t *testing.T) {
	f := newFolder(t)
	k := f.open()
	s := little{&teller{all: []wire.BlockHeader{headers.Of(btc.Mainnet).Genesis()}}}
	if err := k.Follow(context.Background(), btc.Mainnet, s); err != nil {
		t.Fatal(err)
	}
	if st := k.State(btc.Mainnet); st.Enough || st.Height != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := k.Header(btc.Mainnet, 0); !errs.Is(err, errs.Unavailable) {
		t.Errorf("believed: %v", err)
	}
}

func TestManyMayAskWhileOneFollows(t *testing.T) {
	f, s := newFolder(t), newTeller(6_000, "a")
	k := f.open()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := k.Follow(context.Background(), btc.Regtest, s); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for range 200 {
				st := k.State(btc.Regtest)
				if h, err := k.Header(btc.Regtest, st.Height); err == nil && h.BlockHash() != s.all[st.Height].BlockHash() {
					t.Error("another header than the chain's")
				}
			}
		})
	}
	wg.Wait()
	f.holds(k, s)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if err := k.Follow(context.Background(), btc.Regtest, s); !errs.Is(err, errs.Unavailable) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := k.Header(btc.Regtest, 0); !errs.Is(err, errs.Unavailable) {
		t.Errorf("after the end: %v", err)
	}
}

// full is a disk without room.
type full struct{ ownchain.File }

func (f full) WriteAt(p []byte, at int64) (int, error) {
	if at > 0 {
		return 0, errors.New("no space left on device")
	}
	return f.File.WriteAt(p, at)
}

func TestAFullDiskLosesNothing(t *testing.T) {
	f, s := newFolder(t), newTeller(2_500, "a")
	k := f.open()
	follow(t, k, s)
	k.Close()
	broken := true
	k = ownchain.New(ownchain.Config{Now: func() time.Time { return f.now }, Open: func(n btc.Network) (ownchain.File, error) {
		file, err := os.OpenFile(f.path(), os.O_RDWR|os.O_CREATE, 0o600)
		if broken {
			return full{file}, err
		}
		return file, err
	}})
	t.Cleanup(func() { k.Close() })
	s.grow(10, "a")
	if err := k.Follow(context.Background(), btc.Regtest, s); !errs.Is(err, errs.Unavailable) {
		t.Errorf("%v", err)
	}
	broken = false
	follow(t, k, s)
	f.holds(k, s)
}

func BenchmarkOpen20000(b *testing.B) {
	s := newTeller(20_000, "a")
	dir := b.TempDir()
	open := func() *ownchain.Keeper {
		return ownchain.New(ownchain.Config{Open: func(n btc.Network) (ownchain.File, error) {
			return os.OpenFile(filepath.Join(dir, n.String()), os.O_RDWR|os.O_CREATE, 0o600)
		}})
	}
	k := open()
	if err := k.Follow(context.Background(), btc.Regtest, s); err != nil {
		b.Fatal(err)
	}
	k.Close()
	for b.Loop() {
		k := open()
		if err := k.Follow(context.Background(), btc.Regtest, s); err != nil {
			b.Fatal(err)
		}
		k.Close()
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "headers/s")
}

// memory is a file that is none.
type memory struct{ data []byte }

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(m.data)) {
		return 0, io.EOF
	}
	n := copy(p, m.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if end := int(at) + len(p); end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	return copy(m.data[at:], p), nil
}

func (m *memory) Truncate(size int64) error {
	m.data = append(m.data, make([]byte, max(0, int(size)-len(m.data)))...)[:size]
	return nil
}

func (*memory) Sync() error  { return nil }
func (*memory) Close() error { return nil }

// FuzzFile: whatever lies in the file, what is kept of it is the network's own chain, and following
// goes on from there.
func FuzzFile(f *testing.F) {
	s := newTeller(40, "a")
	var good bytes.Buffer
	for i := range s.all {
		_ = s.all[i].Serialize(&good)
	}
	f.Add(good.Bytes(), 700)
	f.Add(good.Bytes()[:333], 0)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, data []byte, flip int) {
		if len(data) > 0 {
			data = bytes.Clone(data)
			data[uint(flip)%uint(len(data))] ^= 1
		}
		file := &memory{data: bytes.Clone(data)}
		k := ownchain.New(ownchain.Config{Open: func(btc.Network) (ownchain.File, error) { return file, nil }})
		defer k.Close()
		if err := k.Follow(context.Background(), btc.Regtest, s); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
		for i := range k.State(btc.Regtest).Height {
			below, err := k.Header(btc.Regtest, i)
			above, err2 := k.Header(btc.Regtest, i+1)
			if err != nil || err2 != nil || above.PrevBlock != below.BlockHash() {
				t.Fatalf("headers %d and %d do not link: %v, %v", i, i+1, err, err2)
			}
		}
	})
}
