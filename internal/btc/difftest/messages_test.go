package difftest_test

import (
	"encoding/base64"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/message"
)

// messageRounds is the number of messages of one round.
const messageRounds = 100

func messages(w *world) {
	good, wrong := 0, 0
	for range messageRounds * w.rounds {
		key := w.newPrivate()
		pub := key.PubKey().SerializeCompressed()
		compressed := !w.chance(4)
		if !compressed {
			pub = key.PubKey().SerializeUncompressed()
		}
		addr, _ := btc.AddressOf(btc.PayToPubKeyHash(btc.Hash160(pub)), btc.Regtest)
		text := w.sentence()
		ours := w.sameSignature(key, compressed, addr, text)
		if !w.sameVerdict(addr, text, ours) {
			w.Errorf("%s for %s of %q is refused", ours, addr, text)
		}
		other, _ := btc.AddressOf(btc.PayToPubKeyHash(w.bytes(20)), btc.Regtest)
		sig, err := base64.StdEncoding.DecodeString(ours)
		w.must(err)
		flipped := append([]byte(nil), sig...)
		flipped[w.IntN(len(flipped))] ^= 1 << w.IntN(8)
		for _, v := range [][3]string{
			{addr, text + " ", ours}, {other, text, ours}, {addr, text, base64.StdEncoding.EncodeToString(flipped)},
			{addr, text, base64.StdEncoding.EncodeToString(sig[:64])}, {addr, w.sentence(), ours},
		} {
			if w.sameVerdict(v[0], v[1], v[2]) {
				good++
			} else {
				wrong++
			}
		}
	}
	w.Logf("%d messages signed alike; of %d altered ones %d are good",
		messageRounds*w.rounds, good+wrong, good)
	if good > wrong/10 {
		w.Error("altered messages pass")
	}
}

// sentence is a random text of any script and length.
func (w *world) sentence() string {
	runes := []rune("abc XYZ 0189 äöü €₿ 漢字 \n\t🙂")
	var b strings.Builder
	for range w.IntN(1 + w.IntN(400)) {
		b.WriteRune(runes[w.IntN(len(runes))])
	}
	return b.String()
}

// sameSignature signs here and by the node: both follow RFC6979.
func (w *world) sameSignature(key *btcec.PrivateKey, compressed bool, addr, text string) string {
	w.Helper()
	wif, err := btcutil.NewWIF(key, btc.Regtest.Params(), compressed)
	w.must(err)
	var theirs string
	w.ask(&theirs, "signmessagewithprivkey", wif.String(), text)
	ours, err := message.Sign(key, addr, btc.Regtest, text, message.Legacy)
	w.must(err)
	if ours != theirs {
		w.Errorf("%q by %s: we sign %s, the node %s", text, addr, ours, theirs)
	}
	return ours
}

// sameVerdict compares verifymessage. A signature that the node cannot even read is a wrong one.
func (w *world) sameVerdict(addr, text, sig string) bool {
	w.Helper()
	var theirs bool
	refused := w.node.RPC("", "verifymessage", &theirs, addr, sig, text)
	_, err := message.Verify(addr, btc.Regtest, text, sig)
	if (err == nil) != (refused == nil && theirs) {
		w.Errorf("%s for %s of %q: we say %v, the node %v (%v)", sig, addr, text, err, theirs, refused)
	}
	return err == nil
}
