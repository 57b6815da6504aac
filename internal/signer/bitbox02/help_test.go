package bitbox02_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/signertest"
)

var usbPort = signer.Port{Path: "hid:/dev/hidraw7", Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, UsagePage: 0xffff, ProductName: "BitBox02"}

// simPort is a configured simulator, which proves no origin.
var simPort = signer.Port{Path: "tcp:127.0.0.1:15423", Way: signer.TCP, Kind: bitbox02.Kind}

func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(stop)
	return ctx
}

// plug joins a device to a cable and returns the driver's end.
func plug(t testing.TB, b *bitbox02test.Box) *signertest.Cable {
	t.Helper()
	cable := signertest.NewCable(hww.PacketSize)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Serve(ctx, cable.Device()) }()
	t.Cleanup(func() { stop(); cable.Unplug(); <-done })
	return cable
}

func pairing(t testing.TB) signer.Options {
	o := signertest.Options(t)
	o.Pair = true
	return o
}

func open(t *testing.T, b *bitbox02test.Box, o signer.Options) signer.Signer {
	t.Helper()
	s, err := bitbox02.Driver{}.Open(limited(t), plug(t, b).Host(), simPort, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func box(t *testing.T, person *signertest.Person) *bitbox02test.Box {
	return bitbox02test.New(device(t, person))
}

func device(t *testing.T, person *signertest.Person) signertest.Device {
	return signertest.Device{Master: signertest.Master(t, signertest.Abandon, ""), Network: btc.Regtest, Person: person}
}

// key is a key expression of a phrase's account.
func key(t *testing.T, words, path string) string {
	t.Helper()
	master := signertest.Master(t, words, "")
	p, err := btc.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := master.Derive(p)
	if err != nil {
		t.Fatal(err)
	}
	return "[" + btc.KeyOrigin{Fingerprint: master.Fingerprint(), Path: p}.String() + "]" + k.Public().String()
}

func walletOf(t *testing.T, name, text string) signer.Wallet {
	t.Helper()
	w := parsed(t, text)
	w.Name = name
	return w
}

func parsed(t testing.TB, text string) signer.Wallet {
	t.Helper()
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return signer.Wallet{Name: "W", Descriptor: d}
}

const ours = "<0;1>/*"

// wallets are the kinds of wallets that the device knows.
func wallets(t *testing.T) map[string]signer.Wallet {
	t.Helper()
	own := func(path string) string { return key(t, signertest.Abandon, path) }
	zoo := func(path string) string { return key(t, signertest.Zoo, path) }
	legal := func(path string) string { return key(t, signertest.Legal, path) }
	const p2, p1 = "m/48h/1h/0h/2h", "m/48h/1h/0h/1h"
	list := map[string]string{
		"wpkh":      fmt.Sprintf("wpkh(%s/%s)", own("m/84h/1h/0h"), ours),
		"sh-wpkh":   fmt.Sprintf("sh(wpkh(%s/%s))", own("m/49h/1h/0h"), ours),
		"tr":        fmt.Sprintf("tr(%s/%s)", own("m/86h/1h/0h"), ours),
		"wsh":       fmt.Sprintf("wsh(sortedmulti(2,%s/%[2]s,%[3]s/%[2]s,%[4]s/%[2]s))", zoo(p2), ours, own(p2), legal(p2)),
		"sh-wsh":    fmt.Sprintf("sh(wsh(sortedmulti(2,%s/%[2]s,%[3]s/%[2]s,%[4]s/%[2]s)))", own(p1), ours, zoo(p1), legal(p1)),
		"policy":    fmt.Sprintf("wsh(or_d(pk(%s/%[2]s),and_v(v:pkh(%[3]s/%[2]s),older(5))))", own(p2), ours, zoo(p2)),
		"multi":     fmt.Sprintf("wsh(multi(1,%s/%[2]s,%[3]s/%[2]s))", zoo(p2), ours, own(p2)),
		"tr odd":    fmt.Sprintf("tr(%s/%s)", own("m/86h/1h/7h/3"), ours),
		"tr tree":   fmt.Sprintf("tr(%s/%[2]s,{pk(%[3]s/%[2]s),and_v(v:pk(%[4]s/%[2]s),older(5))})", own(p2), ours, zoo(p2), legal(p2)),
		"tr leaf":   fmt.Sprintf("tr(%s/%[2]s,{pk(%[3]s/%[2]s),and_v(v:pk(%[4]s/%[2]s),older(5))})", zoo(p2), ours, own(p2), legal(p2)),
		"nunchuk":   fmt.Sprintf("wsh(sortedmulti(1,%s/%[2]s,%[3]s/%[2]s))", own("m/48h/1h/3h"), ours, zoo("m/48h/1h/3h")),
		"two times": fmt.Sprintf("wsh(sortedmulti(2,%s/%[2]s,%[3]s/%[2]s,%[4]s/%[2]s))", own(p2), ours, own("m/48h/1h/1h/2h"), legal(p2)),
	}
	out := map[string]signer.Wallet{}
	for name, text := range list {
		out[name] = walletOf(t, "My "+name, text)
	}
	return out
}

// spend makes a PSBT that spends n coins of a wallet, pays somebody and has change.
func spend(t testing.TB, w signer.Wallet, n int) *psbt.Packet {
	t.Helper()
	branches := w.Descriptor.Expand()
	tx := wire.NewMsgTx(2)
	var prevs []*wire.MsgTx
	for i := range n {
		out := derive(t, branches[i%2], uint32(i))
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: [32]byte{byte(i), 9}, Index: 3}, []byte{txscript.OP_1}, nil))
		prev.AddTxOut(wire.NewTxOut(5_000, []byte{txscript.OP_1, 2, 3, 4}))
		prev.AddTxOut(wire.NewTxOut(100_000, out.Script))
		prevs = append(prevs, prev)
		in := wire.NewTxIn(&wire.OutPoint{Hash: prev.TxHash(), Index: 1}, nil, nil)
		in.Sequence = wire.MaxTxInSequenceNum - 2
		tx.AddTxIn(in)
	}
	tx.AddTxOut(wire.NewTxOut(30_000, btc.WitnessScript(0, make([]byte, 20))))
	change := derive(t, branches[1], 40)
	tx.AddTxOut(wire.NewTxOut(int64(n)*100_000-31_000, change.Script))
	p, err := psbt.New(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := p.UpdateInput(i, prevs[i], prevs[i].TxOut[1], derive(t, branches[i%2], uint32(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.UpdateOutput(1, change); err != nil {
		t.Fatal(err)
	}
	return p
}

func derive(t testing.TB, d *descriptor.Descriptor, index uint32) *descriptor.Output {
	t.Helper()
	out, err := d.Derive(index)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// counted cancels a call after some packets that were sent.
type counted struct {
	signer.Conn
	left int
	stop context.CancelFunc
}

func (c *counted) Write(ctx context.Context, p []byte) (int, error) {
	if c.left == 0 {
		c.stop()
	}
	c.left--
	return c.Conn.Write(ctx, p)
}
