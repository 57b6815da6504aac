package psbt_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/vectors"
)

// roleCase holds the fields of all role vectors.
type roleCase struct {
	Role, Kind    string
	Valid         *bool
	PSBT          string
	PSBTs         []string
	Combine       []string
	Finalize      string
	Extract       string
	Result        string
	Transaction   string
	Privkeys      []string
	Signable      *bool
	Keys          []struct{ WIF string }
	FeeRate       *int64                          `json:"fee_rate_sat_vb_rounded"`
	Inputs        []roleInput                     //
	Outputs       []map[string]any                //
	MasterTPrv    string                          `json:"master_tprv"`
	RedeemScripts []string                        `json:"redeem_scripts"`
	Witness       []string                        `json:"witness_scripts"`
	Previous      []string                        `json:"previous_transactions"`
	PublicKeys    []struct{ PubKey, Path string } `json:"public_keys"`
	Sighash       string
}

type roleInput struct {
	TxID string
	Vout uint32
}

func (v roleCase) keys() ([]*btcec.PrivateKey, error) {
	var wifs []string
	for _, k := range v.Keys {
		wifs = append(wifs, k.WIF)
	}
	var out []*btcec.PrivateKey
	for _, s := range append(wifs, v.Privkeys...) {
		w, err := btcutil.DecodeWIF(s)
		if err != nil {
			return nil, err
		}
		out = append(out, w.PrivKey)
	}
	return out, nil
}

// checkRole runs the role that a case is about and compares byte for byte.
func checkRole(c vectors.Case) error {
	var v roleCase
	c.Decode(&v)
	switch role := v.Role + v.Kind; role {
	case "creator":
		return checkCreate(v)
	case "updater":
		return checkUpdate(v)
	case "signer":
		return checkSign(v)
	case "combiner":
		return checkCombine(append(v.PSBTs, v.Combine...), v.Result)
	case "finalizer":
		return checkFinalize(v.PSBT+v.Finalize, v.Result)
	case "extractor":
		return checkExtract(v.PSBT+v.Extract, v.Transaction+v.Result)
	case "fails-signer":
		return checkUnsignable(v.PSBT)
	case "fee":
		return checkFee(v)
	default:
		return checkParse(c)
	}
}

func checkCreate(v roleCase) error {
	tx := wire.NewMsgTx(2)
	for _, in := range v.Inputs {
		h, err := chainhash.NewHashFromStr(in.TxID)
		if err != nil {
			return err
		}
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: *h, Index: in.Vout}, Sequence: 0xffffffff})
	}
	for _, o := range v.Outputs {
		out, err := roleOutput(o)
		if err != nil {
			return err
		}
		tx.AddTxOut(out)
	}
	p, err := psbt.New(tx)
	if err != nil {
		return err
	}
	return sameBytes(p, v.Result)
}

func roleOutput(o map[string]any) (*wire.TxOut, error) {
	if s, ok := o["script"].(string); ok {
		script, err := hex.DecodeString(s)
		return wire.NewTxOut(int64(o["amount_sat"].(float64)), script), err
	}
	for addr, amount := range o {
		a, err := btc.ParseAddress(addr, btc.Regtest)
		if err != nil {
			return nil, err
		}
		sat, err := btc.ParseBTC(fmt.Sprint(amount))
		return wire.NewTxOut(int64(sat), a.Script), err
	}
	return nil, fmt.Errorf("an output without fields")
}

func checkUpdate(v roleCase) error {
	p, err := psbt.Decode(v.PSBT)
	if err != nil {
		return err
	}
	if v.Sighash != "" {
		t, err := psbt.ParseSighash(v.Sighash)
		if err != nil {
			return err
		}
		for i := range p.Inputs {
			p.SetSighash(i, t)
		}
		return sameBytes(p, v.Result)
	}
	return checkUpdateBIP174(p, v)
}

// checkUpdateBIP174 is the updater of BIP174: input 0 pays to a legacy 2 of 2, input 1 to a
// nested one, and the outputs to two keys of the wallet.
func checkUpdateBIP174(p *psbt.Packet, v roleCase) error {
	key := func(i int) string {
		return "[d90c6a4f/" + strings.TrimPrefix(v.PublicKeys[i].Path, "m/") + "]" + v.PublicKeys[i].PubKey
	}
	outputs := make([]*descriptor.Output, 4)
	for i, d := range []string{
		"sh(multi(2," + key(0) + "," + key(1) + "))", "sh(wsh(multi(2," + key(2) + "," + key(3) + ")))",
		"wpkh(" + key(4) + ")", "wpkh(" + key(5) + ")",
	} {
		parsed, err := descriptor.Parse(d, descriptor.Options{})
		if err != nil {
			return err
		}
		if outputs[i], err = parsed.Derive(0); err != nil {
			return err
		}
	}
	prev := map[chainhash.Hash]*wire.MsgTx{}
	for _, s := range v.Previous {
		tx, err := psbt.DecodeTx(s)
		if err != nil {
			return err
		}
		prev[tx.TxHash()] = tx
	}
	legacy, nested := p.Inputs[0].PrevOut, p.Inputs[1].PrevOut
	if err := p.UpdateInput(0, prev[legacy.Hash], nil, outputs[0]); err != nil {
		return err
	}
	if err := p.UpdateInput(1, nil, prev[nested.Hash].TxOut[nested.Index], outputs[1]); err != nil {
		return err
	}
	for i := range p.Outputs {
		if err := p.UpdateOutput(i, outputs[2+i]); err != nil {
			return err
		}
	}
	return sameBytes(p, v.Result)
}

// checkSign signs with and without grinding: the vectors come from signers of both kinds.
func checkSign(v roleCase) error {
	keys, err := v.keys()
	if err != nil {
		return err
	}
	var last error
	for _, noGrind := range []bool{false, true} {
		p, err := psbt.Decode(v.PSBT)
		if err != nil {
			return err
		}
		o := psbt.SignOptions{NoGrind: noGrind, SkipUnsound: true}
		added, err := p.SignWith(psbt.Keys(keys...), o)
		if err != nil {
			return err
		}
		if err := p.VerifySignatures(); err != nil && len(added) > 0 {
			return err
		}
		if last = sameBytes(p, v.Result); last == nil {
			return nil
		}
	}
	return last
}

func checkCombine(list []string, want string) error {
	var packets []*psbt.Packet
	for _, s := range list {
		p, err := psbt.Decode(s)
		if err != nil {
			return err
		}
		packets = append([]*psbt.Packet{p}, packets...)
		got, err := psbt.Combine(packets...)
		if err != nil {
			return err
		}
		if len(packets) == len(list) {
			if err := sameBytes(got, want); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFinalize(in, want string) error {
	p, err := psbt.Decode(in)
	if err != nil {
		return err
	}
	if err := p.Finalize(); err != nil {
		return err
	}
	return sameBytes(p, want)
}

func checkExtract(in, want string) error {
	p, err := psbt.Decode(in)
	if err != nil {
		return err
	}
	tx, err := p.Extract()
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(psbt.SerializeTx(tx)); got != want {
		return fmt.Errorf("extracted %s, want %s", got, want)
	}
	return nil
}

// checkUnsignable holds a PSBT that parses but that no signer may sign.
func checkUnsignable(s string) error {
	p, err := psbt.Decode(s)
	if err != nil {
		return err
	}
	if err := sameBytes(p, s); err != nil {
		return err
	}
	key, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{1}, 32))
	if _, err := p.Sign(psbt.Keys(key)); errs.CodeOf(err) != errs.Mismatch {
		return fmt.Errorf("signing gave %v, want a mismatch", err)
	}
	return nil
}

func checkFee(v roleCase) error {
	p, err := psbt.Decode(v.PSBT)
	if err != nil {
		return err
	}
	a := p.Analyse()
	if err := p.Finalize(); err != nil {
		return err
	}
	tx, err := p.Extract()
	if err != nil {
		return err
	}
	if vsize := psbt.TxWeight(tx).VSize(); a.VSize != vsize {
		return fmt.Errorf("vsize %d before finalizing, %d after", a.VSize, vsize)
	}
	if got := int64(a.FeeRate) / 1000; got != *v.FeeRate {
		return fmt.Errorf("feerate %s sat/vB, want %d", a.FeeRate, *v.FeeRate)
	}
	return nil
}

// unverified are PSBTs of bitcoinjs whose finalizer verifies nothing: their signatures are
// invalid, and no node would take what it makes of them. Ours (and Core's) refuses.
var unverified = map[string]string{
	"final-1":  "the key path signature of input 1 does not verify against the transaction",
	"finall-3": "the signature of the nested segwit input signs the legacy hash (BIP143 asks for another)",
}

func TestRoleVectors(t *testing.T) {
	for file, exceptions := range map[string]map[string]string{
		"bip174_roles": nil, "core_roles": nil, "hwi": nil, "bitcoinjs": unverified,
	} {
		t.Run(file, func(t *testing.T) { vectors.Each(t, "psbt/"+file+".json", exceptions, checkRole) })
	}
}

// TestUnsignableVectors holds BIP174's PSBTs that a signer must refuse.
func TestUnsignableVectors(t *testing.T) {
	for _, c := range vectors.Cases(t, "psbt/bip174_parse.json") {
		var v roleCase
		c.Decode(&v)
		if v.Signable != nil && !*v.Signable {
			if err := checkUnsignable(v.PSBT); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
	}
}
