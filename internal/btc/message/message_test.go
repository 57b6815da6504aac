package message_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/errs"
)

// testKey is a key that everybody knows.
var testKey, _ = btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))

// addresses are those of testKey.
func addresses(n btc.Network) map[string]string {
	pub := testKey.PubKey()
	hash := address.Hash160(pub.SerializeCompressed())
	out := map[string]string{}
	for name, script := range map[string][]byte{
		"p2pkh":              btc.PayToPubKeyHash(hash),
		"p2pkh uncompressed": btc.PayToPubKeyHash(address.Hash160(pub.SerializeUncompressed())),
		"p2sh-p2wpkh":        btc.PayToScriptHash(address.Hash160(btc.WitnessScript(0, hash))),
		"p2wpkh":             btc.WitnessScript(0, hash),
		"p2tr":               btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(pub))),
	} {
		out[name], _ = btc.AddressOf(script, n)
	}
	return out
}

func TestEveryFormatIsSignedAndVerified(t *testing.T) {
	allowed := map[string][]message.Format{
		"p2pkh":              {"", message.Legacy, message.Low, message.Full},
		"p2pkh uncompressed": {"", message.Legacy, message.Low, message.Full},
		"p2sh-p2wpkh":        {"", message.Legacy, message.Low, message.BIP137, message.Full},
		"p2wpkh":             {"", message.Legacy, message.Low, message.BIP137, message.Simple, message.Full},
		"p2tr":               {"", message.Simple, message.Full},
	}
	defaults := map[string]message.Format{"p2pkh": message.Legacy, "p2pkh uncompressed": message.Legacy,
		"p2sh-p2wpkh": message.BIP137, "p2wpkh": message.BIP137, "p2tr": message.Simple}
	for _, n := range []btc.Network{btc.Mainnet, btc.Regtest} {
		all := addresses(n)
		for kind, addr := range all {
			for _, text := range []string{"", "hello", "ünïcode 测试\n", strings.Repeat("long", 20_000)} {
				for _, f := range []message.Format{"", message.Legacy, message.Low, message.BIP137, message.Simple, message.Full, "carrier pigeon"} {
					sig, err := message.Sign(testKey, addr, n, text, f)
					if !contains(allowed[kind], f) {
						if errs.CodeOf(err) != errs.Unsupported {
							t.Errorf("%s as %s: %v", kind, f, err)
						}
						continue
					}
					want := f
					if f == "" {
						want = defaults[kind]
					} else if f == message.Low {
						want = message.Legacy
					}
					r, verr := message.Verify(addr, n, text, " "+sig+"\n")
					if err = errors.Join(err, verr); err != nil || r.Format != want || r.LockTime != 0 || r.Sequence != 0 {
						t.Errorf("%s as %q: %+v, %v", kind, f, r, err)
					}
					if _, err := message.Verify(addr, n, text+".", sig); errs.CodeOf(err) != errs.Mismatch {
						t.Errorf("%s as %q, another message: %v", kind, f, err)
					}
					foreign := "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
					if _, err := message.Verify(foreign, btc.Mainnet, text, sig); errs.KindOf(err) != errs.Invalid {
						t.Errorf("%s as %q, another address: %v", kind, f, err)
					}
				}
			}
		}
	}
}

func contains(list []message.Format, f message.Format) bool {
	for _, x := range list {
		if x == f {
			return true
		}
	}
	return false
}

func TestKeyOfAnotherAddressIsRefused(t *testing.T) {
	for _, addr := range []string{"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "bc1qp0ahvfh83088w49k405szqgg4f3pptr7p2g06tdxfjcd40z4lh4q95lsz9"} {
		if _, err := message.Sign(testKey, addr, btc.Mainnet, "x", ""); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := message.Sign(testKey, addresses(btc.Regtest)["p2wpkh"], btc.Mainnet, "x", ""); errs.CodeOf(err) != errs.WrongNetwork {
		t.Errorf("got %v", err)
	}
}

func multisig(m int, keys ...*btcec.PrivateKey) []byte {
	b := txscript.NewScriptBuilder().AddInt64(int64(m))
	for _, k := range keys {
		b.AddData(k.PubKey().SerializeCompressed())
	}
	script, _ := b.AddInt64(int64(len(keys))).AddOp(txscript.OP_CHECKMULTISIG).Script()
	return script
}

func TestMultisig(t *testing.T) {
	other, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{9}, 32))
	third, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{11}, 32))
	script := multisig(2, testKey, other, third)
	program := sha256.Sum256(script)
	addr, _ := btc.AddressOf(btc.WitnessScript(0, program[:]), btc.Signet)
	for _, keys := range [][]*btcec.PrivateKey{{testKey, other}, {third, testKey}, {third, other, testKey}} {
		for _, f := range []message.Format{message.Simple, message.Full} {
			sig, err := message.SignMultisig(keys, script, "vault", f)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := message.Verify(addr, btc.Signet, "vault", sig); err != nil || r.Format != f {
				t.Errorf("%+v, %v", r, err)
			}
		}
	}
	if _, err := message.SignMultisig([]*btcec.PrivateKey{third}, script, "vault", message.Simple); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("one key of two: %v", err)
	}
	if _, err := message.SignMultisig([]*btcec.PrivateKey{testKey, testKey}, script, "vault", message.Simple); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("one key twice: %v", err)
	}
	for _, bad := range [][]byte{nil, {0x51}, {0x51, 0xae}, script[:40], append(bytes.Clone(script), 0x51), multisig(4, testKey, other)} {
		if _, err := message.SignMultisig([]*btcec.PrivateKey{testKey}, bad, "vault", message.Simple); errs.CodeOf(err) != errs.Unsupported {
			t.Errorf("%x: %v", bad, err)
		}
	}
}

// Each byte of a good signature matters.
func TestChangedSignaturesAreRefused(t *testing.T) {
	for kind, addr := range addresses(btc.Mainnet) {
		for _, f := range []message.Format{"", message.Full} {
			sig, err := message.Sign(testKey, addr, btc.Mainnet, "x", f)
			if err != nil {
				t.Fatal(err)
			}
			prefix := ""
			if f == message.Full {
				prefix = "ful"
			} else if kind == "p2tr" {
				prefix = "smp"
			}
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sig, prefix))
			if err != nil {
				t.Fatal(err)
			}
			for i := range raw {
				bad := bytes.Clone(raw)
				bad[i] ^= 0x40
				if _, err := message.Verify(addr, btc.Mainnet, "x", prefix+base64.StdEncoding.EncodeToString(bad)); err == nil {
					t.Errorf("%s %s: byte %d may change", kind, f, i)
				}
				if _, err := message.Verify(addr, btc.Mainnet, "x", prefix+base64.StdEncoding.EncodeToString(raw[:i])); err == nil {
					t.Errorf("%s %s: %d bytes are enough", kind, f, i)
				}
			}
			if _, err := message.Verify(addr, btc.Mainnet, "x", prefix+base64.StdEncoding.EncodeToString(append(raw, 0))); err == nil {
				t.Errorf("%s %s: a byte more passes", kind, f)
			}
		}
	}
}

// The engine takes every type of signature and an s of the group order and more; BIP322 does not.
func TestTaprootSignatureRules(t *testing.T) {
	addr := addresses(btc.Mainnet)["p2tr"]
	sig, err := message.Sign(testKey, addr, btc.Mainnet, "x", message.Simple)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(sig, "smp"))
	if len(raw) != 66 || raw[0] != 1 || raw[1] != 64 {
		t.Fatalf("the witness is %x", raw)
	}
	none := append([]byte{1, 65}, append(bytes.Clone(raw[2:]), byte(txscript.SigHashNone))...)
	if _, err := message.Verify(addr, btc.Mainnet, "x", "smp"+base64.StdEncoding.EncodeToString(none)); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("SIGHASH_NONE: %v", err)
	}
	wrapped := bytes.Clone(raw)
	copy(wrapped[34:], bytes.Repeat([]byte{0xff}, 32))
	if _, err := message.Verify(addr, btc.Mainnet, "x", "smp"+base64.StdEncoding.EncodeToString(wrapped)); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("s above the order: %v", err)
	}
}

func TestUnknownWitnessVersionCannotBeTold(t *testing.T) {
	addr, _ := btc.AddressOf(btc.WitnessScript(2, bytes.Repeat([]byte{1}, 32)), btc.Mainnet)
	if _, err := message.Verify(addr, btc.Mainnet, "x", "smpAQEB"); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("got %v", err)
	}
}

func TestVerifyRefusesWhatIsNoSignature(t *testing.T) {
	addr := addresses(btc.Mainnet)["p2wpkh"]
	for name, c := range map[string]struct {
		addr, sig string
		code      errs.Code
	}{
		"nothing":           {addr, "", errs.BadEncoding},
		"no base64":         {addr, "hello world!", errs.BadEncoding},
		"loose base64":      {addr, "smpAQF=", errs.BadEncoding},
		"proof of funds":    {addr, "pofcHNi", errs.Unsupported},
		"too long":          {addr, strings.Repeat("A", 300_000), errs.TooLarge},
		"a giant witness":   {addr, "smp/////////////", errs.BadEncoding},
		"a wrong address":   {"bc1qqqq", "smpAQEB", errs.BadEncoding},
		"of another kind":   {addr, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", errs.BadEncoding},
		"an empty witness":  {addr, "smpAA==", errs.BadEncoding},
		"another structure": {addr, "fulAQEBAQEB", errs.BadEncoding},
	} {
		if _, err := message.Verify(c.addr, btc.Mainnet, "x", c.sig); errs.CodeOf(err) != c.code {
			t.Errorf("%s: %v (%s)", name, err, errs.CodeOf(err))
		}
	}
	if _, err := message.Verify(addr, btc.Mainnet, strings.Repeat("x", message.MaxMessage+1), "smpAQEB"); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("a long message: %v", err)
	}
}

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]message.Request{
		"signmessage m/84h/1h/0h/0/5 ascii:hello world ": {Path: btc.Path{84 | btc.Hardened, 1 | btc.Hardened, btc.Hardened, 0, 5}, Message: "hello world "},
		" signmessage m/44'/0H ascii:":                   {Path: btc.Path{44 | btc.Hardened, btc.Hardened}},
		"signmessage m ascii:a:b\nc":                     {Message: "a:b\nc"},
		"signmessage m/0 base64:aGVsbG8=":                {Path: btc.Path{0}, Message: "hello"},
	} {
		r, err := message.ParseRequest(text)
		if err != nil || r.Message != want.Message || r.Path.Full() != want.Path.Full() {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
		again, err := message.ParseRequest(r.String())
		if err != nil || again.Message != r.Message || again.Path.Full() != r.Path.Full() {
			t.Errorf("%q: printed %q, %v", text, r.String(), err)
		}
	}
	for text, code := range map[string]errs.Code{
		"":                                 errs.Malformed,
		"signmessage":                      errs.Malformed,
		"signmessage m/0":                  errs.Malformed,
		"signmessage m/0 hello":            errs.Malformed,
		"signmessage m/0 utf8:hello":       errs.Malformed,
		"signmessage 84h/0 ascii:x":        errs.BadPath,
		"signmessage m/x ascii:x":          errs.BadPath,
		"signmessage m/4294967296 ascii:x": errs.BadPath,
		"signmessage m/0 base64:***":       errs.BadEncoding,
		"signmessage m/0 base64://8=":      errs.BadEncoding,
		"SignMessage m/0 ascii:x":          errs.Malformed,
		"signmessage m " + strings.Repeat("x", message.MaxMessage): errs.TooLarge,
	} {
		if _, err := message.ParseRequest(text); errs.CodeOf(err) != code {
			t.Errorf("%.50q: %v (%s)", text, err, errs.CodeOf(err))
		}
	}
}

func FuzzVerify(f *testing.F) {
	for kind, addr := range addresses(btc.Mainnet) {
		for _, format := range []message.Format{"", message.Full} {
			sig, err := message.Sign(testKey, addr, btc.Mainnet, kind, format)
			if err != nil {
				f.Fatal(err)
			}
			prefix, body := "", sig
			if strings.HasPrefix(sig, "smp") || strings.HasPrefix(sig, "ful") {
				prefix, body = sig[:3], sig[3:]
			}
			raw, _ := base64.StdEncoding.DecodeString(body)
			f.Add(kind, prefix, raw)
		}
	}
	all := addresses(btc.Mainnet)
	f.Fuzz(func(t *testing.T, kind, prefix string, raw []byte) {
		addr, ok := all[kind]
		if !ok {
			addr = "bc1qp0ahvfh83088w49k405szqgg4f3pptr7p2g06tdxfjcd40z4lh4q95lsz9"
		}
		_, err := message.Verify(addr, btc.Mainnet, "not what was signed", prefix+base64.StdEncoding.EncodeToString(raw))
		if err == nil {
			t.Errorf("accepted for %s: %s %x", kind, prefix, raw)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add("signmessage m/84h/1h/0h/0/5 ascii:hello")
	f.Add("signmessage m base64:aGVsbG8=")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := message.ParseRequest(text)
		if err != nil {
			return
		}
		again, err := message.ParseRequest(r.String())
		if err != nil && errs.CodeOf(err) != errs.TooLarge || err == nil && (again.Message != r.Message || again.String() != r.String()) {
			t.Errorf("%q became %q: %v", text, r.String(), err)
		}
	})
}
