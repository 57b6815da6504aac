package signertest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// Kinds of scripts, as Family.Scripts has them: one key, then several.
var (
	SingleKinds = []string{"pkh", "sh-wpkh", "wpkh", "tr"}
	MultiKinds  = []string{"sh", "sh-wsh", "wsh", "miniscript", "tr-tree"}
)

// forms are the descriptors of the kinds, with the account's path of their keys. The first key is
// enough for miniscript (at once) and tr-tree (by the key path); the multisigs are 2 of 3.
var forms = map[string]struct{ path, text string }{
	"pkh":        {"44h/1h/0h", "pkh(%s/<0;1>/*)"},
	"sh-wpkh":    {"49h/1h/0h", "sh(wpkh(%s/<0;1>/*))"},
	"wpkh":       {"84h/1h/0h", "wpkh(%s/<0;1>/*)"},
	"tr":         {"86h/1h/0h", "tr(%s/<0;1>/*)"},
	"sh":         {"48h/1h/0h/0h", "sh(sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*,%s/<0;1>/*))"},
	"sh-wsh":     {"48h/1h/0h/1h", "sh(wsh(sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*,%s/<0;1>/*)))"},
	"wsh":        {"48h/1h/0h/2h", "wsh(sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*,%s/<0;1>/*))"},
	"miniscript": {"48h/1h/0h/2h", "wsh(or_d(pk(%s/<0;1>/*),and_v(v:pkh(%s/<0;1>/*),older(144))))"},
	"tr-tree":    {"48h/1h/0h/2h", "tr(%s/<0;1>/*,{pk(%s/<0;1>/*),and_v(v:pk(%s/<0;1>/*),older(144))})"},
}

// AccountPath is where the keys of a kind of wallet are taken from.
func AccountPath(t testing.TB, kind string) btc.Path {
	t.Helper()
	p, err := btc.ParsePath(forms[kind].path)
	if err != nil || len(p) == 0 {
		t.Fatalf("%q is no kind of script", kind)
	}
	return p
}

// Account is the extended public key of a master key at a path with its origin, as descriptors
// have it.
func Account(t testing.TB, master btc.XKey, p btc.Path) string {
	t.Helper()
	key, err := master.Derive(p)
	if err != nil {
		t.Fatal(err)
	}
	return Expression(master.Fingerprint(), p, key)
}

// Expression writes an extended public key with its origin.
func Expression(fp btc.Fingerprint, p btc.Path, key btc.XKey) string {
	return "[" + btc.KeyOrigin{Fingerprint: fp, Path: p}.String() + "]" + key.Public().String()
}

// WalletOf makes a wallet of a kind from key expressions; those that are too many are left out.
func WalletOf(t testing.TB, kind string, keys ...string) signer.Wallet {
	t.Helper()
	form, known := forms[kind]
	if !known {
		t.Fatalf("%q is no kind of script", kind)
	}
	args := make([]any, 0, 3)
	for range countKeys(form.text) {
		if len(args) == len(keys) {
			t.Fatalf("a wallet of kind %s wants more than %d keys", kind, len(keys))
		}
		args = append(args, keys[len(args)])
	}
	return signer.Wallet{Name: "Savings " + kind, Descriptor: Descriptor(t, fmt.Sprintf(form.text, args...))}
}

func countKeys(text string) (n int) {
	for i := range len(text) - 1 {
		if text[i:i+2] == "%s" {
			n++
		}
	}
	return n
}

// Descriptor parses a descriptor that must be right.
func Descriptor(t testing.TB, text string) *descriptor.Descriptor {
	t.Helper()
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Wallet makes a wallet of a kind whose first key is of the first master key.
func Wallet(t testing.TB, kind string, masters ...btc.XKey) signer.Wallet {
	t.Helper()
	keys := make([]string, len(masters))
	for i, m := range masters {
		keys[i] = Account(t, m, AccountPath(t, kind))
	}
	return WalletOf(t, kind, keys...)
}

// Coin is an address of a wallet with an amount: what an input spends, or change.
type Coin struct {
	Wallet signer.Wallet
	Branch int
	Index  uint32
	Sat    int64
}

// Output derives the coin's output.
func (c Coin) Output(t testing.TB) *descriptor.Output {
	t.Helper()
	d, err := c.Wallet.Descriptor.Branch(c.Branch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Derive(c.Index)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Address is the coin's address.
func (c Coin) Address(t testing.TB, n btc.Network) string {
	t.Helper()
	a, ok := c.Output(t).Address(n)
	if !ok {
		t.Fatal("the coin has no address")
	}
	return a
}

// Payment is a transaction for a test: coins, what is paid to a stranger, and change.
type Payment struct {
	Coins   []Coin
	Pay     int64 // sat to a stranger's address; the fee is what is left
	Change  *Coin // nil: none
	NoXPubs bool  // leave the global xpubs out
}

// Stranger is the address that payments of tests go to: a P2WPKH one of nobody here.
func Stranger(n btc.Network) string {
	sum := sha256.Sum256([]byte("a stranger"))
	a, _ := btc.AddressOf(btc.WitnessScript(0, btc.Hash160(sum[:])), n)
	return a
}

// Packet makes the PSBT of a payment as a wallet would: version 0, every input with its previous
// transaction, scripts and derivations, and the cosigners' extended keys.
func (p Payment) Packet(t testing.TB, n btc.Network) *psbt.Packet {
	t.Helper()
	to, err := btc.ParseAddress(Stranger(n), n)
	if err != nil {
		t.Fatal(err)
	}
	tx, prevs := wire.NewMsgTx(2), make([]*wire.MsgTx, len(p.Coins))
	for i, c := range p.Coins {
		prevs[i] = funding(i, c.Sat, c.Output(t).Script)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prevs[i].TxHash(), Index: 1}, Sequence: 0xfffffffd})
	}
	tx.AddTxOut(wire.NewTxOut(p.Pay, to.Script))
	if p.Change != nil {
		tx.AddTxOut(wire.NewTxOut(p.Change.Sat, p.Change.Output(t).Script))
	}
	packet, err := psbt.New(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range p.Coins {
		if err := packet.UpdateInput(i, prevs[i], nil, c.Output(t)); err != nil {
			t.Fatal(err)
		}
	}
	if p.Change != nil {
		if err := packet.UpdateOutput(1, p.Change.Output(t)); err != nil {
			t.Fatal(err)
		}
	}
	if !p.NoXPubs {
		p.tellKeys(t, packet)
	}
	return packet
}

// tellKeys adds the extended keys of all wallets.
func (p Payment) tellKeys(t testing.TB, packet *psbt.Packet) {
	t.Helper()
	told := map[string]bool{}
	for _, c := range p.Coins {
		for _, k := range c.Wallet.Descriptor.Keys() {
			if k.XKey == nil || k.Origin == nil || told[k.Head()] {
				continue
			}
			told[k.Head()] = true
			if err := packet.AddXPub(*k.XKey, *k.Origin); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// funding is a transaction whose second output is the coin.
func funding(i int, sat int64, script []byte) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	from := chainhash.Hash(sha256.Sum256(fmt.Appendf(nil, "coin %d", i)))
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: from}, SignatureScript: []byte{0x51}, Sequence: 0xffffffff})
	tx.AddTxOut(wire.NewTxOut(1000, []byte{0x51}))
	tx.AddTxOut(wire.NewTxOut(sat, script))
	return tx
}
