package app

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/wallet"
	"specter/internal/web"
)

const (
	oldUID     = "594501b238513d16"
	oldReceive = "wpkh([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/0/*)#evh9fu0w"
	oldChange  = "wpkh([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/1/*)#gcjy5flk"
	oldAddress = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"
)

// oldFiles writes the folder of an old Specter with one wallet.
func oldFiles(t *testing.T, dir string, node map[string]any) {
	t.Helper()
	put := func(name string, v any) {
		b, err := json.Marshal(v)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("config.json", map[string]any{"auth": map[string]any{"method": "none"}, "uid": oldUID, "active_node_alias": "home"})
	put("users.json", []any{map[string]any{"id": "admin", "username": "admin", "is_admin": true, "password": map[string]any{}}})
	if node != nil {
		put("nodes/home.json", node)
	}
	put("wallets/regtest/savings.json", map[string]any{"name": "Savings", "recv_descriptor": oldReceive, "change_descriptor": oldChange,
		"address_type": "bech32", "keys": []any{}, "devices": []any{}, "address_index": 1})
	if err := os.WriteFile(filepath.Join(dir, "wallets", "regtest", "savings_addr.csv"), []byte("address,index,change,label,used\r\n"+oldAddress+",0,False,salary,True\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// oldNode is a node with the wallet that the old program kept inside it.
func oldNode(t *testing.T) (n *coretest.Node, name string) {
	t.Helper()
	n, name = coretest.Start(t, coretest.Options{}), "specter"+oldUID+"/savings"
	if err := n.RPC("", "createwallet", nil, name, true, true, "", false, true); err != nil {
		t.Fatal(err)
	}
	var done []struct{ Success bool }
	if err := n.RPC(name, "importdescriptors", &done, []map[string]any{
		{"desc": oldReceive, "active": true, "range": []int{0, 60}, "timestamp": "now", "internal": false},
		{"desc": oldChange, "active": true, "range": []int{0, 60}, "timestamp": "now", "internal": true}}); err != nil {
		t.Fatal(err)
	}
	if len(done) != 2 || !done[0].Success || !done[1].Success {
		t.Fatalf("the node answers %+v", done)
	}
	return n, name
}

// oldConnection is how the old program wrote that it is connected to a node.
func oldConnection(t *testing.T, n *coretest.Node) map[string]any {
	t.Helper()
	cookie, err := os.ReadFile(n.CookieFile())
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(cookie), ":")
	return map[string]any{"name": "Home", "host": "127.0.0.1", "port": fmt.Sprint(n.Port()), "user": user, "password": password, "protocol": "http"}
}

// takeOver imports a folder into the data folder of a config.
func takeOver(t *testing.T, cfg Config, from string) {
	t.Helper()
	d, err := OpenImport(context.Background(), cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if r, err := d.Import(context.Background(), from, ImportOptions{}); err != nil {
		t.Fatalf("%v %+v", err, r)
	}
}

// The wallet that the old program kept inside the node is used as it is: no second one is made,
// and no block is looked through again.
func TestOldWalletInsideTheNodeIsUsedAgain(t *testing.T) {
	n, name := oldNode(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	paid := n.Send(oldAddress, "0.5")
	n.Mine(1)
	later := n.Send(oldAddress, "0.25")
	n.Mine(1)

	cfg := Config{DataDir: t.TempDir(), Log: quiet(), Now: time.Now, hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}}
	old := t.TempDir()
	oldFiles(t, old, oldConnection(t, n))
	ghost := cacheTxs(t, n, old, paid)
	takeOver(t, cfg, old)
	before := balanceBefore(t, cfg)
	if before != 50_000_000+12_345 {
		t.Errorf("before the node answered it held %d sat", before)
	}
	h := open(t, cfg)
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}
	eventually(t, "the first sync", func() (bool, string) {
		r := h.record(ref)
		return !r.SyncedAt.IsZero() && r.TxCount == 3 && r.Balance.Total() == 75_000_000, fmt.Sprintf("%+v", r)
	})
	for id, state := range map[chainhash.Hash]wallet.TxState{paid: wallet.Confirmed, later: wallet.Confirmed, ghost: wallet.Dropped} {
		tx, err := h.wallets.Transaction(context.Background(), ref, id)
		if err != nil || tx.State != state || tx.Label != "salary" {
			t.Errorf("%s is %s with the label %q, %v; want %s", id, tx.State, tx.Label, err, state)
		}
	}
	var loaded []string
	must(n.RPC("", "listwallets", &loaded))
	slices.Sort(loaded)
	if want := []string{coretest.Counterparty, name}; !slices.Equal(loaded, want) && !slices.Equal(loaded, []string{name, coretest.Counterparty}) {
		t.Errorf("the node has the wallets %q", loaded)
	}
	var marked map[string]any
	if err := n.RPC(name, "getaddressesbylabel", &marked, "specter"); err == nil {
		t.Errorf("old blocks were looked through: the wallet is marked with %v", marked)
	}
	var info struct{ Scanning any }
	must(n.RPC(name, "getwalletinfo", &info))
	if info.Scanning != false {
		t.Errorf("the node scans: %v", info.Scanning)
	}
}

// The same while this program runs: what the old one kept inside the node is used at once, and so is
// its uid, by the wallets that are made after.
func TestOldWalletInsideTheNodeIsUsedWhileTheProgramRuns(t *testing.T) {
	n, name := oldNode(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n.Send(oldAddress, "0.5")
	n.Mine(1)
	old := t.TempDir()
	oldFiles(t, old, oldConnection(t, n))

	h := open(t, Config{})
	openToAll(t, h)
	ctx := context.Background()
	must(h.importer.LookImport(ctx, web.ImportRequest{Name: old}))
	eventually(t, "the look", func() (bool, string) { s := h.importer.ImportState(); return s.Ready, fmt.Sprint(s) })
	must(h.importer.TakeImport(ctx))
	eventually(t, "taking over", func() (bool, string) { s := h.importer.ImportState(); return !s.Running && !s.Dry, fmt.Sprint(s) })
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}
	eventually(t, "the first sync", func() (bool, string) {
		r := h.record(ref)
		return !r.SyncedAt.IsZero() && r.TxCount == 1 && r.Balance.Total() == 50_000_000 && r.NodeName == name, fmt.Sprintf("%+v", r)
	})
	made, err := h.wallets.Create(ctx, auth.OwnerID, btc.Regtest, wallet.NewWallet{Name: "Later", ScriptType: "wpkh",
		Keys: []string{"[73c5da0a/48h/1h/0h/2h]tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"}})
	must(err)
	if want := "specter" + oldUID + "/later"; made.NodeName != want {
		t.Errorf("a wallet that is made after lies in %s, want %s", made.NodeName, want)
	}
	var loaded []string
	eventually(t, "the new wallet inside the node", func() (bool, string) {
		must(n.RPC("", "listwallets", &loaded))
		return slices.Contains(loaded, made.NodeName), fmt.Sprint(loaded)
	})
	if len(loaded) != 3 || !slices.Contains(loaded, name) {
		t.Errorf("the node has the wallets %q", loaded)
	}
	var marked map[string]any
	if err := n.RPC(name, "getaddressesbylabel", &marked, "specter"); err == nil {
		t.Errorf("old blocks were looked through: the wallet is marked with %v", marked)
	}
}

// cacheTxs writes the old program's cache: a payment that is in the node's chain, and one in a block
// that no node has, as an old chain of a test network leaves it.
func cacheTxs(t *testing.T, n *coretest.Node, old string, paid chainhash.Hash) (ghost chainhash.Hash) {
	t.Helper()
	var told struct {
		Hex       string
		Blockhash string
		Blocktime int64
	}
	if err := n.RPC(coretest.Counterparty, "gettransaction", &told, paid.String()); err != nil {
		t.Fatal(err)
	}
	var block struct{ Height int32 }
	if err := n.RPC("", "getblockheader", &block, told.Blockhash); err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(told.Hex)
	if err != nil {
		t.Fatal(err)
	}
	script, err := btc.ParseAddress(oldAddress, btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{1}}, nil, nil))
	tx.AddTxOut(wire.NewTxOut(12_345, script.Script))
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	ghost = tx.TxHash()
	dir := filepath.Join(old, "wallets", "regtest")
	table := "txid,blockhash,blockheight,time,blocktime\r\n" +
		fmt.Sprintf("%s,%s,%d,%d,%d\r\n", paid, told.Blockhash, block.Height, told.Blocktime, told.Blocktime) +
		fmt.Sprintf("%s,%064x,%d,%d,%d\r\n", ghost, 7, block.Height+50, told.Blocktime, told.Blocktime)
	for name, data := range map[string][]byte{"savings_txs.csv": []byte(table), "savings_txs_raw/" + paid.String() + ".bin": raw, "savings_txs_raw/" + ghost.String() + ".bin": b.Bytes()} {
		err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return ghost
}

// balanceBefore is what the wallet holds before any node was asked.
func balanceBefore(t *testing.T, cfg Config) int64 {
	t.Helper()
	d, err := OpenDesk(context.Background(), cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	list, err := d.Wallets(context.Background(), auth.OwnerID)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	return int64(list[0].Balance.Confirmed)
}

// Whoever starts this program in the old one's folder is told how to take it over, once; and our
// files have names of their own.
func TestStartInTheOldFolderTellsOfIt(t *testing.T) {
	dir := t.TempDir()
	oldFiles(t, dir, nil)
	var before []string
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		before = append(before, e.Name())
	}
	start := func() string {
		var out bytes.Buffer
		cfg := Config{DataDir: dir, Out: &out}
		h := open(t, cfg)
		eventually(t, "the start", func() (bool, string) { // it answers after it has greeted
			answer, err := http.Get(h.URL())
			if err != nil {
				return false, err.Error()
			}
			return answer.Body.Close() == nil, ""
		})
		h.stop()
		return out.String()
	}
	if text := start(); strings.Count(text, "specter import") != 1 {
		t.Errorf("it printed %q", text)
	}
	takeOver(t, Config{DataDir: dir, Log: quiet(), Now: time.Now}, dir)
	if text := start(); strings.Contains(text, "specter import") {
		t.Errorf("after it was taken over it printed %q", text)
	}
	if list, err = os.ReadDir(dir); err != nil {
		t.Fatal(err)
	}
	original := []string{"config.json", "users.json", "otps.json", "hwi_bridge_config.json", "migration_data.json", "nodes", "devices", "wallets", "extensions", "sqlite",
		"cert.pem", "key.pem", "onion.txt", ".tor_service_key", "torrc", "tor-binaries", "bitcoin-binaries", "specter.log"}
	for _, e := range list {
		if !slices.Contains(before, e.Name()) && (slices.Contains(original, e.Name()) || strings.HasSuffix(e.Name(), ".json")) {
			t.Errorf("we wrote %s, which is the old program's", e.Name())
		}
	}
}
