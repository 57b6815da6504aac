package core

import (
	"context"
	"sort"
	"time"

	"specter/internal/chain"
)

// header is what we read of getblockheader.
type header struct {
	Hash          hash  `json:"hash"`
	Height        int32 `json:"height"`
	Time          int64 `json:"time"`
	MedianTime    int64 `json:"mediantime"`
	Confirmations int32 `json:"confirmations"`
}

func (h header) block() chain.Block {
	return chain.Block{Height: h.Height, Hash: h.Hash.Hash, Time: unix(h.Time)}
}

// HeightAt finds the first block at or after a time, among those near the first whose median
// time (which never runs backwards) has reached it. A time after the tip gives the tip's
// height: a scan from there on misses nothing.
func (s *Source) HeightAt(ctx context.Context, t time.Time) (int32, error) {
	b, end := s.bound(ctx)
	defer end()
	info, err := s.c.chainInfo(b)
	if err != nil {
		return 0, s.door(ctx, err)
	}
	h, err := s.medianAt(b, info, t.Unix())
	if err != nil {
		return 0, s.door(ctx, err)
	}
	// The median is of eleven blocks: the first of them that is young enough is meant.
	var near []int32
	for i := max(h-11, 0); i <= min(h, info.Blocks); i++ {
		near = append(near, i)
	}
	heads, err := s.headers(b, near)
	if err != nil {
		return 0, s.door(ctx, err)
	}
	for _, x := range heads {
		if x.Time >= t.Unix() {
			return x.Height, nil
		}
	}
	return min(h, info.Blocks), nil
}

// medianAt finds the first height whose median time is at or after a time; the tip's height
// plus one when none is. It asks for sixteen blocks at once: a far node answers in few trips.
func (s *Source) medianAt(ctx context.Context, info chainInfo, at int64) (int32, error) {
	low, high := int32(0), info.Blocks+1 // the answer is in [low, high]
	if info.MedianTime < at {
		return high, nil
	}
	for low < high {
		var probe []int32
		width := high - low
		for i := int32(0); i < 16; i++ {
			h := low + int32(int64(width)*int64(i)/16)
			if len(probe) == 0 || h > probe[len(probe)-1] {
				probe = append(probe, h)
			}
		}
		heads, err := s.headers(ctx, probe)
		if err != nil {
			return 0, err
		}
		i := sort.Search(len(heads), func(i int) bool { return heads[i].MedianTime >= at })
		if i < len(heads) {
			high = heads[i].Height
		}
		if i > 0 {
			low = heads[i-1].Height + 1
		}
	}
	return low, nil
}

// headers returns the headers at heights of the chain, in their order.
func (s *Source) headers(ctx context.Context, heights []int32) ([]header, error) {
	ids := make([]hash, len(heights))
	calls := make([]*call, len(heights))
	for i, h := range heights {
		calls[i] = &call{method: "getblockhash", params: []any{h}, result: &ids[i]}
	}
	if err := s.all(ctx, calls); err != nil {
		return nil, err
	}
	heads := make([]header, len(heights))
	for i, id := range ids {
		calls[i] = &call{method: "getblockheader", params: []any{id.String()}, result: &heads[i]}
	}
	return heads, s.all(ctx, calls)
}

// all is a batch in which every call must succeed.
func (s *Source) all(ctx context.Context, calls []*call) error {
	if err := s.c.batch(ctx, "", calls); err != nil {
		return err
	}
	for _, q := range calls {
		if q.err != nil {
			return q.err
		}
	}
	return nil
}
