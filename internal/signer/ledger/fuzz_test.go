package ledger

import (
	"bytes"
	"encoding/binary"
	"testing"

	"specter/internal/btc"
)

// FuzzPackets feeds packets to the assembler: no message is longer than it may be, and what was
// cut into packets comes out again.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("hello, device"), true)
	f.Add(bytes.Join(packets(0x0101, bytes.Repeat([]byte{7}, 300)), nil), false)
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		a := assembler{channel: 0x0101}
		if whole {
			if len(b) < 2 || len(b) > maxAnswer {
				return
			}
			var got []byte
			for _, p := range packets(0x0101, b) {
				m, done, err := a.add(p)
				if err != nil {
					t.Fatal(err)
				}
				if done {
					got = m
				}
			}
			if !bytes.Equal(got, b) {
				t.Fatalf("%x came out as %x", b, got)
			}
			return
		}
		for len(b) > 0 {
			n := min(len(b), packetSize)
			m, done, err := a.add(b[:n])
			if len(m) > maxAnswer || len(a.buf) > maxAnswer || done && len(m) < 2 {
				t.Fatalf("a message of %d bytes", len(m))
			}
			if err != nil {
				return
			}
			b = b[n:]
		}
	})
}

// FuzzStream splits Speculos's stream.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 7, 0x90, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, used, err := splitStream(b)
		if used > len(b) || used > 0 && (err != nil || len(answer) != used-4) || used == 0 && answer != nil {
			t.Fatalf("%d of %d bytes used for %d: %v", used, len(b), len(answer), err)
		}
		_, _ = parseAppInfo(b)
	})
}

// FuzzClientCommands lets a device ask anything: every answer fits an APDU and holds only what
// was committed to.
func FuzzClientCommands(f *testing.F) {
	list := make([][]byte, 300)
	for i := range list {
		list[i] = bytes.Repeat([]byte{byte(i)}, i)
	}
	root := newTree(list).root()
	f.Add([]byte{1, askMore})
	f.Add(append(append([]byte{36, askProof}, root[:]...), 0xfd, 44, 1))
	leaf := leafOf(list[299])
	f.Add(append(append([]byte{34, askPreimage, 0}, leaf[:]...), 1, askMore, 1, askMore))
	f.Add(append(append(append([]byte{65, askIndex}, root[:]...), leaf[:]...), 2, askYield, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := newClerk()
		c.addList(list)
		c.budget(1, 1, 3)
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			ask := b[1 : 1+n]
			b = b[1+n:]
			out, err := c.answer(ask)
			if err != nil {
				return
			}
			if len(out) > maxData || len(c.yielded) > 3 {
				t.Fatalf("an answer of %d bytes, %d results", len(out), len(c.yielded))
			}
			if ask[0] == askProof && climbs(root, out, ask[33:], c) != nil {
				t.Fatalf("a proof that does not hold: %x", out)
			}
		}
	})
}

// climbs checks a short proof against the root by the levels' own rule.
func climbs(root hash, out, numbers []byte, c *clerk) error {
	size, rest, _ := readSize(numbers)
	place, _, _ := readSize(rest)
	at, brothers := hash(out[:32]), append(bytes.Clone(out[34:]), c.queue...)
	for n := size; n > 1; n = (n + 1) / 2 {
		if b := place ^ 1; b < n {
			next := hash(brothers[:32])
			if brothers = brothers[32:]; place&1 == 0 {
				at = join(at, next)
			} else {
				at = join(next, at)
			}
		}
		place >>= 1
	}
	if at != root || len(brothers) > 0 {
		return malformed("proof")
	}
	return nil
}

// FuzzYield reads results: what is accepted has the sizes of keys and signatures.
func FuzzYield(f *testing.F) {
	f.Add(append(append([]byte{0, 33}, make([]byte, 33)...), bytes.Repeat([]byte{0x30}, 71)...), 3)
	f.Add(append(append([]byte{1, 64}, make([]byte, 64)...), make([]byte, 64)...), 3)
	f.Fuzz(func(t *testing.T, b []byte, inputs int) {
		r, err := parseYield(b, inputs&0x1ff)
		if err != nil {
			return
		}
		if r.input >= inputs&0x1ff || len(r.pubkey) != 33 && len(r.pubkey) != 32 || len(r.leaf) != 0 && len(r.leaf) != 32 || len(r.sig) > 73 {
			t.Fatalf("%+v", r)
		}
	})
}

// FuzzSplit takes maps apart; what comes out is what went in.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("psbt\xff\x01\x01\x01\x02\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 5 {
			return
		}
		m, err := split(b, 1, 0)
		if err != nil {
			return
		}
		for _, list := range append(m.inputs, m.global) {
			if c := commitment(list); len(c) < 65 || len(c) > 73 {
				t.Fatalf("a commitment of %d bytes", len(c))
			}
		}
	})
}

func TestPathsAreWrittenAsTheAppReadsThem(t *testing.T) {
	b, err := pathData(btc.Path{btc.Hardened + 84, 5})
	if err != nil || len(b) != 9 || b[0] != 2 || binary.BigEndian.Uint32(b[1:]) != 0x80000054 || binary.BigEndian.Uint32(b[5:]) != 5 {
		t.Errorf("%x, %v", b, err)
	}
}
