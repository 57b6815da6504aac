//go:build !offline && unix

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
)

// plugged is a connection for a software device.
type plugged struct{ net.Conn }

func (p plugged) Read(ctx context.Context, b []byte) (int, error) {
	defer context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Unix(1, 0)) })()
	n, err := p.Conn.Read(b)
	if err != nil {
		err = errs.E(errs.Unavailable, "the device was unplugged: %w", err)
	}
	return n, err
}

func (p plugged) Write(_ context.Context, b []byte) (int, error) { return p.Conn.Write(b) }

// jadeAtSocket is a software Jade behind a TCP port.
func jadeAtSocket(t *testing.T) (*jadetest.Board, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &jadetest.Board{Device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}}
	ended := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = b.Serve(t.Context(), plugged{c})
			_ = c.Close()
		}
	}()
	return b, "tcp:" + l.Addr().String()
}

// A real node uses our program as its external signer, from finding the device to a payment that
// is in a block.
func TestBitcoinCoreSignsWithOurProgram(t *testing.T) {
	board, address := jadeAtSocket(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "specter") // under this name the test is the program
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv(simulatorsVar, "jade="+address)
	n := coretest.Start(t, coretest.Options{Args: []string{"-signer=" + program + " hwi --chain regtest"}})
	rpc := func(result any, method string, params ...any) {
		t.Helper()
		if err := n.RPC("vault", method, result, params...); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}

	var found struct {
		Signers []struct{ Fingerprint, Name string }
	}
	if err := n.RPC("", "enumeratesigners", &found); err != nil || len(found.Signers) != 1 || found.Signers[0].Fingerprint != "95d8f670" || found.Signers[0].Name != "jade_simulator" {
		t.Fatalf("enumeratesigners: %+v, %v", found, err)
	}
	// name, disable_private_keys, blank, passphrase, avoid_reuse, descriptors, load_on_startup, external_signer
	if err := n.RPC("", "createwallet", new(json.RawMessage), "vault", true, false, "", false, true, false, true); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"legacy", "p2sh-segwit", "bech32", "bech32m"} {
		var addr string
		rpc(&addr, "getnewaddress", "", kind)
		var shown struct{ Address string }
		rpc(&shown, "walletdisplayaddress", addr)
		if shown.Address != addr || !board.Person.Saw(signertest.ShowAddress, addr) {
			t.Errorf("%s: the device showed %s for %s", kind, shown.Address, addr)
		}
		n.Send(addr, "0.5")
	}
	n.Mine(1)
	var sent struct {
		TxID     string `json:"txid"`
		Complete bool
	}
	to := n.NewAddress()
	rpc(&sent, "send", []map[string]string{{to: "1.9"}}) // takes a coin of each kind
	if !sent.Complete || sent.TxID == "" || !board.Person.Saw(signertest.ShowOutput, to+" 190000000") {
		t.Fatalf("send: %+v, the device showed %v", sent, board.Person.Seen())
	}
	n.Mine(1)
	var tx struct{ Confirmations int }
	rpc(&tx, "gettransaction", sent.TxID)
	if tx.Confirmations != 1 {
		t.Errorf("the payment has %d confirmations", tx.Confirmations)
	}
	board.Person = signertest.Refuse(signertest.ShowFee)
	if err := n.RPC("vault", "send", &sent, []map[string]string{{to: "0.01"}}); err == nil && sent.Complete {
		t.Error("what the person refused was sent")
	}
}
