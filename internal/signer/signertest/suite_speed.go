package signertest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/raced"
	"specter/internal/signer"
)

// ourShare is how long we may take ourselves, without waiting for the device, to have a
// transaction of a hundred inputs signed.
const ourShare = 200 * time.Millisecond

// hundredInputs measures what is spent neither waiting for the device nor waiting for other
// programs to leave us a processor. The best of some runs counts.
func hundredInputs(t *testing.T, f Family) {
	if raced.On { // what is measured under it means nothing
		shareOf(t, f, 15)
		return
	}
	best := time.Duration(1<<63 - 1)
	for range 10 {
		if best = min(best, shareOf(t, f, 100)); best < ourShare {
			break
		}
	}
	t.Logf("our share of signing 100 inputs: %v", best)
	if best > ourShare {
		t.Errorf("our share of signing 100 inputs is %v, %v are allowed", best, ourShare)
	}
}

func shareOf(t *testing.T, f Family, inputs uint32) time.Duration {
	kind := f.Scripts[0]
	if slices.Contains(f.Scripts, "wpkh") {
		kind = "wpkh"
	}
	d := honest(t)
	cable, ctx := plug(t, f, d)
	o := Options(t)
	o.Pair = true
	meter := &meter{Conn: cable.Host(), polls: f.Polls}
	s, err := f.Driver.Open(ctx, meter, f.Port, o)
	if err != nil {
		t.Fatal(err)
	}
	w := Wallet(t, kind, d.Master)
	p := Payment{Pay: 9_000 * int64(inputs)}
	for i := range inputs {
		p.Coins = append(p.Coins, Coin{Wallet: w, Index: i, Sat: 10_000})
	}
	tx := p.Packet(t, btc.Regtest)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	meter.waited, meter.last, meter.queue = 0, time.Time{}, queueOf()
	began, queued := time.Now(), meter.queue.waited()
	got, err := guard(s, d.Network).Sign(ctx, w, signer.Registration{}, tx)
	took := time.Since(began) - meter.waited - (meter.queue.waited() - queued)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, kind, got)
	return took
}

// meter adds up the time that a driver waits for its device: in reads, and where it polls in the
// pauses before it asks again.
type meter struct {
	signer.Conn
	polls  bool
	waited time.Duration
	last   time.Time // when a read ended
	queue  queue
	queued time.Duration // at that time
}

// aPause is the shortest time between an answer and the next question that is one.
const aPause = 8 * time.Millisecond

func (m *meter) Read(ctx context.Context, p []byte) (int, error) {
	began, queued := time.Now(), m.queue.waited()
	n, err := m.Conn.Read(ctx, p)
	m.last, m.queued = time.Now(), m.queue.waited()
	m.waited += m.last.Sub(began) - (m.queued - queued) // waits for a processor are counted once, where the call ends
	return n, err
}

func (m *meter) Write(ctx context.Context, p []byte) (int, error) {
	if gap := time.Since(m.last); m.polls && !m.last.IsZero() && gap > aPause {
		m.waited += gap - (m.queue.waited() - m.queued)
	}
	m.last = time.Time{}
	return m.Conn.Write(ctx, p)
}

// queue is where Linux tells how long a thread was ready and had no processor. The zero value,
// where it does not tell, is no waiting at all.
type queue string

// queueOf is that of the thread we are on, to which the caller is locked.
func queueOf() queue {
	task, err := os.Readlink("/proc/thread-self")
	if err != nil {
		return ""
	}
	return queue("/proc/" + task + "/schedstat")
}

// waited is the sum so far: the second number, in nanoseconds.
func (q queue) waited() time.Duration {
	var ran, waited int64
	if text, err := os.ReadFile(string(q)); err == nil {
		_, _ = fmt.Sscan(string(text), &ran, &waited)
	}
	return time.Duration(waited)
}
